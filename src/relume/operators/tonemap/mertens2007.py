"""Mertens, Kautz, Van Reeth 2007: exposure fusion, here of exposures taken from the HDR picture itself."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.transfer import gamma
from relume.filters.laplacian import coarser, collapse, finer, level_count
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

_GAMMA = 2.2
_WELL_EXPOSED, _SPREAD = 0.5, 0.2
_LEAST_WEIGHT = 1e-12

_DARKEST = 2.0**-20
"""Light below this is of one zone."""
_MANY_ZONES = 3
"""Stops; zones of a longer range are two stops wide."""
_STRIP_PIXELS = 1 << 15
_MEDIAN = 5
"""Pixels on a side of the window that zones are smoothed in."""


@dataclass(frozen=True, kw_only=True)
class Mertens2007(Method):
    """The best exposed, most colourful and sharpest parts of several exposures, blended band by band.

    The paper fuses photographs. Here they are made: light is cut into zones of one stop (of two, where there
    are many), and each is exposed so that its mean becomes half of white. Weights are
    Π_c exp(-(C_c - 0.5)² / 2·0.2²)^w_e · std_c(C)^w_s · |Laplacian of the mean of the channels|^w_c,
    normalised, and the blend is that of Laplacian pyramids.

    Convention:  encoded, gamma 2.2. The bands can overshoot: the result leaves 0..1 by a little, which the
        display cuts; `stretch` brings minimum and maximum to 0 and 1 instead, as the HDR Toolbox does.

    Agreement: 6e-8 (relative, float64) with MertensTMO of the HDR Toolbox with `stretch=yes` on a photograph,
    both cases; 1e-6 of the largest value on a synthetic scene, whose flat and grey parts the toolbox weighs
    by rounding errors; 6e-4 there in float32. Stretched, one overshoot makes the whole picture pale.

    Picture: rich local contrast and colour, as photographers like it; deep shadows go to black at night.

    References:  [mertens2007], sections 3 and 4; [banterle2017] for the exposures.
    """

    exposedness: float = parameter(1.0, "w_e: exponent of the well-exposedness", minimum=0.0, maximum=10.0)
    saturation: float = parameter(1.0, "w_s: exponent of the saturation", minimum=0.0, maximum=10.0)
    contrast: float = parameter(1.0, "w_c: exponent of the contrast", minimum=0.0, maximum=10.0)
    stretch: bool = parameter(False, "minimum and maximum of the result become 0 and 1")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="mertens2007",
        title="Mertens et al. 2007, exposure fusion",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=replace(LINEAR_DISPLAY, transfer="gamma2.2"),
        citation="mertens2007",
        memory=16.0,
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The fused picture, whole: each of its pixels depends on all."""
        with torch.no_grad():
            return {"fused": torch.cat([self._fused(picture[None]) for picture in image.detach()])}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Hand out what was fused."""
        return (statistics or self.measure(image))["fused"].clone()

    def _fused(self, image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        exposures = zone_exposures(light_of(image))
        encoded = gamma.inverse_eotf(image.clamp(min=0.0), _GAMMA)
        total = torch.zeros_like(image[:, :1])
        for exposure in exposures:
            total += self._weights(encoded, exposure)
        levels = _empty_pyramid(image)
        for exposure in exposures:
            weights = self._weights(encoded, exposure).div_(total)
            _add_bands(levels, _photograph(encoded, exposure), weights)
        fused = collapse(levels)
        if self.stretch:
            low, high = fused.aminmax()
            fused = (fused - low) / (high - low).clamp(min=1e-6)
        return fused

    def _weights(
        self, encoded: Float[Tensor, "1 3 height width"], exposure: float
    ) -> Float[Tensor, "1 1 height width"]:
        """How much each pixel of an exposure counts, computed in strips of rows that stay in the cache."""
        height, width = encoded.shape[-2:]
        weights = torch.empty_like(encoded[:, :1])
        rows = max(1, _STRIP_PIXELS // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            above = min(top, 1)  # the rows next to the strip, which the Laplacian sees
            seen = _photograph(encoded[..., top - above : bottom + 1, :], exposure)
            weights[..., top:bottom, :] = self._weigh(seen)[..., above : above + bottom - top, :]
        return weights

    def _weigh(self, photograph: Float[Tensor, "1 3 rows width"]) -> Float[Tensor, "1 1 rows width"]:
        weights = torch.ones_like(photograph[:, :1])
        if self.exposedness > 0.0:
            distance = (photograph - _WELL_EXPOSED).square_().sum(-3, keepdim=True)
            weights = distance.mul_(-self.exposedness / (2.0 * _SPREAD**2)).exp_()
        if self.saturation > 0.0:
            weights *= _variance(photograph).pow_(0.5 * self.saturation)
        if self.contrast > 0.0:
            weights *= _laplacian(photograph.mean(-3, keepdim=True)).abs_().pow_(self.contrast)
        return weights.add_(_LEAST_WEIGHT)


def zone_exposures(light: Float[Tensor, "1 1 height width"]) -> list[float]:
    """The factor for each zone of luminance that makes its mean half of white, darkest zone first.

    Convention:  zones are whole stops, smoothed by a median over 5×5 pixels and of double width where there
        are more than three.

    References:  [banterle2017].
    """
    zones = _median((light + _DARKEST).log2().floor_())
    span = float(zones.max() - zones.min())
    if span > _MANY_ZONES:
        zones = _round(zones / span * _round(torch.tensor(0.5 * span, dtype=zones.dtype)))
    exposures = []
    for zone in torch.unique(zones).tolist():
        inside = zones == zone
        mean = float((light * inside).sum(dtype=torch.float64) / inside.sum())
        exposures.append(0.5 / max(mean, _DARKEST))
    return exposures


def _round(values: Tensor) -> Tensor:
    """To the nearest whole number, halves away from zero."""
    return (values.abs() + 0.5).floor_().copysign_(values)


def _median(zones: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 height width"]:
    """The median of whole numbers over a window, with zeros outside, by counting how many are as high."""
    low, high = min(int(zones.min()), 0), max(int(zones.max()), 0)
    total = torch.full_like(zones, float(low))
    outside = _MEDIAN // 2
    for zone in range(low + 1, high + 1):
        reaches = functional.pad((zones >= zone).to(torch.uint8), (outside,) * 4, value=int(zone <= 0))
        total += _box_sum(_box_sum(reaches, -1), -2) > _MEDIAN**2 // 2
    return total


def _box_sum(counts: Tensor, dim: int) -> Tensor:
    length = counts.shape[dim] - _MEDIAN + 1
    total = counts.narrow(dim, 0, length).clone()
    for offset in range(1, _MEDIAN):
        total += counts.narrow(dim, offset, length)
    return total


def _photograph(encoded: Tensor, exposure: float) -> Tensor:
    """The exposed picture of encoded light, clipped as a camera does it."""
    return torch.clamp(encoded * exposure ** (1.0 / _GAMMA), max=1.0)


def _laplacian(grey: Tensor) -> Tensor:
    """The sum of the differences to the four neighbours, exactly 0 where all are equal."""
    total = torch.zeros_like(grey)
    down, right = grey.diff(dim=-2), grey.diff(dim=-1)
    total[..., :-1, :] += down
    total[..., 1:, :] -= down
    total[..., :-1] += right
    total[..., 1:] -= right
    return total


def _variance(photograph: Tensor) -> Tensor:
    """Of the three channels, from their differences: exactly 0 where all are equal."""
    red, green, blue = photograph.chunk(3, dim=-3)
    return ((red - green) ** 2).add_((green - blue) ** 2).add_((blue - red) ** 2).div_(9.0)


def _empty_pyramid(image: Tensor) -> list[Tensor]:
    height, width = image.shape[-2:]
    levels = []
    for _ in range(level_count(height, width)):
        levels.append(image.new_zeros((*image.shape[:-2], height, width)))
        height, width = (height + 1) // 2, (width + 1) // 2
    return levels


def _add_bands(levels: list[Tensor], photograph: Tensor, weights: Tensor) -> None:
    """Add the bands of a photograph, each weighted at its own scale, to a Laplacian pyramid."""
    for index, level in enumerate(levels):
        if index + 1 == len(levels):
            level += photograph * weights
            return
        below = coarser(photograph)
        for channel in range(photograph.shape[1]):
            band = photograph[:, channel : channel + 1] - finer(
                below[:, channel : channel + 1], *level.shape[-2:]
            )
            level[:, channel : channel + 1] += band * weights
        photograph, weights = below, coarser(weights)
