"""Bicubic resizing with MATLAB's conventions: antialiased, borders mirrored, weights that sum to 1."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.metrics.visibility.tables import table_like

_BLOCK = 64
"""New pixels that are computed at a time, all from a few old ones."""


def resize_to(
    image: Float[Tensor, "batch channels height width"], like: Float[Tensor, "_ _ new_height new_width"]
) -> Float[Tensor, "batch channels new_height new_width"]:
    """Resize to the height and width of `like`; a picture of that size stays as it is.

    References:  [keys1981], a = -1/2
    """
    return _resize_along(_resize_along(image, -2, like.shape[-2]), -1, like.shape[-1])


def _resize_along(image: Tensor, dim: int, length: int) -> Tensor:
    """The product with a banded matrix, block by block."""
    old = image.shape[dim]
    if old == length:
        return image
    parts = []
    with torch.autocast(image.device.type, enabled=False):
        for start in range(0, length, _BLOCK):
            weights = table_like(image, _block_weights, old, length, start)
            first, _ = _needed(old, length, start)
            part = image.narrow(dim, first, weights.shape[1])
            parts.append(weights @ part if dim == -2 else part @ weights.T)
    return torch.cat(parts, dim=dim)


def _needed(old: int, new: int, start: int) -> tuple[int, int]:
    """The first old pixel of a block, and the one after the last."""
    centres, reach = _centres(old, new, start), _reach(old, new)
    return max(0, math.ceil(centres[0] - reach)), min(old, math.floor(centres[-1] + reach) + 1)


def _block_weights(old: int, new: int, start: int) -> np.ndarray:
    """What each new pixel of the block takes of each old one that the block needs."""
    centres, reach = _centres(old, new, start), _reach(old, new)
    around = np.arange(math.ceil(centres[0] - reach), math.floor(centres[-1] + reach) + 1)
    distance = np.abs(min(1.0, new / old) * (centres[:, None] - around))
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    kernel = np.where(distance <= 1.0, near, np.where(distance <= 2.0, far, 0.0))
    first, end = _needed(old, new, start)
    # What lies outside is the mirror image, in which the border pixels come twice.
    places = around % (2 * old)
    places = np.where(places < old, places, 2 * old - 1 - places)
    weights = np.zeros((end - first, len(centres)))
    np.add.at(weights, places - first, kernel.T)
    return np.ascontiguousarray((weights / kernel.sum(1)).T)


def _centres(old: int, new: int, start: int) -> np.ndarray:
    """Of the new pixels of a block, in old pixels."""
    return (np.arange(start, min(start + _BLOCK, new)) + 0.5) * (old / new) - 0.5


def _reach(old: int, new: int) -> float:
    return 2.0 * max(1.0, old / new)
