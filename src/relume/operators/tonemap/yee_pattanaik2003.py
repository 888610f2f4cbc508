"""Yee and Pattanaik 2003: what each pixel's surroundings adapt the eye to, by segments of equal luminance."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.operators.statistics import LOG_OFFSET

LAYERS = 32
"""Segmentations that are averaged, unless told otherwise."""

_FINEST, _COARSEST = 0.5, 2.0
"""Widths of the luminance categories of the first and of the last layer, in log10 units."""


def local_adaptation(
    light: Float[Tensor, "batch 1 height width"], *, layers: int = LAYERS
) -> Float[Tensor, "batch 1 height width"]:
    """The luminance to which the eye is adapted at each pixel.

    In each layer, log10 luminance is cut into categories, and each 4-connected segment of one category gets
    its mean; the layers, whose categories grow from 0.5 to 2 log10 units, are averaged.

    Convention:  linear → linear in the same unit, not negative. The segments carry no gradient, their means
        do. Where each segment lies is found on the CPU.

    References:  [yee2003].
    """
    return torch.cat([_adaptation(picture[0], layers)[None, None] for picture in light])


def _adaptation(light: Float[Tensor, "height width"], layers: int) -> Float[Tensor, "height width"]:
    logarithm = (light + LOG_OFFSET).log10()
    above = logarithm - logarithm.amin()
    total = torch.zeros_like(logarithm)
    for layer in range(layers):
        width = _FINEST + (_COARSEST - _FINEST) * layer / (layers - 1)
        segments = _segments((above.detach() / width + 0.5).to(torch.int32))
        total = total + _mean_of_each(logarithm.flatten(), segments.flatten()).view_as(total)
    return (total / layers).mul(np.log(10.0)).exp()


def _segments(categories: Tensor) -> Tensor:
    """Which 4-connected segment each pixel belongs to, counted from 0."""
    from skimage.measure import label

    labels = label(categories.cpu().numpy(), background=-1, connectivity=1)  # type: ignore[no-untyped-call]
    return torch.from_numpy(labels.astype(np.int64) - 1).to(categories.device)


def _mean_of_each(values: Tensor, segments: Tensor) -> Tensor:
    """Each value replaced by the mean over its segment."""
    count = int(segments.max()) + 1
    sums = values.new_zeros(count).index_add(0, segments, values)
    return (sums / torch.bincount(segments, minlength=count))[segments]
