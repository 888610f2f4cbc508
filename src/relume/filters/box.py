"""Means over square windows of any size, by running sums."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def largest_box_mean(image: Float[Tensor, "batch 1 height width"], side: int) -> Float[Tensor, "batch 1 1 1"]:
    """The largest of the means over the square windows around all pixels.

    Convention:  any domain and unit; beyond the border lies 0. Computed in float64 whatever the type, for
        running sums are much larger than their differences. Of an even window the middle is the pixel to the
        lower right.

    Args:
        side: of the window, in pixels, at least 1.
    """
    before, after = side // 2, side - 1 - side // 2
    means = image.double()
    for margins, dim in (((before, after, 0, 0), -1), ((0, 0, before, after), -2)):
        means = _running_mean(functional.pad(means, margins), side, dim)
    return means.amax((-2, -1), keepdim=True).to(image.dtype)


def _running_mean(image: Tensor, side: int, dim: int) -> Tensor:
    sums = image.cumsum(dim)
    length = image.shape[dim] - side
    first = sums.narrow(dim, side - 1, 1)
    return torch.cat((first, sums.narrow(dim, side, length) - sums.narrow(dim, 0, length)), dim) / side
