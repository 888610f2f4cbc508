"""Structural similarity as a loss."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

WINDOW = 11
SIGMA = 1.5
"""Of the Gaussian window of [wang2004]."""


def ssim_loss(
    prediction: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
    *,
    data_range: float = 1.0,
) -> Float[Tensor, ""]:
    """1 − the mean structural similarity of the channels.

    Convention:  any domain whose range is about `data_range`; windows that lie wholly within the picture,
    which must be at least 11 × 11; statistics with population weights.

    References:  [wang2004], eq. 13; K1 = 0.01, K2 = 0.03.
    """
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    products = [prediction, target, prediction.square(), target.square(), prediction * target]
    windowed = _windowed(torch.cat(products, dim=1))
    mean_p, mean_t, square_p, square_t, product = windowed.chunk(5, dim=1)
    variance_p, variance_t = square_p - mean_p.square(), square_t - mean_t.square()
    covariance = product - mean_p * mean_t
    luminance = (2.0 * mean_p * mean_t + c1) / (mean_p.square() + mean_t.square() + c1)
    structure = (2.0 * covariance + c2) / (variance_p + variance_t + c2)
    return 1.0 - (luminance * structure).mean()


def _windowed(
    images: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels rows columns"]:
    """Gaussian means over all windows that fit."""
    offsets = range(-(WINDOW // 2), WINDOW // 2 + 1)
    bell = [math.exp(-0.5 * (offset / SIGMA) ** 2) for offset in offsets]
    weights = images.new_tensor([height / math.fsum(bell) for height in bell])
    channels = images.shape[1]
    column = weights.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    row = weights.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    # Small differences of large squares: not in half precision, whatever the network runs in.
    with torch.autocast(images.device.type, enabled=False):
        return functional.conv2d(functional.conv2d(images, column, groups=channels), row, groups=channels)
