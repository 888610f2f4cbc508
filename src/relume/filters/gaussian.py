"""Gaussian blur by direct convolution, one axis after the other."""

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

TRUNCATE = 4.0
"""Where the kernel ends, in standard deviations; 6e-5 of a Gaussian lies beyond."""


def gaussian_radius(sigma: float) -> int:
    """How many pixels to each side the blur with that standard deviation reaches."""
    return math.ceil(TRUNCATE * sigma)


def gaussian_weights(sigma: float, *, radius: int | None = None) -> list[float]:
    """The weights of the centre and of the neighbours on one side; both sides together sum to 1."""
    radius = gaussian_radius(sigma) if radius is None else radius
    weights = [math.exp(-0.5 * (distance / sigma) ** 2) for distance in range(radius + 1)]
    total = 2.0 * math.fsum(weights) - weights[0]
    return [weight / total for weight in weights]


def gaussian_blur(
    image: Float[Tensor, "batch channels height width"], sigma: float, *, radius: int | None = None
) -> Float[Tensor, "batch channels height width"]:
    """Blur each channel with a Gaussian.

    Convention:  any domain and unit; a constant stays as it is; the border is repeated outwards.

    Args:
        sigma: standard deviation in pixels, positive.
        radius: where the kernel ends, in pixels; None: at `TRUNCATE` standard deviations.
    """
    weights = gaussian_weights(sigma, radius=radius)
    return _blur_along(_blur_along(image, weights, -2), weights, -1)


def _blur_along(
    image: Float[Tensor, "batch channels height width"], weights: list[float], dim: int
) -> Float[Tensor, "batch channels height width"]:
    """Blur one axis by a weighted sum of shifted views, for one channel in half the time of `conv2d`.

    Each pixel gets the same operations in the same order wherever it lies, so tiles equal the whole.
    """
    radius, length = len(weights) - 1, image.shape[dim]
    margins = (radius, radius, 0, 0) if dim == -1 else (0, 0, radius, radius)
    padded = functional.pad(image, margins, mode="replicate")
    total = image * weights[0]
    for distance, weight in enumerate(weights[1:], start=1):
        before = padded.narrow(dim, radius - distance, length)
        after = padded.narrow(dim, radius + distance, length)
        total.add_(before + after, alpha=weight)
    return total
