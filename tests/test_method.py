"""Parameters from text: what is accepted, what is refused and how it is told."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.errors import MethodError
from relume.method import Direction, Method, MethodSpec, Statistics, configure, parameter


@dataclass(frozen=True, kw_only=True)
class Sample(Method):
    """A method with one parameter of each kind."""

    gain: float = parameter(1.0, "a number", minimum=0.0, maximum=4.0)
    key: float | None = parameter(None, "found from the image", minimum=0.0)
    levels: int = parameter(3, "a whole number", minimum=1, maximum=9)
    sharp: bool = parameter(False, "a switch")
    mode: str = parameter("fast", "a choice", choices=("fast", "fine"))

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="sample",
        title="A method of the tests",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_SCENE,
        citation="none",
    )

    def __call__(self, image: torch.Tensor, statistics: Statistics | None = None) -> torch.Tensor:
        return image


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("gain", "2.5", 2.5),
        ("gain", 2, 2.0),
        ("key", "auto", None),
        ("key", None, None),
        ("key", "0.2", 0.2),
        ("levels", "4", 4),
        ("levels", "4.0", 4),
        ("sharp", "yes", True),
        ("sharp", "False", False),
        ("sharp", True, True),
        ("mode", "fine", "fine"),
    ],
)
def test_accepted(name: str, text: Any, value: Any) -> None:
    assert getattr(configure(Sample, {name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gian", "1", "sample has no parameter 'gian'; it has gain, key, levels, sharp, mode"),
        ("gain", "5", "gain is 5; expected 0 to 4"),
        ("gain", "nan", "gain is nan; expected 0 to 4"),
        ("gain", "lots", "gain is 'lots'; expected a number"),
        ("gain", "auto", "gain is 'auto'; expected a number"),
        ("levels", "2.5", "levels is '2.5'; expected a whole number"),
        ("levels", "inf", "levels is 'inf'; expected a whole number"),
        ("sharp", "maybe", "sharp is 'maybe'; expected yes or no"),
        ("mode", "best", "mode is 'best'; expected one of fast, fine"),
    ],
)
def test_refused(name: str, text: Any, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        configure(Sample, {name: text})
