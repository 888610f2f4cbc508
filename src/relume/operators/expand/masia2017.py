"""Masia, Serrano, Gutierrez 2017: dynamic range expansion based on image statistics."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.expand.masia2009 import DOMAIN, key_of, power_expansion, smoothed, whole_luminance
from relume.operators.statistics import log_mean

_OVEREXPOSED = 254.0 / 255.0


@dataclass(frozen=True, kw_only=True)
class Masia2017(Method):
    """A power of luminance, peak·L^γ, whose exponent is a regression on three statistics of the picture.

    γ = 2.4379 + 0.2319·ln(log mean) - 1.1228·key + 0.0085·(percentage of overexposed pixels).

    Convention:  L is the luminance of the encoded values, to which γ was fitted; colours keep the ratios of
        their linear light. A picture of one luminance, which has no key, gets γ = 1.

    Agreement: HDR Toolbox (linear domain), 3 cases, within 6e-8 relative in float64 (they are stored so),
        1e-6 in float32. There is nothing to compare the encoded domain with.

    Picture: exponents of 1.5 to 1.9 are less than the 2.2 of a display, so most pictures come out milky and
        as bright as the display can; `domain=linear` gives them contrast.

    References:  [masia2017], section 4 (regression); published online in 2015.
    """

    peak: float = parameter(1000.0, "luminance of white", minimum=1.0, maximum=10_000.0, unit="cd/m²")
    domain: str = parameter("encoded", DOMAIN, choices=("encoded", "linear"))
    base_layer: bool = parameter(True, "expand a smoothed layer and keep the detail's contrast as it is")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="masia2017",
        title="Masia et al. 2017, power by three statistics of the picture",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="masia2017",
        memory=8.0,
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exponent, and the base layer if wanted."""
        light = whole_luminance(image, self.domain)
        key, known = key_of(light)
        overexposed = 100.0 * (light >= _OVEREXPOSED).to(light).mean((-2, -1), keepdim=True)
        regression = 2.4379 + 0.2319 * log_mean(light).log() - 1.1228 * key + 0.0085 * overexposed
        exponent = torch.where(known, regression, 1.0)
        return {"exponent": exponent} | (smoothed(light) if self.base_layer else {})

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Raise luminance to the power and scale the colours with it."""
        statistics = statistics or self.measure(image)
        return power_expansion(image, statistics, peak=self.peak, domain=self.domain)
