"""Gaussian blur as HDR-VDP does it: by FFT where it is wide, by a short kernel where it is narrow."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.metrics.visibility.fourier import fast_length, frequencies

_WIDE = 4.3
"""Standard deviation in pixels from which the blur is done in the domain of frequencies."""
_REACH = 8.0
"""Beyond that many standard deviations there is 1e-14 of the centre."""


def gaussian(
    image: Float[Tensor, "batch channels height width"], sigma: float, *, repeat: bool
) -> Float[Tensor, "batch channels height width"]:
    """Blur; outside the picture is its border (`repeat`) or zero.

    A wide blur takes what lies above the first row to be the last row, and likewise for columns: the original
    pads at the end only.

    Args:
        sigma: standard deviation in pixels.
    """
    return _wide(image, sigma, repeat) if sigma >= _WIDE else _narrow(image, sigma, repeat)


def _wide(image: Tensor, sigma: float, repeat: bool) -> Tensor:
    height, width = image.shape[-2:]
    reach = math.ceil(_REACH * sigma)
    rows, columns = (
        2 * length if 2 * reach >= length else fast_length(length + 2 * reach) for length in (height, width)
    )
    if repeat:
        image = functional.pad(image, (0, columns - width, 0, rows - height), mode="replicate")
    omega = 2.0 * torch.pi * frequencies(rows, columns, image)
    spectrum = torch.fft.rfft2(image, s=(rows, columns)) * torch.exp(-0.5 * (omega * sigma) ** 2)
    blurred: Tensor = torch.fft.irfft2(spectrum, s=(rows, columns))
    return blurred[..., :height, :width]


def _narrow(image: Tensor, sigma: float, repeat: bool) -> Tensor:
    radius = math.floor(6.0 * sigma + 0.5) // 2
    weights = [math.exp(-0.5 * (distance / sigma) ** 2) for distance in range(-radius, radius + 1)]
    padded = functional.pad(image, (radius,) * 4, mode="replicate" if repeat else "constant")
    for dim in (-2, -1):
        total = torch.zeros_like(padded.narrow(dim, 0, image.shape[dim]))
        for start, weight in enumerate(weights):
            total = total.add(padded.narrow(dim, start, image.shape[dim]), alpha=weight / math.fsum(weights))
        padded = total
    return padded
