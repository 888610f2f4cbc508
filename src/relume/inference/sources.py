"""Whatever a caller has of a picture (a path, an array, a tensor, a PIL image) as an `Image`."""

from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np
import torch
from torch import Tensor

from relume.color.encoding import LINEAR_SCENE, SRGB, Encoding
from relume.errors import ImageError
from relume.image import Image
from relume.io.pillow import from_pillow
from relume.io.read import read
from relume.method import Direction

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Source = Union[Image, str, Path, np.ndarray, Tensor, "PillowImage"]
"""Image, path, NumPy (height, width[, 1, 3 or 4]), tensor ([1, 3 or 4,] height, width) or PIL image."""

_INTEGER_RANGE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def as_image(source: Source, direction: Direction, *, encoding: Encoding | None = None) -> Image:
    """The source as an `Image`.

    Convention:  files and PIL images say what they mean. Arrays and tensors mean, unless an encoding is
        given: integers are sRGB codes of their full range; floating point is sRGB with 1.0 at white for an
        expansion, linear scene-referred BT.709 for a tone mapping.

    Raises:
        ImageError: a shape or type that is not a picture.
        FileError: a path that cannot be read.
    """
    if isinstance(source, Image):
        image = source
    elif isinstance(source, str | Path):
        image = read(Path(source))
    elif isinstance(source, Tensor):
        image = _from_planes(source, _default_encoding(source.is_floating_point(), direction))
    elif isinstance(source, np.ndarray):
        image = _from_array(source, direction)
    else:
        image = from_pillow(source)
    return image if encoding is None else image.assume(encoding)


def _default_encoding(floating: bool, direction: Direction) -> Encoding:
    return LINEAR_SCENE if floating and direction is Direction.TONEMAP else SRGB


def _from_array(array: np.ndarray, direction: Direction) -> Image:
    if array.ndim not in (2, 3):
        raise ImageError(f"the array has shape {array.shape}; expected (height, width[, 1, 3 or 4]).")
    planes = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    floating = np.issubdtype(array.dtype, np.floating)
    if array.dtype in _INTEGER_RANGE:
        planes = planes.astype(np.float32) / _INTEGER_RANGE[array.dtype]
    elif not floating:
        raise ImageError(f"the array is {array.dtype}; expected uint8, uint16 or floating point.")
    tensor = torch.from_numpy(np.require(planes, requirements=["C", "W"]))
    return _from_planes(tensor, _default_encoding(floating, direction))


def _from_planes(tensor: Tensor, encoding: Encoding) -> Image:
    if tensor.dtype == torch.uint8:
        tensor = tensor.float() / 255.0
    elif not tensor.is_floating_point():
        raise ImageError(f"the tensor is {tensor.dtype}; expected uint8 or floating point.")
    if tensor.ndim == 2:
        tensor = tensor[None]
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3, 4):
        raise ImageError(
            f"the picture has shape {tuple(tensor.shape)}; expected a tensor ([1, 3 or 4,] height, width) "
            "or an array (height, width[, 1, 3 or 4])."
        )
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    alpha = tensor[3:] if tensor.shape[0] == 4 else None
    pixels = tensor.expand(3, -1, -1) if tensor.shape[0] == 1 else tensor[:3]
    return Image(pixels, encoding, alpha)
