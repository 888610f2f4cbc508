"""Kuo, Tang, Chien 2012: content-adaptive inverse tone mapping."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.bilateral_grid import bilateral_grid
from relume.filters.box import largest_box_mean
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, scale_to

_SIGMA_RANGE = (100.0 / 255.0) ** 2.2

# Rounding must not decide whether a clipped area is as bright as its own mean.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Kuo2012(Method):
    """The inverse of Schlick's curve, peak·L / (p·(1 - L) + L), smoothed in bright regions.

    Regions at least as bright as the brightest mean over a tenth of the picture are smoothed by 5 × 5 pixels,
    which hides the contours that the steep end of the curve tears open.

    Convention:  σ of the range is the paper's 100 of 255 with gamma 2.2 removed. The paper sets p by a
        trained classifier of scenes, which is not published; here it is a parameter.

    Agreement: HDR Toolbox, 1 case within 6e-8 relative in float64 (they are stored so). In its other two the
        brightest mean came out as 1 + 2e-15, so that nothing was smoothed: `smooth=no` agrees as well.
    Picture: p = 30 takes middle grey to a hundredth of the peak and leaves only what is nearly white bright.

    References:  [kuo2012].
    """

    peak: float = parameter(1000.0, "luminance of white", minimum=1.0, maximum=10_000.0, unit="cd/m²")
    p: float = parameter(30.0, "higher keeps mid-tones darker", minimum=1.0, maximum=1000.0)
    smooth: bool = parameter(True, "smooth bright regions")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="kuo2012",
        title="Kuo et al. 2012, inverse rational curve",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="kuo2012",
        memory=8.0,
        scaling="dependent",
    )

    @property
    def halo(self) -> int:
        """The reach of the smoothing."""
        return 2 if self.smooth else 0

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """How much of each pixel is to be smoothed, 0 to 1."""
        if not self.smooth:
            return {}
        light = light_of(image)
        side = math.ceil(0.1 * max(light.shape[-2:]))
        bright = (light >= largest_box_mean(light.detach(), side) * (1.0 - _ROUNDING)).to(light)
        inner = -functional.max_pool2d(-bright, 3, stride=1, padding=1)
        share = bilateral_grid(light * inner, guide=light, sigma_space=side / 5.0, sigma_range=_SIGMA_RANGE)
        return {"bright": share}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expand and smooth luminance, and scale the colours with it."""
        statistics = self.measure(image) if statistics is None else statistics
        light = luminance(image).clamp(0.0, 1.0)
        expanded = light * (self.peak / (self.p * (1.0 - light) + light))
        if self.smooth:
            even = functional.avg_pool2d(functional.pad(expanded, (2,) * 4, mode="replicate"), 5, stride=1)
            expanded = torch.lerp(expanded, even, statistics["bright"])
        return scale_to(image, light, expanded)
