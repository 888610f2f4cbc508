"""Interpolation in tables on a uniform grid: an index computed rather than searched."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

LOG_LOWEST = -5.0
LOG_HIGHEST = 5.0
"""Decimal logarithms between which the tables over luminance lie."""


def look_up(table: Float[Tensor, " size"], positions: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Linear interpolation where log10 of luminance, clamped to -5..5, is the place in the table."""
    last = table.numel() - 1
    scale = last / (LOG_HIGHEST - LOG_LOWEST)
    places = (positions.clamp(LOG_LOWEST, LOG_HIGHEST) - LOG_LOWEST) * scale
    index = places.detach().long().clamp(max=last - 1)
    left = torch.take(table, index)
    return left + (places - index) * torch.take(table.diff(), index)


def log_grid(count: int) -> np.ndarray:
    """Luminance at the places of a table, in cd/m²."""
    return np.logspace(LOG_LOWEST, LOG_HIGHEST, count)


@lru_cache(maxsize=512)
def _numbers(make: Callable[..., np.ndarray], arguments: tuple[object, ...]) -> np.ndarray:
    return make(*arguments)


def table_like(like: Tensor, make: Callable[..., np.ndarray], *arguments: object) -> Tensor:
    """`make(*arguments)`, computed once in float64, in the type and on the device of `like`."""
    return torch.as_tensor(_numbers(make, arguments), dtype=like.dtype, device=like.device)
