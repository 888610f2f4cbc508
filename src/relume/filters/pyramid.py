"""Pyramids of block means: each level has half the rows and columns of the one below, rounded up.

An odd edge is kept: its blocks hold two pixels or one, and the mean is over those.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from relume.parallel import for_each

STRIP_PIXELS = 1 << 17
"""Work goes in strips of about so many pixels: what is computed in between stays in the cache."""

_TOO_SMALL_TO_SHARE = 1 << 15
"""Up to here one thread is faster than several, and torch uses only one."""


class Rows(NamedTuple):
    """A strip of an image; it begins on an even row and ends on one, or at the end of the image."""

    top: int
    bottom: int

    @property
    def half(self) -> slice:
        """Those of the next level of the pyramid."""
        return slice(self.top // 2, (self.bottom + 1) // 2)


def strips(height: int, width: int) -> list[Rows]:
    """Strips that cover an image: several, unless it is small."""
    pixels = STRIP_PIXELS if height * width <= _TOO_SMALL_TO_SHARE else min(STRIP_PIXELS, height * width // 4)
    rows = max(2, pixels // width // 2 * 2)
    return [Rows(top, min(top + rows, height)) for top in range(0, height, rows)]


def block_sum(image: Float[Tensor, "height width"]) -> Float[Tensor, "half_height half_width"]:
    """Sum of each 2×2 block, of what there is of it at odd edges; the adjoint of `add_duplicate`."""
    return _pair_sum(_pair_sum(image).mT).mT


def _pair_sum(image: Tensor) -> Tensor:
    even, odd = image[::2], image[1::2]
    if len(even) == len(odd):
        return even + odd
    return torch.cat((even[:-1] + odd, even[-1:]))


def add_duplicate(
    blocks: Float[Tensor, "half_height half_width"], image: Float[Tensor, "height width"]
) -> None:
    """Add each value to its 2×2 block of the image, in place; the adjoint of `block_sum`."""
    height, width = image.shape
    wide = image.new_empty((len(blocks), width))
    wide[:, ::2] = blocks
    wide[:, 1::2] = blocks[:, : width // 2]
    image[::2] += wide
    image[1::2] += wide[: height // 2]


def halve(image: Float[Tensor, "height width"]) -> Float[Tensor, "half_height half_width"]:
    """Mean of each 2×2 block, the next level of the pyramid."""
    height, width = image.shape
    half = image.new_empty(((height + 1) // 2, (width + 1) // 2))

    def sum_blocks(rows: Rows) -> None:
        half[rows.half] = block_sum(image[slice(*rows)])

    for_each(sum_blocks, strips(height, width))
    return divide_by_area(half, height, width)


def divide_by_area(
    blocks: Float[Tensor, "half_height half_width"], height: int, width: int
) -> Float[Tensor, "half_height half_width"]:
    """Divide in place by the number of pixels that each block has in an image of that size."""

    def quarter(rows: Rows) -> None:
        blocks[slice(*rows)].mul_(0.25)

    for_each(quarter, strips(*blocks.shape))
    if height % 2:
        blocks[-1] *= 2.0
    if width % 2:
        blocks[:, -1] *= 2.0
    return blocks


def mean_pyramid(image: Float[Tensor, "height width"], *, smallest: int) -> list[Tensor]:
    """The image and its repeated halves, as long as the shorter side has at least `smallest` pixels."""
    levels = [image]
    while min(levels[-1].shape) // 2 >= smallest:
        levels.append(halve(levels[-1]))
    return levels


def mean_pyramid_adjoint(levels: list[Tensor]) -> Float[Tensor, "height width"]:
    """What `mean_pyramid` does, transposed: one image out of one per level, overwriting the finest."""
    total = levels[-1]
    for finer in reversed(levels[:-1]):
        height, width = finer.shape
        total = _add_everywhere(divide_by_area(total, height, width), finer)
    return total


def _add_everywhere(blocks: Tensor, image: Tensor) -> Tensor:
    def add(rows: Rows) -> None:
        add_duplicate(blocks[rows.half], image[slice(*rows)])

    for_each(add, strips(*image.shape))
    return image
