"""Parts of an enlarged picture, each without the rest of it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def enlarged(
    small: Float[Tensor, "batch channels rows columns"],
    *,
    size: Sequence[int],
    rows: tuple[int, int] | None = None,
    columns: tuple[int, int] | None = None,
    wraps: bool = False,
) -> Float[Tensor, "batch channels height width"]:
    """A rectangle of what bilinear interpolation makes of a small picture at that size.

    Convention:  any values; pixels are squares, as in `interpolate(align_corners=False)`, which it equals but
        for rounding. Every rectangle holds exactly what the whole has there. A picture that has the size
        already stays as it is.

    Args:
        size: height and width of the whole.
        rows: first and end of those that are wanted; None: all.
        columns: likewise.
        wraps: whether the picture goes on at its left edge where it ends at the right.
    """
    height, width = size
    chosen = _between(small, height, rows or (0, height), dim=-2, wraps=False)
    return _between(chosen, width, columns or (0, width), dim=-1, wraps=wraps)


def _between(
    small: Float[Tensor, "batch channels rows columns"],
    length: int,
    wanted: tuple[int, int],
    *,
    dim: int,
    wraps: bool,
) -> Float[Tensor, "batch channels wanted_rows wanted_columns"]:
    """Some of the rows, or columns, of the enlarged picture, each between two of the small one."""
    count = small.shape[dim]
    if count == length:
        return small.narrow(dim, wanted[0], wanted[1] - wanted[0])
    # In float64: a place in a large picture has more digits than float32.
    place = (torch.arange(*wanted, dtype=torch.float64, device=small.device) + 0.5) * (count / length) - 0.5
    if not wraps:
        place = place.clamp(0.0, count - 1.0)
    before = place.floor()
    share = (place - before).to(small.dtype).view((-1, 1) if dim == -2 else (-1,))
    before = before.long()
    after = (before + 1) % count if wraps else (before + 1).clamp(max=count - 1)
    return torch.lerp(small.index_select(dim, before % count), small.index_select(dim, after), share)
