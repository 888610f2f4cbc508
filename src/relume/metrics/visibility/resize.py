"""Bicubic resizing with MATLAB's conventions: antialiased, borders mirrored, weights that sum to 1."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.metrics.visibility.tables import table_like


def resize(
    image: Float[Tensor, "batch channels height width"], size: tuple[int, int]
) -> Float[Tensor, "batch channels new_height new_width"]:
    """Resize to (height, width); a picture of that size stays as it is.

    References:  [keys1981], a = -1/2
    """
    return _resize_along(_resize_along(image, -2, size[0]), -1, size[1])


def _resize_along(image: Tensor, dim: int, length: int) -> Tensor:
    if image.shape[dim] == length:
        return image
    places = table_like(image, _places, image.shape[dim], length).long()
    weights = table_like(image, _weights, image.shape[dim], length)
    total = torch.zeros((), dtype=image.dtype, device=image.device)
    for place, weight in zip(places, weights, strict=True):
        total = total + image.index_select(dim, place) * (weight[:, None] if dim == -2 else weight)
    return total


def _places(old: int, new: int) -> np.ndarray:
    """Which pixels each new one is made of, (taps, new); mirrored at the borders."""
    first, taps = _support(old, new)
    around = (first + np.arange(taps)[:, None]) % (2 * old)
    return np.where(around < old, around, 2 * old - 1 - around)


def _weights(old: int, new: int) -> np.ndarray:
    first, taps = _support(old, new)
    shrinking = min(1.0, new / old)
    distance = np.abs(shrinking * (_centres(old, new) - first - np.arange(taps)[:, None]))
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    kernel = np.where(distance <= 1.0, near, np.where(distance <= 2.0, far, 0.0))
    return np.asarray(kernel / kernel.sum(0))


def _centres(old: int, new: int) -> np.ndarray:
    return (np.arange(new) + 0.5) * (old / new) - 0.5


def _support(old: int, new: int) -> tuple[np.ndarray, int]:
    reach = 2.0 * max(1.0, old / new)
    return np.ceil(_centres(old, new) - reach).astype(np.int64), math.ceil(2.0 * reach) + 1
