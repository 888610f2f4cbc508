"""Huo, Yang, Dong, Brost 2014: physiological inverse tone mapping based on retina response."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean


@dataclass(frozen=True, kw_only=True)
class Huo2014(Method):
    """The response of the retina solved for the light: (L / L_max)·((peak·surround)^n + σ^n)^(1/n).

    The half-saturation σ is the peak times the log mean; the surround is luminance smoothed twice.

    Agreement: HDR Toolbox, 3 cases, within 6e-8 relative in float64 (they are stored so), 2e-6 in float32.
    Picture: about the square of the light, so that mid-tones are dark against white, which may exceed the
        peak a little.

    References:  [huo2014].
    """

    peak: float = parameter(1000.0, "luminance of white", minimum=1.0, maximum=10_000.0, unit="cd/m²")
    n: float = parameter(0.86, "exponent of the response", minimum=0.1, maximum=5.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="huo2014",
        title="Huo et al. 2014, inverse response of the retina",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="huo2014",
        memory=6.0,
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The largest luminance, the log mean and the surround of each pixel."""
        light = light_of(image)
        once = bilateral_grid(light, sigma_space=16.0, sigma_range=0.3)
        surround = bilateral_grid(once, sigma_space=10.0, sigma_range=0.1)
        return {"top": light.amax((-2, -1), keepdim=True), "mean": log_mean(light), "surround": surround}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Solve the response and scale the colours with luminance."""
        statistics = statistics or self.measure(image)
        # Black has no surround; the smallest number keeps the slope of the power finite.
        surround = statistics["surround"].clamp(min=1e-12)
        response = surround.pow(self.n) + statistics["mean"].pow(self.n)
        gain = self.peak / statistics["top"].clamp(min=1e-12) * response.pow(1.0 / self.n)
        return image * torch.where(luminance(image) > 0.0, gain, 0.0)
