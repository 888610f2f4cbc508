"""Kim, Kautz 2008: consistent tone reproduction."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, percentile, scale_to, strips

# A scene whose log luminance spans less is of one light.
_FLAT = 1e-4


@dataclass(frozen=True, kw_only=True)
class KimKautz2008(Method):
    """Log luminance is scaled about its mean, most gently in the middle, then stretched to the display.

    Ld = exp(c2 k2 (l - μ) + μ), l = ln L, k2 = (1 - k1) exp(-(l - μ)² / 2σ²) + k1, σ = (max l - min l) / c1,
    k1 the range of the display over that of the scene; the 1st and the 99th percentile of Ld become 0 and 1.

    Convention:  the curve is not monotone where k1 < 0.31, that is where the range of the scene is more than
        three times that of the display (in logarithms): far from the mean the order of tones may reverse.

    Agreement: 6e-8 (of the largest value, float64) with KimKautzConsistentTMO of the HDR Toolbox, all three
    cases.

    Picture: natural middle tones, black shadows, somewhat dark.

    References:  [kim_kautz2008], section 3.
    """

    peak: float = parameter(300.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")
    black_level: float = parameter(0.3, "black of the display", minimum=1e-6, maximum=100.0, unit="cd/m²")
    width: float = parameter(
        3.0, "c1: how many standard deviations of the gentle middle the scene has", minimum=0.1, maximum=100.0
    )
    efficiency: float = parameter(0.5, "c2: higher is more contrast", minimum=0.01, maximum=2.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="kim_kautz2008",
        title="Kim and Kautz 2008, consistent tone reproduction",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="kim_kautz2008",
        memory=3.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """Mean and range of log luminance, and the ends of the scaled luminance."""
        light = light_of(image)
        logarithm = torch.cat([(strip + LOG_OFFSET).log() for strip in strips(light)], dim=-2)
        top, bottom = (end((-2, -1), keepdim=True) for end in (logarithm.amax, logarithm.amin))
        statistics = {
            "mean": logarithm.mean((-2, -1), keepdim=True),
            "range": (top - bottom).clamp(min=_FLAT),
        }
        curve = torch.cat([self._scaled(strip, statistics) for strip in strips(logarithm)], dim=-2)
        low, high = percentile(curve, 0.01), percentile(curve, 0.99)
        flat = high - low <= _FLAT * high
        return {
            **statistics,
            "black": torch.where(flat, 0.0, low),
            "white": torch.where(flat, 2.0 * high, high),
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        black, white = statistics["black"], statistics["white"]
        light = luminance(image)
        curve = self._scaled((light.clamp(min=0.0) + LOG_OFFSET).log(), statistics)
        return scale_to(image, light, ((curve - black) / (white - black)).clamp(0.0, 1.0))

    def _scaled(self, logarithm: Tensor, statistics: Statistics) -> Tensor:
        """exp(c2 k2 (l - μ) + μ), relative to exp(μ)."""
        smallest = math.log(self.peak / self.black_level) / statistics["range"]
        distance = logarithm - statistics["mean"]
        nearness = (-0.5 * (distance * (self.width / statistics["range"])) ** 2).exp()
        return (self.efficiency * ((1.0 - smallest) * nearness + smallest) * distance).exp()
