"""Banterle, Ledda, Debattista, Chalmers 2006: inverse tone mapping."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS, REFERENCE_WHITE
from relume.color.luminance import luminance
from relume.filters.gaussian import gaussian_blur
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.expand.median_cut import median_cut
from relume.operators.statistics import light_of

# The kernel of the density estimation: weight γ (1 - (1 - e^(-β d²/2r²)) / (1 - e^-β)) up to distance r.
_GAMMA, _BETA = 0.918, 1.953

# The map is made on a copy of at most this many pixels a side: it has no detail finer than its kernel.
_MAP_SIDE = 512


@dataclass(frozen=True, kw_only=True)
class Banterle2006(Method):
    """Near the lights of the picture the inverse of Reinhard's curve, elsewhere the light as it is.

    L = (1 - e)·reference white·L_sdr + e·inverse(L_sdr), where e, the expand map, is the density of light
    sources that a median cut found. With the automatic stretch, peak / reference white, the curve leaves
    the slope of the SDR light at black, so dark parts stay as they are wherever the map lies.

    Agreement: curve and blend 2e-5 with BanterleEO of the HDR Toolbox, given its expand map. The map itself
        follows the paper; the toolbox has that of 2008.

    Picture: the photograph, with what is near its lights up to twice as bright. Broad bright surfaces, such
        as a sunlit table, count as lights and are lifted too.

    References:  [banterle2006], eqs. 8 to 10 (curve), section 3.2 (median cut), eqs. 15 to 17 (map).
    """

    # One stop above SDR white: higher peaks took more from the pictures than they gave (docs/methods.md).
    peak: float = parameter(
        400.0, "luminance that white reaches beside a light", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )
    stretch: float | None = parameter(
        None, "L_white of Reinhard's curve: higher keeps mid-tones darker", minimum=1.0
    )
    lights: int = parameter(1024, "light sources to find", minimum=2, maximum=16_384)
    radius: float = parameter(
        0.05, "reach of a source, relative to the longer side", minimum=0.002, maximum=0.5
    )
    neighbours: int = parameter(
        4, "sources that another needs within its reach to count", minimum=0, maximum=64
    )
    reference_white: float = parameter(
        REFERENCE_WHITE, "luminance of SDR white", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="banterle2006",
        title="Banterle et al. 2006, inverse tone mapping with an expand map",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="banterle2006",
        memory=3.0,
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The expand map, 0..1, 1 where the sources are brightest and densest."""
        light = light_of(image.detach())
        small = functional.interpolate(light, size=_map_size(light), mode="area")
        maps = torch.stack([self._expand_map(item) for item in small])
        size = light.shape[-2:]
        grown = functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
        return {"expand_map": grown.clamp(0.0, 1.0)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Blend the expanded light with the SDR light by the map, colours scaled with luminance."""
        statistics = statistics or self.measure(image)
        light = luminance(image).clamp(min=0.0)
        stretch = self.stretch or max(self.peak / self.reference_white, 1.0)
        gain = inverse_reinhard_gain(light, peak=self.peak, stretch=stretch)
        return image * torch.lerp(torch.full_like(gain, self.reference_white), gain, statistics["expand_map"])

    def _expand_map(self, light: Float[Tensor, "1 height width"]) -> Float[Tensor, "1 height width"]:
        """The density of sources, each with the luminance of its region, relative to the densest place."""
        rows, columns, means = median_cut(light[0].double().cpu().numpy(), self.lights)
        place = torch.from_numpy(rows), torch.from_numpy(columns)
        power = torch.from_numpy(means).float()
        reach = max(self.radius * max(light.shape[-2:]), 1.0)
        distance = _distances(reach)
        counts = _scattered(torch.ones_like(power), place, light.shape[-2:])
        # A source with too few others around it is a speck, not a light.
        crowd = _density(counts, (distance <= 1.0).float())[place]
        power = power * (crowd > self.neighbours + 0.5)
        density = _density(_scattered(power, place, light.shape[-2:]), _kernel(distance))
        # An even area is cut into a regular grid, of which nothing must show.
        smooth = gaussian_blur(density[None, None], reach / 4.0)[0]
        return (smooth / smooth.amax().clamp(min=1e-12)).to(light)


def inverse_reinhard_gain(
    light: Float[Tensor, "batch 1 height width"], *, peak: float, stretch: float
) -> Float[Tensor, "batch 1 height width"]:
    """Expanded luminance over SDR luminance, by the inverse of Reinhard's curve; peak at white.

    Convention:  linear SDR light, 1.0 = white → factor to the unit of `peak`.

    References:  [banterle2006], eq. 10: peak·w/2·(L - 1 + √((1-L)² + 4L/w²)), in the form that loses no
        digits in the dark, 2·peak·L / (w (√(…) + 1 - L)).
    """
    root = ((1.0 - light).square() + 4.0 / stretch**2 * light).sqrt()
    return (2.0 * peak / stretch) / (root + 1.0 - light).clamp(min=1e-12)


def _map_size(light: Tensor) -> tuple[int, int]:
    height, width = light.shape[-2:]
    scale = min(1.0, _MAP_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _distances(reach: float) -> Float[Tensor, "side side"]:
    """Of each pixel of a kernel from its middle, relative to the reach."""
    offsets = torch.arange(-int(reach), int(reach) + 1.0) / reach
    return torch.hypot(offsets[:, None], offsets)


def _kernel(distance: Float[Tensor, "side side"]) -> Float[Tensor, "side side"]:
    falloff = torch.expm1(-_BETA * distance.square() / 2.0) / math.expm1(-_BETA)
    return torch.where(distance <= 1.0, _GAMMA * (1.0 - falloff), 0.0)


def _scattered(
    power: Float[Tensor, " sources"], place: tuple[Tensor, Tensor], size: tuple[int, ...]
) -> Float[Tensor, "height width"]:
    return torch.zeros(size).index_put_(place, power, accumulate=True)


def _density(
    sources: Float[Tensor, "height width"], kernel: Float[Tensor, "side side"]
) -> Float[Tensor, "height width"]:
    """The sum of the kernels around the sources, scaled up where a kernel reaches beyond the border."""
    height, width = sources.shape
    size = (height + kernel.shape[0] - 1, width + kernel.shape[1] - 1)
    transform = torch.fft.rfft2(kernel, s=size)
    both = torch.stack([sources, torch.ones_like(sources)])
    spread: Tensor = torch.fft.irfft2(torch.fft.rfft2(both, s=size) * transform, s=size)
    top, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    density, inside = spread[:, top : top + height, left : left + width]
    scaled: Tensor = density.clamp(min=0.0) * (kernel.sum() / inside)
    return scaled
