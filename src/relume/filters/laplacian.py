"""Gaussian and Laplacian pyramids with the 5×5 binomial kernel, for blending band by band.

Every level has half the rows and columns of the one below, rounded up: every second sample from the first.

References:  [burt1983].
"""

import torch
from jaxtyping import Float
from torch import Tensor

_CENTRE, _NEXT, _SECOND = 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0


def level_count(height: int, width: int) -> int:
    """How many levels a picture of that size has: the coarsest has one or two pixels on the shorter side."""
    return min(height, width).bit_length()


def coarser(
    image: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels half_height half_width"]:
    """The next level of the Gaussian pyramid: the binomial mean around every second pixel.

    Convention:  any domain and unit; a constant stays as it is; the border is mirrored, with its edge.
    """
    return _every_second_mean(_every_second_mean(image, -1), -2)


def finer(
    image: Float[Tensor, "batch channels half_height half_width"], height: int, width: int
) -> Float[Tensor, "batch channels height width"]:
    """A level at the size of the one below: the nearest pixel, then the binomial mean.

    Convention:  as `coarser`.
    """
    return _mean_of_nearest(_mean_of_nearest(image, -2, height), -1, width)


def collapse(levels: list[Tensor]) -> Tensor:
    """The picture of a Laplacian pyramid, finest level first, whose last is the coarsest Gaussian one."""
    total = levels[-1]
    for level in reversed(levels[:-1]):
        total = finer(total, *level.shape[-2:]).add_(level)
    return total


def _every_second_mean(image: Tensor, dim: int) -> Tensor:
    """The binomial mean along one axis, around the places 0, 2, 4..."""
    length = image.shape[dim]
    padded = _mirrored(image, dim, before=2, after=2)
    taps = [
        padded.narrow(dim, offset, length).transpose(0, dim)[::2].transpose(0, dim) for offset in range(5)
    ]
    return _weighted(taps)


def _mean_of_nearest(image: Tensor, dim: int, length: int) -> Tensor:
    """The nearest sample at each of `length` places along one axis, and the binomial mean of those."""
    places = torch.arange(1, 2 * length, 2, device=image.device) * image.shape[dim] // (2 * length)
    padded = _mirrored(image.index_select(dim, places), dim, before=2, after=2)
    return _weighted([padded.narrow(dim, offset, length) for offset in range(5)])


def _weighted(taps: list[Tensor]) -> Tensor:
    total = taps[2] * _CENTRE
    total = total.add_(taps[1] + taps[3], alpha=_NEXT)
    return total.add_(taps[0] + taps[4], alpha=_SECOND)


def _mirrored(image: Tensor, dim: int, *, before: int, after: int) -> Tensor:
    """Some samples more at both ends of an axis, mirrored with the edge: b a | a b c ... y z | z y."""
    length = image.shape[dim]
    head = [_reflect(place, length) for place in range(-before, 0)]
    tail = [_reflect(place, length) for place in range(length, length + after)]
    ends = [torch.tensor(places, device=image.device) for places in (head, tail)]
    first, last = (image.index_select(dim, places) for places in ends)
    return torch.cat((first, image, last), dim=dim)


def _reflect(place: int, length: int) -> int:
    place %= 2 * length
    return place if place < length else 2 * length - 1 - place
