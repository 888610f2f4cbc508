"""Hable 2010: the filmic curve of Uncharted 2."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.tonemap.exposure import (
    WHITE_SCENE,
    automatic_parameter,
    exposed,
    exposure_parameter,
    measure_exposure,
)

_CONSTANTS = {
    "blog": (0.15, 0.50, 0.10, 0.20, 0.02, 0.30),
    "talk": (0.22, 0.30, 0.10, 0.20, 0.01, 0.30),
}
"""Strength A of the shoulder, strength B and angle C of the straight part, and D, E, F of the toe."""


@dataclass(frozen=True, kw_only=True)
class Hable2010(Method):
    """A film's curve of toe, straight part and shoulder, per channel: f(bias C) / f(white).

    f(x) = (x (A x + C B) + D E) / (x (A x + B) + D F) - E / F.

    Convention:  light of which bias times the value exceeds `white` comes out above 1. Channels by
        themselves: bright saturated colours go towards white, and their hue turns.

    Agreement: with the formula recomputed in numpy, both sets of constants, 1e-12; no reference program.

    Picture: grey and filmic: faded middle tones, and lamps that go to white.

    References:  [hable2010].
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()
    constants: str = parameter(
        "blog", "blog: those of the article; talk: those of the talk, brighter", choices=("blog", "talk")
    )
    bias: float = parameter(2.0, "the exposure of the article, a factor", minimum=0.01, maximum=100.0)
    white: float = parameter(11.2, "light, after the bias, that becomes white", minimum=0.1, maximum=1e6)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="hable2010",
        title="Hable 2010, the filmic curve of Uncharted 2",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=LINEAR_DISPLAY,
        citation="hable2010",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Apply the curve to each channel."""
        light = exposed(image, statistics or self.measure(image)) * self.bias
        white = torch.full_like(light[:, :1, :1, :1], self.white)
        return self._curve(light) / self._curve(white)

    def _curve(self, x: Tensor) -> Tensor:
        """f over one denominator: to subtract E/F from the fraction would lose the digits of the dark."""
        a, b, c, d, e, f = _CONSTANTS[self.constants]
        return x * (a * (1.0 - e / f) * x + b * (c - e / f)) / (x * (a * x + b) + d * f)
