"""Cutting an image into tiles that together cover it, each with the context that a method needs."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

# Strips, and tiles with a little context, of about this many pixels: few enough for the caches of a core,
# where elementwise work is fastest, many enough for Python not to be what takes time.
CACHED_PIXELS = 1 << 17

_LITTLE, _LARGE_SIDE = 24, 512
"""Pixels of context that are few, and how large tiles with more are at least."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A rectangle of the image and the larger one that it is computed from; all half-open."""

    top: int
    bottom: int
    left: int
    right: int
    outer_top: int
    outer_bottom: int
    outer_left: int
    outer_right: int

    @property
    def pixels(self) -> int:
        """How many pixels of the result it fills."""
        return (self.bottom - self.top) * (self.right - self.left)

    def outer(self, image: Shaped[Tensor, "*batch height width"]) -> Shaped[Tensor, "*batch rows columns"]:
        """The part of the image that the tile is computed from, a view."""
        return image[..., self.outer_top : self.outer_bottom, self.outer_left : self.outer_right]

    def inner(self, image: Shaped[Tensor, "*batch height width"]) -> Shaped[Tensor, "*batch rows columns"]:
        """The part of the image that the tile fills, a view."""
        return image[..., self.top : self.bottom, self.left : self.right]

    def crop(self, result: Shaped[Tensor, "*batch height width"]) -> Shaped[Tensor, "*batch rows columns"]:
        """The tile's own part of what was computed from the outer rectangle, padding cut off."""
        top, left = self.top - self.outer_top, self.left - self.outer_left
        return result[..., top : top + self.bottom - self.top, left : left + self.right - self.left]


def tile_shape(
    height: int, width: int, *, halo: int, multiple: int, largest: int | None = None, cached: bool = True
) -> tuple[int, int]:
    """Height and width of the tiles.

    For a cache: without context full rows, as many as stay in it; with context squares of eight halos or
    more, so that at most 56 % is computed twice. Else squares as large as allowed. With context, tiles begin
    at even pixels, so that what is folded two by two is folded alike in each.

    Args:
        halo: context in pixels on each side.
        multiple: tiles start at multiples of this.
        largest: pixels that one tile with its context may have; None: no bound but the cache.
        cached: whether tiles should stay in the cache of a core; a GPU is quickest with all at once.
    """
    if cached and halo == 0 and multiple == 1:
        bound = min(CACHED_PIXELS, largest or CACHED_PIXELS)
        if width <= bound:
            return max(1, min(height, bound // width)), width
        return 1, max(1, bound)
    step = math.lcm(multiple, 2)
    side = _rounded_up(max(height, width), step)
    if cached:
        side = math.isqrt(CACHED_PIXELS) if halo <= _LITTLE else max(8 * halo, _LARGE_SIDE)
    if largest is not None:
        side = min(side, math.isqrt(largest) - 2 * halo)
    side = max(side // step, 1) * step
    return min(side, _rounded_up(height, multiple)), min(side, _rounded_up(width, multiple))


def tiles(height: int, width: int, shape: tuple[int, int], *, halo: int, multiple: int) -> Iterator[Tile]:
    """The tiles of an image from the top left, row by row; contexts end at the borders of the image."""
    context = _rounded_up(halo, multiple)
    for top in range(0, height, shape[0]):
        for left in range(0, width, shape[1]):
            bottom, right = min(top + shape[0], height), min(left + shape[1], width)
            yield Tile(
                top=top,
                bottom=bottom,
                left=left,
                right=right,
                outer_top=max(top - context, 0),
                outer_bottom=min(bottom + context, height),
                outer_left=max(left - context, 0),
                outer_right=min(right + context, width),
            )


def with_contexts(
    pieces: Iterable[Tile], image: Shaped[Tensor, "*batch height width"], *, overwritten: bool
) -> Iterator[tuple[Tile, Shaped[Tensor, "*batch rows columns"]]]:
    """Each tile with the part of the image that it is computed from.

    Args:
        pieces: from the top left, row by row.
        overwritten: whether tiles are filled in the image itself, at any time after they were given. What
            others need to know of it is kept then: a band as high as tiles with their contexts.
    """
    if not overwritten:
        yield from ((tile, tile.outer(image)) for tile in pieces)
        return
    band, begin = image[..., :0, :], 0  # as it was, and the row of the image that it begins with
    for _, row in groupby(pieces, key=lambda tile: tile.top):
        first, *others = row
        above = band[..., first.outer_top - begin : first.top - begin, :]
        begin = first.outer_top
        band = torch.cat([above, image[..., first.top : first.outer_bottom, :]], dim=-2)
        for tile in (first, *others):
            rows = band[..., tile.outer_top - begin : tile.outer_bottom - begin, :]
            yield tile, rows[..., tile.outer_left : tile.outer_right]


def pad(
    image: Float[Tensor, "batch channels height width"], *, multiple: int, minimum: int
) -> Float[Tensor, "batch channels rows columns"]:
    """Extend an image to the right and below to a multiple and a minimum of size, by reflection.

    Where the image is too small to be reflected, its border is repeated.
    """
    height, width = image.shape[-2:]
    right = _rounded_up(max(width, minimum), multiple) - width
    below = _rounded_up(max(height, minimum), multiple) - height
    if right == 0 and below == 0:
        return image
    reflected_right, reflected_below = min(right, width - 1), min(below, height - 1)
    image = functional.pad(image, (0, reflected_right, 0, reflected_below), mode="reflect")
    rest = (0, right - reflected_right, 0, below - reflected_below)
    return functional.pad(image, rest, mode="replicate")


def _rounded_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
