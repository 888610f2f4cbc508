"""CIE 1931 XYZ, the space through which all others are defined.

References:  [smpte_rp177]; [cie015].
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import BT709, Primaries, apply_matrix, rgb_to_xyz_matrix


def from_rgb(
    image: Float[Tensor, "*batch 3 height width"], *, primaries: Primaries = BT709
) -> Float[Tensor, "*batch 3 height width"]:
    """Linear RGB to XYZ.

    Convention:  linear, relative or cd/m² → X, Y, Z in the same unit, Y is the luminance; RGB (1, 1, 1) is
    the white of the primaries with Y = 1. Nothing is clipped.
    """
    return apply_matrix(image, rgb_to_xyz_matrix(primaries))


def to_rgb(
    image: Float[Tensor, "*batch 3 height width"], *, primaries: Primaries = BT709
) -> Float[Tensor, "*batch 3 height width"]:
    """XYZ to linear RGB.

    Convention:  X, Y, Z, relative or cd/m² → linear in the same unit; colours outside the gamut are negative,
    nothing is clipped. The white is not adapted.
    """
    return apply_matrix(image, np.linalg.inv(rgb_to_xyz_matrix(primaries)))
