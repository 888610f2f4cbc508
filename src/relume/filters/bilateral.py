"""Bilateral filter by its definition: exact, in time that grows with the square of its reach."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def bilateral(
    image: Float[Tensor, "batch channels height width"], *, sigma_space: float, sigma_range: float
) -> Float[Tensor, "batch channels height width"]:
    """Average each pixel with those that are near it and differ little in all channels together.

    Convention:  any domain and unit; a constant stays as it is; the border is repeated outwards. The window
        is a square that ends at 2.5 standard deviations, rounded. A pixel costs 25 σ² exponentials: for small
        pictures and for tests; `relume.filters.bilateral_grid` is for all others.

    Args:
        sigma_space: standard deviation in pixels.
        sigma_range: standard deviation in units of the image.

    References:  [tomasi1998], eqs. 5 and 6 with Gaussians.
    """
    radius = max(math.floor(max(math.floor(5.0 * sigma_space + 0.5), 1) / 2.0 + 0.5), 1)
    height, width = image.shape[-2:]
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    total, weights = torch.zeros_like(image), torch.zeros_like(image[:, :1])
    for down in range(2 * radius + 1):
        for right in range(2 * radius + 1):
            shifted = padded[..., down : down + height, right : right + width]
            distance = ((down - radius) ** 2 + (right - radius) ** 2) / (2.0 * sigma_space**2)
            difference = (shifted - image).square().sum(1, keepdim=True) / (2.0 * sigma_range**2)
            weight = (-distance - difference).exp()
            total = total + weight * shifted
            weights = weights + weight
    return total / weights
