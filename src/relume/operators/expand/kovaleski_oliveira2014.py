"""Kovaleski, Oliveira 2014: high-quality reverse tone mapping for a wide range of exposures."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, scale_to

_THRESHOLD = (254.0 / 255.0) ** 2.2
_SIGMA_RANGE = (25.0 / 255.0) ** 2.2


@dataclass(frozen=True, kw_only=True)
class KovaleskiOliveira2014(Method):
    """Light scaled to the display, and up to four times brighter where it belongs to something clipped.

    The brightening 1 + 3e follows a joint bilateral filter of the mask of clipped pixels, with luminance as
    its guide, so that it ends where the clipped region ends.

    Convention:  threshold and σ of the range are for linear light; the defaults are the paper's code values
        with gamma 2.2 removed. For video, threshold=0.797 (230 of 255).

    Agreement: HDR Toolbox, 3 cases, within 6e-8 relative in float64 (they are stored so), 3e-6 in float32.
        Its result is a quarter of the paper's, which is the same with another peak: the paper's display shows
        white at 1200, black at 0.3 and what is clipped at 4800 cd/m², `peak=4800 black_level=0.3`.

    Picture: what just clips is up to four times as bright as what just does not: where a white surface clips
        in part, a line shows.

    References:  [kovaleski_oliveira2014].
    """

    peak: float = parameter(
        1000.0,
        "luminance of white that is clipped; other white has a quarter",
        minimum=1.0,
        maximum=10_000.0,
        unit="cd/m²",
    )
    black_level: float = parameter(0.0625, "luminance of black", minimum=0.0, maximum=10.0, unit="cd/m²")
    threshold: float = parameter(
        _THRESHOLD, "linear light above which a channel is clipped", minimum=0.0, maximum=1.0
    )
    sigma_space: float = parameter(
        150.0, "reach of the brightening", minimum=1.0, maximum=10_000.0, unit="px"
    )
    sigma_range: float = parameter(
        _SIGMA_RANGE, "difference of linear light that ends the brightening", minimum=1e-3, maximum=1.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="kovaleski_oliveira2014",
        title="Kovaleski and Oliveira 2014, brightening up to edges",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="kovaleski_oliveira2014",
        memory=7.0,
        # As long as nothing is clipped, and but for the level of black.
        scaling="proportional",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The brightening of each pixel, 0 to 1."""
        clipped = (image.amax(1, keepdim=True) > self.threshold).to(image)
        brightening = bilateral_grid(
            clipped, guide=light_of(image), sigma_space=self.sigma_space, sigma_range=self.sigma_range
        )
        return {"brightening": brightening}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale luminance to the display, brighten it, and scale the colours with it."""
        brightening = (statistics or self.measure(image))["brightening"]
        light = luminance(image)
        shown = torch.lerp(
            torch.full_like(light, self.black_level), torch.full_like(light, self.peak / 4.0), light
        )
        return scale_to(image, light, shown * (1.0 + 3.0 * brightening))
