"""CIELAB, nearly uniform for surface colours under one white.

References:  [cie015], section 8.2.1, with the exact fractions for its two constants.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import D65, Chromaticity, white_to_xyz
from relume.color.transfer.power import power

_DELTA = 6 / 29
_EPSILON = _DELTA**3
_SLOPE = 1 / (3 * _DELTA**2)


def from_xyz(
    image: Float[Tensor, "*batch 3 height width"], *, white: Chromaticity = D65
) -> Float[Tensor, "*batch 3 height width"]:
    """XYZ to L*, a*, b*.

    Convention:  X, Y, Z relative to white (Y = 1) → L* 0..100, a* and b* about -128..127 for surfaces. L* is
    above 100 for light above white; below zero the straight part of the curve goes on.
    """
    ratio = image / _white(white, image)
    # The line touches the cube root from above: see srgb.py.
    root = torch.minimum(ratio * _SLOPE + 4 / 29, power(ratio.clamp(min=_EPSILON), 1 / 3))
    x, y, z = root.chunk(3, dim=-3)
    return torch.cat((116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)), dim=-3)


def to_xyz(
    image: Float[Tensor, "*batch 3 height width"], *, white: Chromaticity = D65
) -> Float[Tensor, "*batch 3 height width"]:
    """L*, a*, b* to XYZ.

    Convention:  L* 0..100 for black to white → X, Y, Z relative to white (Y = 1); any real numbers are taken.
    """
    lightness, a, b = image.chunk(3, dim=-3)
    y = (lightness + 16.0) / 116.0
    root = torch.cat((y + a / 500.0, y, y - b / 200.0), dim=-3)
    cube = root.clamp(min=_DELTA).pow(3) - (_DELTA - root).clamp(min=0.0)
    return torch.maximum((root - 4 / 29) / _SLOPE, cube) * _white(white, image)


def _white(white: Chromaticity, like: Tensor) -> Tensor:
    return torch.as_tensor(white_to_xyz(white), dtype=like.dtype, device=like.device)[:, None, None]
