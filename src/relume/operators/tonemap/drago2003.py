"""Drago, Myszkowski, Annen, Chiba 2003: adaptive logarithmic mapping."""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean, power

# Luminance over adaptation, below which the curve is continued as a straight line: 40 stops under the mean.
_DARKEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Drago2003(Method):
    """Logarithmic compression whose base goes from 2 in the dark to 10 in the light.

    Ld = (Ldmax/100) / log10(1 + x_max) · ln(1 + x) / ln(2 + 8 (x/x_max)^(ln b / ln 0.5)),
    x = L / (log mean of L / (1 + b - 0.85)^5).

    Agreement: 6e-8 (relative, float64) with DragoTMO of the HDR Toolbox.

    Picture: even and soft, shadows open, lamps with their colours; low contrast. Seldom wrong.

    References:  [drago2003], eq. 4 and the scale factor of section 4.
    """

    bias: float = parameter(
        0.85,
        "lower lifts the middle tones, higher holds them down; 0.7 to 0.9 as a rule",
        minimum=0.5,
        maximum=1.0,
    )
    peak: float = parameter(
        100.0,
        "display luminance the paper aims at: the result is scaled by peak/100 and clips above 100",
        minimum=1.0,
        maximum=1e4,
        unit="cd/m²",
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="drago2003",
        title="Drago et al. 2003, adaptive logarithmic mapping",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="drago2003",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The luminance that the eye is adapted to, and the largest as a multiple of it."""
        light = light_of(image)
        adaptation = log_mean(light) / (1.0 + self.bias - 0.85) ** 5
        return {
            "adaptation": adaptation,
            "top": (light.amax((-2, -1), keepdim=True) / adaptation).clamp(min=_DARKEST),
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        adaptation, top = statistics["adaptation"], statistics["top"]
        x = (luminance(image) / adaptation).clamp(min=_DARKEST)
        base = 2.0 + 8.0 * power(x / top, math.log(self.bias) / math.log(0.5))
        scale = (self.peak / 100.0) * math.log(10.0) / (top.log1p() * adaptation)
        return image * (scale * x.log1p() / (x * base.log()))
