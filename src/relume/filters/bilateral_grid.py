"""Bilateral filter on a grid: smoothing that keeps edges, in time that does not grow with its reach.

The grid has two axes in space and one in range. Each pixel adds its value to the nearest cell, the cells are
blurred, and the result is read between the cells, where the pixel lies.

References:  [chen2007] for the grid; [paris2006] for dividing blurred values by blurred counts.
"""

import itertools
import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relume.parallel import for_each

# The blur along each axis is a Gaussian of one cell, cut after a neighbour. Its sum cancels in the division.
_NEIGHBOUR = math.exp(-0.5)

# Empty cells before the first and behind the last, so that blurring and reading need no border.
_MARGIN = 2

# Pixels are worked on in strips and pictures of very many cells in bands, so that memory is bounded.
_STRIP_PIXELS = 1 << 17
_BAND_CELLS = 1 << 23


def bilateral_grid(
    image: Float[Tensor, "batch channels height width"],
    *,
    sigma_space: float,
    sigma_range: float,
    guide: Float[Tensor, "batch 1 height width"] | None = None,
    low: float | Float[Tensor, "batch 1 1 1"] = 0.0,
    high: float | Float[Tensor, "batch 1 1 1"] = 1.0,
) -> Float[Tensor, "batch channels height width"]:
    """Average each pixel with those that are near it and have a similar guide.

    Convention:  any domain and unit; a constant stays as it is. Cells begin at the first pixel and at `low`;
        what the guide has outside low..high counts as low or high. Nothing lies beyond the border. Gradients
        flow to the image and to the guide; the result jumps where a pixel's guide comes nearer to another
        cell, which derivatives do not see. A tile differs from the whole: filter the whole.

    Args:
        image: what is averaged.
        sigma_space: size of a cell in pixels, about the standard deviation of the filter.
        sigma_range: size of a cell in units of the guide, likewise.
        guide: whose edges to keep (cross, or joint, filter); the image itself unless given.
        low: smallest value of the guide, for all pictures or for each.
        high: largest value of the guide, likewise.

    References:  [chen2007], section 4.
    """
    guide = image if guide is None else guide
    assert guide.shape[1] == 1
    depth = (_limited(guide, low, high) - low) / sigma_range
    cells = _Cells(sigma_space, int(depth.detach().amax()) + 2 + 2 * _MARGIN)
    height, width = image.shape[-2:]
    bands = cells.bands(height, width, tables=image.shape[0] * (image.shape[1] + 1))
    return torch.cat([_filtered_rows(image, depth, band, cells) for band in bands], dim=-2)


class _Cells(NamedTuple):
    """How pixels lie among the cells."""

    size: float
    """Pixels a cell, along both axes of space."""
    layers: int
    """Cells along the axis of range, margins included."""

    def along(self, first: int, last: int) -> int:
        """Cells, margins included, that pixels first..last-1 need along an axis."""
        return int((last - 1) / self.size) - int(first / self.size) + 2 + 2 * _MARGIN

    def bands(self, height: int, width: int, *, tables: int) -> list[tuple[int, int]]:
        """Rows (top, bottom) to filter at a time: all, unless there are too many cells."""
        rows = int(_BAND_CELLS / (self.along(0, width) * self.layers * tables) * self.size)
        rows = max(rows, math.ceil(8 * self.size))
        return [(top, min(top + rows, height)) for top in range(0, height, rows)]


class _Grid(NamedTuple):
    """Tables (table, cell) over all pictures: the cells of one picture, row by row, lie together."""

    tables: Float[Tensor, "table cell"]
    shape: tuple[int, int, int, int]
    """Pictures, rows, columns and layers."""
    top: int
    """The row of cells with which it begins."""
    size: float

    def places(self, depth: Tensor, row: int) -> tuple[Tensor, Tensor, Tensor]:
        """Where the pixels of rows of an image from `row` on lie: row, column, layer, in cells.

        Rows and columns are float64: which side a pixel half way between two cells goes to must not depend
        on the precision of the image.
        """
        rows, columns = (torch.arange(n, dtype=torch.float64, device=depth.device) for n in depth.shape[-2:])
        return (
            ((rows + row) / self.size - self.top)[:, None],
            columns / self.size + _MARGIN,
            depth[:, 0] + _MARGIN,
        )

    def cells_at(self, row: Tensor, column: Tensor, layer: Tensor) -> Int[Tensor, " pixel"]:
        """Which cells those are, for whole numbers."""
        pictures, rows, columns, layers = self.shape
        picture = torch.arange(pictures, device=row.device)[:, None, None]
        place = ((picture * rows + row.long()) * columns + column.long()) * layers
        return (place + layer.long()).flatten()


def _filtered_rows(image: Tensor, depth: Tensor, band: tuple[int, int], cells: _Cells) -> Tensor:
    """A band of the result, from a grid of it and of the rows around that it sees."""
    height, width = image.shape[-2:]
    top, bottom = band
    first, last = int(top / cells.size), int((bottom - 1) / cells.size)
    # Read are the cells first..last + 1, blurred from one more on either side.
    seen = max(math.floor((first - 1.5) * cells.size), 0), min(math.ceil((last + 2.5) * cells.size), height)
    shape = (image.shape[0], cells.along(top, bottom), cells.along(0, width), cells.layers)
    grid = _Grid(image.new_zeros((image.shape[1] + 1, math.prod(shape))), shape, first - _MARGIN, cells.size)
    for rows in _strips(*seen, width):
        _splat(grid, image[..., slice(*rows), :], depth[..., slice(*rows), :], rows[0])
    blurred = _blur(grid)
    averages = grid._replace(tables=blurred[:-1] / blurred[-1].clamp(min=torch.finfo(image.dtype).tiny))
    strips = _strips(top, bottom, width)
    if depth.device.type != "cpu" or (
        torch.is_grad_enabled() and (image.requires_grad or depth.requires_grad)
    ):
        return torch.cat([_read(averages, depth[..., slice(*rows), :], rows[0]) for rows in strips], dim=-2)
    result = torch.empty_like(image[..., top:bottom, :])

    @torch.no_grad()
    def work(rows: tuple[int, int]) -> None:
        result[..., rows[0] - top : rows[1] - top, :] = _read(averages, depth[..., slice(*rows), :], rows[0])

    for_each(work, strips)
    return result


def _strips(top: int, bottom: int, width: int) -> list[tuple[int, int]]:
    rows = max(1, _STRIP_PIXELS // width)
    return [(first, min(first + rows, bottom)) for first in range(top, bottom, rows)]


def _splat(grid: _Grid, image: Tensor, depth: Tensor, row: int) -> None:
    """Add each value, and a count of one, to the nearest cell."""
    places = (torch.floor(place.detach() + 0.5) for place in grid.places(depth, row))
    index = grid.cells_at(*places)
    counted = torch.cat((image, torch.ones_like(depth)), dim=1)
    grid.tables.index_add_(1, index, counted.transpose(0, 1).flatten(1))


def _blur(grid: _Grid) -> Float[Tensor, "table cell"]:
    """Each cell and its neighbours, along one axis after the other; beyond the last there is nothing."""
    cells = grid.tables.view(-1, *grid.shape)
    for axis in (2, 3, 4):
        size = cells.shape[axis] - 1
        blurred = cells.clone()
        blurred.narrow(axis, 1, size).add_(cells.narrow(axis, 0, size), alpha=_NEIGHBOUR)
        blurred.narrow(axis, 0, size).add_(cells.narrow(axis, 1, size), alpha=_NEIGHBOUR)
        cells = blurred
    return cells.flatten(1)


def _read(grid: _Grid, depth: Tensor, row: int) -> Tensor:
    """Interpolate between the eight cells around each pixel."""
    places = grid.places(depth, row)
    corners = [torch.floor(place.detach()) for place in places]
    shares = [(place - corner).to(depth.dtype) for place, corner in zip(places, corners, strict=True)]
    base = grid.cells_at(*corners)
    total = depth.new_zeros(())
    strides = (grid.shape[2] * grid.shape[3], grid.shape[3], 1)
    for steps in itertools.product((0, 1), repeat=3):
        offset = sum(step * stride for step, stride in zip(steps, strides, strict=True))
        weight = math.prod(share if step else 1.0 - share for step, share in zip(steps, shares, strict=True))
        values = grid.tables.index_select(1, base + offset)
        total = total + weight * values.view(-1, depth.shape[0], *depth.shape[-2:])
    return total.transpose(0, 1)


def _limited(guide: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    """Clamped, whether the limits are numbers or tensors."""
    return torch.minimum(
        torch.maximum(guide, torch.as_tensor(low, dtype=guide.dtype, device=guide.device)),
        torch.as_tensor(high, dtype=guide.dtype, device=guide.device),
    )
