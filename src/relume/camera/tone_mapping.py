"""Tone mapping as a camera: the SDR picture is made by an operator rather than by one exposure."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relume.camera import draws
from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.errors import MethodError
from relume.image import convert
from relume.method import Direction, Method, MethodSpec, Statistics, configure, parameter
from relume.operators.statistics import percentile


class ToneMappingDraw(NamedTuple):
    """The drawn operators and their parameters."""

    choice: Int[Tensor, " batch"]
    """Which variation each picture gets."""
    settings: Float[Tensor, "batch count"]
    """Where between their limits its parameters lie, 0..1, in the order in which they are named."""


@dataclass(frozen=True, kw_only=True)
class Variation:
    """A tone mapping operator some of whose parameters are drawn.

    Args:
        method: the operator; what is not drawn stays as it is here.
        ranges: limits between which parameters are uniform, by name.
    """

    method: Method
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spec = self.method.spec
        if spec.direction is not Direction.TONEMAP:
            raise MethodError(f"{spec.name} is for `relume {spec.direction}`; a camera needs tone mapping.")
        if spec.input != LINEAR_SCENE:
            raise MethodError(f"{spec.name} wants {spec.input}; a camera has {LINEAR_SCENE} to offer.")
        for end in (0, 1):
            configure(type(self.method), {name: limits[end] for name, limits in self.ranges.items()})

    def at(self, settings: list[float]) -> Method:
        """The operator with its parameters at these shares of the way from low to high."""
        drawn = zip(self.ranges.items(), settings, strict=False)
        values = {name: low + (high - low) * share for (name, (low, high)), share in drawn}
        return replace(self.method, **values)  # type: ignore[type-var]


@dataclass(frozen=True, kw_only=True)
class ToneMapping:
    """One of several operators for each picture, its parameters drawn anew.

    Convention:  linear light of the scene → linear light of an SDR display, 1.0 is its white; not clipped.
        Gradients flow through operators that say of themselves that they are differentiable.

    Args:
        variations: the operators, each as likely.
        stretch: whether the darkest value of a picture is then brought to 0 and the lightest to 1.

    References:  [itmn2018], section 3.1; [marnerides2018], section 4.1.
    """

    variations: tuple[Variation, ...]
    stretch: bool = False

    def __post_init__(self) -> None:
        if not self.variations:
            raise MethodError("a camera that tone maps needs at least one operator; got none.")

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> ToneMappingDraw:
        """Which operator, and its parameters."""
        count = max(len(variation.ranges) for variation in self.variations)
        choice = draws.integers(light, generator, 0, len(self.variations) - 1)
        return ToneMappingDraw(choice, draws.numbers(light, generator, count))

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], drawn: ToneMappingDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """Tone map each picture."""
        rows = zip(drawn.choice.tolist(), drawn.settings.tolist(), light, strict=True)
        mapped = torch.cat(
            [self._one(self.variations[index].at(row), item[None]) for index, row, item in rows]
        )
        if not self.stretch:
            return mapped
        low, high = mapped.amin((1, 2, 3), keepdim=True), mapped.amax((1, 2, 3), keepdim=True)
        return (mapped - low) / torch.where(high > low, high - low, 1.0)

    @staticmethod
    def _one(method: Method, light: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        output = method.spec.output
        mapped = method(light if method.spec.differentiable else light.detach())
        return convert(mapped, output, replace(LINEAR_DISPLAY, white=output.white))


@dataclass(frozen=True, kw_only=True)
class PercentileExposure(Method):
    """Black and white put at two percentiles of the picture's values; what lies outside is clipped.

    References:  [marnerides2018], section 4.1, and the published code.
    """

    low: float = parameter(0.1, "share of values that become black", minimum=0.0, maximum=1.0)
    high: float = parameter(0.9, "share of values that do not become white", minimum=0.0, maximum=1.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="percentile_exposure",
        title="Exposure between two percentiles",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="marnerides2018",
        upper=1.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The values at the two percentiles."""
        image = image.detach()
        return {"black": percentile(image, self.low), "white": percentile(image, self.high)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale and clip."""
        statistics = statistics or self.measure(image)
        black, span = statistics["black"], statistics["white"] - statistics["black"]
        return ((image - black) / torch.where(span > 0, span, 1.0)).clamp(0.0, 1.0)
