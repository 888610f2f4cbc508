"""Gaussian blur as HDR-VDP does it: exact in the domain of frequencies where wide, a short kernel where narrow."""

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
    size = tuple(
        2 * length if 2 * reach >= length else fast_length(length + 2 * reach) for length in (height, width)
    )
    if repeat:
        image = functional.pad(image, (0, size[1] - width, 0, size[0] - height), mode="replicate")
    omega = 2.0 * torch.pi * frequencies(*size, image)
    spectrum = torch.fft.rfft2(image, s=size) * torch.exp(-0.5 * (omega * sigma) ** 2)
    return torch.fft.irfft2(spectrum, s=size)[..., :height, :width]


def _narrow(image: Tensor, sigma: float, repeat: bool) -> Tensor:
    radius = math.floor(6.0 * sigma + 0.5) // 2
    distances = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (distances / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = functional.pad(image, (radius,) * 4, mode="replicate" if repeat else "constant")
    rows = sum(weight * padded.narrow(-2, i, image.shape[-2]) for i, weight in enumerate(kernel))
    return sum(weight * rows.narrow(-1, i, image.shape[-1]) for i, weight in enumerate(kernel))
