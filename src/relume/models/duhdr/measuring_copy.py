"""A copy of a picture on which to measure what depends on the whole of it."""

import math

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

MULTIPLE = 64
"""Height and width of what the networks are given; the paper's. Five halvings need 32."""

LARGEST = 1 << 20
"""Pixels that are measured; larger pictures are reduced. A curve and the weights of channels need no more."""


def measuring_copy(
    image: Float[Tensor, "batch channels _ _"],
) -> Float[Tensor, "batch channels height width"]:
    """The picture in a size that is a multiple of 64 and not too large; itself if it has such a size.

    Convention:  any domain; reduced by area, enlarged (by less than 64 pixels) bilinearly.
    """
    height, width = image.shape[-2:]
    scale = min(math.sqrt(LARGEST / (height * width)), 1.0)
    size = tuple(max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    if size == (height, width):
        return image
    if size[0] <= height and size[1] <= width:
        return functional.interpolate(image, size=size, mode="area")
    return functional.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


def needs_measuring(image: Float[Tensor, "batch channels height width"]) -> bool:
    """Whether the copy differs from the picture."""
    return measuring_copy(image[:1, :1]).shape[-2:] != image.shape[-2:]
