"""Primaries: the chromaticities of R, G, B and white, and the matrices between them.

References:  [bt709], [bt2020], [smpte_eg432_1] (P3), [adobe_rgb], [smpte_st2065_1] (ACES AP0), [aces_ap1];
             [smpte_rp177] for RGB to XYZ, [lindbloom_adaptation] for Bradford.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.errors import EncodingError

Chromaticity = tuple[float, float]

D65: Chromaticity = (0.3127, 0.3290)
D50: Chromaticity = (0.3457, 0.3585)
ACES_WHITE: Chromaticity = (0.32168, 0.33767)

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]], dtype=np.float64
)


@dataclass(frozen=True)
class Primaries:
    """CIE 1931 xy chromaticities of the three primaries and of white."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity

    def __post_init__(self) -> None:
        triangle = np.array([(x, y, 1.0 - x - y) for x, y in (self.red, self.green, self.blue)]).T
        usable = np.isfinite(triangle).all() and abs(np.linalg.det(triangle)) > 1e-6
        x, y = self.white
        if not usable or not (np.linalg.solve(triangle, (x, y, 1.0 - x - y)) > 0).all() or not y > 0:
            raise EncodingError(
                f"these chromaticities span no colours: red {self.red}, green {self.green}, "
                f"blue {self.blue}, white {self.white}; expected a triangle in xy around the white."
            )

    @property
    def name(self) -> str:
        """The usual name, or the numbers where there is none."""
        for name, primaries in PRIMARIES.items():
            if self == primaries:
                return name
        points = (self.red, self.green, self.blue, self.white)
        return " ".join(f"({x:.4f}, {y:.4f})" for x, y in points)


BT709 = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
DISPLAY_P3 = Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)
BT2020 = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)
ADOBE_RGB = Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65)
ACES_AP0 = Primaries((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.0770), ACES_WHITE)
ACES_AP1 = Primaries((0.713, 0.293), (0.165, 0.830), (0.128, 0.044), ACES_WHITE)

PRIMARIES = {
    "bt709": BT709,
    "p3": DISPLAY_P3,
    "bt2020": BT2020,
    "adobe-rgb": ADOBE_RGB,
    "aces-ap0": ACES_AP0,
    "aces-ap1": ACES_AP1,
}


def white_to_xyz(white: Chromaticity) -> np.ndarray:
    """XYZ of a white with Y = 1."""
    x, y = white
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


@lru_cache(maxsize=64)
def rgb_to_xyz_matrix(primaries: Primaries) -> np.ndarray:
    """The 3×3 float64 matrix from linear RGB to XYZ, with Y = 1 for RGB = (1, 1, 1).

    References:  [smpte_rp177], normalised primary matrix.
    """
    # (x, y, z) rather than XYZ with Y = 1: the y of a primary may be 0, as in some camera spaces.
    corners = (primaries.red, primaries.green, primaries.blue)
    columns = np.array([(x, y, 1.0 - x - y) for x, y in corners]).T
    scale = np.linalg.solve(columns, white_to_xyz(primaries.white))
    return columns * scale


@lru_cache(maxsize=64)
def adaptation_matrix(source_white: Chromaticity, target_white: Chromaticity) -> np.ndarray:
    """Bradford adaptation of XYZ from one white to another; the identity when they are equal.

    References:  [lindbloom_adaptation], Bradford cone response.
    """
    if source_white == target_white:
        return np.eye(3)
    source = _BRADFORD @ white_to_xyz(source_white)
    target = _BRADFORD @ white_to_xyz(target_white)
    return np.linalg.inv(_BRADFORD) @ np.diag(target / source) @ _BRADFORD


@lru_cache(maxsize=64)
def conversion_matrix(source: Primaries, target: Primaries) -> np.ndarray:
    """The 3×3 float64 matrix from linear RGB in `source` to linear RGB in `target`, whites adapted."""
    if source == target:
        return np.eye(3)
    adaptation = adaptation_matrix(source.white, target.white)
    matrix: np.ndarray = np.linalg.inv(rgb_to_xyz_matrix(target)) @ adaptation @ rgb_to_xyz_matrix(source)
    return matrix


def apply_matrix(
    image: Float[Tensor, "*batch 3 height width"], matrix: np.ndarray
) -> Float[Tensor, "*batch 3 height width"]:
    """Multiply the three channels of each pixel by a 3×3 matrix.

    Convention:  any three linear channels; nothing is clipped.
    """
    columns = torch.as_tensor(matrix, dtype=image.dtype, device=image.device)[:, :, None, None].unbind(1)
    red, green, blue = image.chunk(3, dim=-3)
    # Not a matrix product: those are rounded to fewer digits wherever autocast or TF32 is on.
    return (red * columns[0]).addcmul(green, columns[1]).addcmul(blue, columns[2])


def convert(
    image: Float[Tensor, "*batch 3 height width"], source: Primaries, target: Primaries
) -> Float[Tensor, "*batch 3 height width"]:
    """Express linear RGB in other primaries.

    Convention:  linear → linear, in the same unit; white stays white (Bradford where they differ), colours
    outside the new gamut become negative, nothing is clipped.
    """
    if source == target:
        return image
    return apply_matrix(image, conversion_matrix(source, target))
