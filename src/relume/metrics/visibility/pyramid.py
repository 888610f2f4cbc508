"""The steerable pyramid: a picture as bands of spatial frequency and orientation, and back.

References:  [simoncelli1995]
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.metrics.visibility import steerable_taps
from relume.metrics.visibility.fourier import fast_length, taps_response

Bands = list[Float[Tensor, "_ _ _ _"]]
"""High-pass, oriented levels from fine to coarse, low-pass (the base band);
each is (batch, orientations, height, width)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Steerable:
    """One set of filters. Pictures are mirrored about their border pixels, which are not repeated."""

    high: np.ndarray
    low_first: np.ndarray
    low: np.ndarray
    bands: tuple[np.ndarray, ...]

    def height(self, height: int, width: int) -> int:
        """How many oriented levels a picture of that size has room for."""
        least = min(height, width)
        levels = 0
        while least >= len(self.low):
            levels, least = levels + 1, least // 2
        return levels

    def analyse(self, image: Float[Tensor, "batch 1 height width"], levels: int) -> Bands:
        """Correlate with the filters, halving the resolution from level to level."""
        high, low = self._filtered(image, [self.high], [self.low_first])
        bands = [high]
        for _ in range(levels):
            oriented, low = self._filtered(low, list(self.bands), [self.low])
            bands.append(oriented)
            low = low[..., ::2, ::2]
        return [*bands, low]

    def synthesise(self, bands: Bands) -> Float[Tensor, "batch 1 height width"]:
        """Convolve with the filters, doubling the resolution from level to level, and add."""
        low = bands[-1]
        for oriented in reversed(bands[1:-1]):
            spread = oriented.new_zeros((*low.shape[:2], *oriented.shape[-2:]))
            spread[..., ::2, ::2] = low
            low = self._summed(torch.cat([oriented, spread], dim=1), [*self.bands, self.low])
        return self._summed(torch.cat([bands[0], low], dim=1), [self.high, self.low_first])

    def _filtered(
        self, image: Tensor, first: list[np.ndarray], second: list[np.ndarray]
    ) -> tuple[Tensor, Tensor]:
        """One channel through two groups of filters."""
        radius = _radius(first + second)
        size = _padded_size(image, radius)
        spectrum = torch.fft.rfft2(_mirrored(image, radius), s=size)

        def through(taps: np.ndarray) -> Tensor:
            response = taps_response(taps, *size, image).conj()
            return _cropped(torch.fft.irfft2(spectrum * response, s=size), radius, image)

        oriented = torch.cat([through(taps) for taps in first], dim=1)
        return oriented, torch.cat([through(taps) for taps in second], dim=1)

    def _summed(self, channels: Tensor, filters: list[np.ndarray]) -> Tensor:
        """Each channel through its filter, added."""
        radius = _radius(filters)
        size = _padded_size(channels, radius)
        total = torch.zeros((), dtype=channels.dtype, device=channels.device)
        for channel, taps in zip(channels.chunk(len(filters), dim=1), filters, strict=True):
            spectrum = torch.fft.rfft2(_mirrored(channel, radius), s=size)
            total = total + spectrum * taps_response(taps, *size, channels)
        return _cropped(torch.fft.irfft2(total, s=size), radius, channels)


def _radius(filters: list[np.ndarray]) -> int:
    return max(len(taps) for taps in filters) // 2


def _padded_size(image: Tensor, radius: int) -> tuple[int, int]:
    height, width = image.shape[-2:]
    return fast_length(height + 2 * radius), fast_length(width + 2 * radius)


def _mirrored(image: Tensor, radius: int) -> Tensor:
    return functional.pad(image, (radius,) * 4, mode="reflect")


def _cropped(image: Tensor, radius: int, like: Tensor) -> Tensor:
    return image[..., radius : radius + like.shape[-2], radius : radius + like.shape[-1]]


SP0 = Steerable(
    high=steerable_taps.SP0_HIGH,
    low_first=steerable_taps.SP0_LOW_FIRST,
    low=steerable_taps.SP0_LOW,
    bands=steerable_taps.SP0_BANDS,
)
SP3 = Steerable(
    high=steerable_taps.SP3_HIGH,
    low_first=steerable_taps.SP3_LOW_FIRST,
    low=steerable_taps.SP3_LOW,
    bands=steerable_taps.SP3_BANDS,
)
