"""Ashikhmin 2002: a tone mapping algorithm for high contrast images."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.gaussian import gaussian_blur
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, percentile, scale_to

_DARKEST = 1e-9
"""cd/m², below which light counts as this."""
_SCALES = range(1, 11)
_EDGE = 0.5
"""The contrast between two means, relative to the smaller one, that ends a neighbourhood."""


@dataclass(frozen=True, kw_only=True)
class Ashikhmin2002(Method):
    """Map adaptation by how many just noticeable differences it lies above black, and give details back.

    Ld = (C(A) - C(lowest)) / (C(highest) - C(lowest)) · L/A, C the integral of the inverse threshold of
    vision and A the mean of the largest neighbourhood of a pixel that has no strong edge.

    Convention:  details are not bounded: pixels brighter than their neighbourhood go above 1. A few pixels
        around lamps keep halos of the width of the neighbourhoods, 2 to 4 pixels.

    Agreement: 7e-8 (relative to the largest value, float64) with AshikhminTMO of the HDR Toolbox, all three
    cases, with variant=toolbox.

    Picture: bright, with strong fine texture and noise; lamps keep colour, and thin outlines show around
        them.

    References:  [ashikhmin2002], section 3.
    """

    local: bool = parameter(True, "adapt to neighbourhoods; no: pixel by pixel, without edges to keep")
    variant: str = parameter(
        "paper",
        "paper: neighbourhoods grow until they meet an edge, the ends are the extremes; toolbox: the largest "
        "without an edge, whatever smaller ones have; the ends are the 0.05 % and 99.95 % percentiles",
        choices=("paper", "toolbox"),
    )
    peak: float = parameter(
        100.0, "the result is scaled by peak/100 and clips above 100", minimum=1.0, maximum=1e4, unit="cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="ashikhmin2002",
        title="Ashikhmin 2002, perceptual capacity with local detail",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="ashikhmin2002",
        memory=15.0,
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What each pixel is adapted to, and the ends of that."""
        with torch.no_grad():
            light = light_of(image.detach()).clamp_(min=_DARKEST)
            adaptation = self._adaptation(light) if self.local else light
            if self.variant == "toolbox":
                low, high = percentile(adaptation, 0.0005), percentile(adaptation, 0.9995)
            else:
                low, high = (extreme(adaptation, (-2, -1), True) for extreme in (torch.amin, torch.amax))
        return {"low": low, "high": high} | ({"adaptation": adaptation} if self.local else {})

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Map what the pixel is adapted to and scale its colour with it."""
        statistics = statistics or self.measure(image)
        adaptation = statistics.get("adaptation")
        if adaptation is None:
            adaptation = luminance(image).clamp(min=_DARKEST)
        low, high = capacity(statistics["low"]), capacity(statistics["high"])
        display = (capacity(adaptation) - low) / (high - low).clamp(min=1e-6)
        return scale_to(image, adaptation, display * (self.peak / 100.0))

    def _adaptation(
        self, light: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        chosen = _mean(light, _SCALES[0])
        growing = torch.ones_like(light, dtype=torch.bool)
        for scale in _SCALES:
            mean = _mean(light, scale)
            even = (mean - _mean(light, 2 * scale)).abs_() < _EDGE * mean
            if self.variant == "paper":
                growing &= even
                chosen = torch.where(growing, mean, chosen)
            else:  # where none is even, the largest
                chosen = torch.where(even | ((scale == _SCALES[-1]) & growing), mean, chosen)
                growing &= ~even
        return chosen


def capacity(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """How many just noticeable differences a luminance in cd/m² lies above black.

    References:  [ashikhmin2002], section 3.1: the integral of a piecewise linear fit to the thresholds.
    """
    darkest = light / 0.0014
    dark = 2.4483 + (light.clamp(min=1e-4) / 0.0034).log() / 0.4027
    dim = 16.5630 + (light - 1.0) / 0.4027
    bright = 32.0693 + (light.clamp(min=1e-4) / 7.2444).log() / 0.0556
    upper = torch.where(light < 7.2444, dim, bright)
    return torch.where(light < 0.0034, darkest, torch.where(light < 1.0, dark, upper))


def _mean(light: Tensor, window: int) -> Tensor:
    """The Gaussian mean in a window of about that many pixels, five standard deviations."""
    return gaussian_blur(light, window / 5.0, radius=max(math.floor(window / 2.0), 1))
