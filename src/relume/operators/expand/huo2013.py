"""Huo, Yang, Brost 2013: dodging and burning inspired inverse tone mapping."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

_SIGMA_SPACE, _SIGMA_RANGE = 16.0, 3.0 / 255.0


@dataclass(frozen=True, kw_only=True)
class Huo2013(Method):
    """Reinhard's local curve solved for the scene: RGB·L_m / surround.

    L_m = 10^-s·L / (mean·(1 - L + θ)); the surround is luminance smoothed up to edges.

    Convention:  the result is relative and has no scale of its own; we say that its 1.0 is diffuse white.
        Colours are multiplied with L_m over the smoothed luminance, not over their own.

    Agreement: HDR Toolbox, 3 cases, within 6e-8 relative in float64 (they are stored so), 2e-6 in float32.
    Picture: white becomes 10^-s / (mean·θ), thousands of times as bright as what is a little darker, while
        middle grey falls to a thirtieth. `theta=0.01` keeps white below a few times the rest.

    References:  [huo2013].
    """

    s: float = parameter(
        1.6, "share of the dynamic range: the result is divided by 10^s", minimum=-4.0, maximum=4.0
    )
    theta: float = parameter(
        1e-5, "keeps white finite: its light is the inverse of it", minimum=1e-9, maximum=1.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="huo2013",
        title="Huo et al. 2013, inverse dodging and burning",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_SCENE,
        citation="huo2013",
        memory=6.0,
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The mean luminance and the surround of each pixel."""
        light = light_of(image)
        surround = bilateral_grid(light, sigma_space=_SIGMA_SPACE, sigma_range=_SIGMA_RANGE)
        return {"mean": light.mean((-2, -1), keepdim=True), "surround": surround}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Solve the curve and multiply the colours."""
        statistics = statistics or self.measure(image)
        surround = statistics["surround"]
        lit = surround > 0.0
        # Each channel's distance to white, so that θ is not lost in the rounding of L.
        headroom = luminance(1.0 - image).clamp(min=0.0)
        scene = luminance(image).clamp(min=0.0) / (10.0**self.s * (headroom + self.theta))
        return image * torch.where(lit, scene / torch.where(lit, surround * statistics["mean"], 1.0), 0.0)
