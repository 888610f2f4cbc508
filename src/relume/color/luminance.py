"""Luminance: the weighted sum of linear RGB that the eye calls brightness."""

from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import BT709, Primaries, rgb_to_xyz_matrix

# The four digits printed in BT.709; what the operators of the field were written with.
BT709_WEIGHTS = (0.2126, 0.7152, 0.0722)


def luminance_weights(primaries: Primaries) -> tuple[float, float, float]:
    """The Y row of the RGB to XYZ matrix; for BT.709 the standard's own four digits."""
    if primaries == BT709:
        return BT709_WEIGHTS
    red, green, blue = rgb_to_xyz_matrix(primaries)[1]
    return float(red), float(green), float(blue)


def luminance(
    image: Float[Tensor, "*batch 3 height width"],
    *,
    weights: tuple[float, float, float] = BT709_WEIGHTS,
) -> Float[Tensor, "*batch 1 height width"]:
    """Luminance of linear RGB, in the unit of the image, keeping the channel axis.

    Convention:  linear; relative or cd/m²; the weights of BT.709 unless others are given.
    """
    red, green, blue = image.split(1, dim=-3)
    total = red * weights[0]
    total = total.add(green, alpha=weights[1])
    return total.add(blue, alpha=weights[2])
