"""Logarithmic mapping: the law of Weber and Fechner as a baseline of tone mapping."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

# Luminance below which the curve is a straight line to the last digit.
_DARKEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Logarithmic(Method):
    """The logarithm of luminance, the brightest at white: Ld = log10(1 + q L) / log10(1 + k Lmax).

    Convention:  the curve depends on the unit of the light: the brighter the numbers, the more it compresses;
        a relative picture with a mean near 1 comes out dark.

    Agreement: 6e-8 (relative, float64) with LogarithmicTMO of the HDR Toolbox, both cases.

    Picture: dark, at night nearly black, since the unit of the light is far below the brightest lamp.

    References:  [banterle2017], the logarithmic mapping.
    """

    gain: float = parameter(1.0, "q: higher compresses more", minimum=1e-6, maximum=1e6)
    white_gain: float = parameter(
        1.0, "k: higher than q leaves room above the brightest pixel", minimum=1e-6, maximum=1e6
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="logarithmic",
        title="Logarithmic mapping, a baseline",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="banterle2017",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """ln(1 + k Lmax), the logarithm that becomes white."""
        top = light_of(image).amax((-2, -1), keepdim=True)
        return {"white": (self.white_gain * top).clamp(min=_DARKEST).log1p()}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        light = luminance(image).clamp(min=_DARKEST)
        return image * ((self.gain * light).log1p() / (light * statistics["white"]))
