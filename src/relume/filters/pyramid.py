"""Pyramids of block means: each level has half the rows and columns of the one below, rounded up.

An odd edge is kept: its blocks hold two pixels or one, and the mean is over those.
"""

import torch
from jaxtyping import Float
from torch import Tensor

STRIP_PIXELS = 1 << 19
"""Work goes in strips of about so many pixels: what is computed in between stays in the cache."""


def strips(height: int, width: int) -> list[tuple[int, int]]:
    """Rows (top, bottom) of strips that cover an image; each begins on an even row."""
    rows = max(2, STRIP_PIXELS // width // 2 * 2)
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


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
    for top, bottom in strips(height, width):
        half[top // 2 : (bottom + 1) // 2] = block_sum(image[top:bottom])
    return divide_by_area(half, height, width)


def divide_by_area(
    blocks: Float[Tensor, "half_height half_width"], height: int, width: int
) -> Float[Tensor, "half_height half_width"]:
    """Divide in place by the number of pixels that each block has in an image of that size."""
    blocks *= 0.25
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
        share = divide_by_area(total, height, width)
        for top, bottom in strips(height, width):
            add_duplicate(share[top // 2 : (bottom + 1) // 2], finer[top:bottom])
        total = finer
    return total
