"""Luminance: the weighted sum of linear RGB that the eye calls brightness."""

from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import BT709, BT2020, Primaries, rgb_to_xyz_matrix

# The four digits printed in the standards; what the operators of the field, and HLG, were written with.
BT709_WEIGHTS = (0.2126, 0.7152, 0.0722)
BT2020_WEIGHTS = (0.2627, 0.6780, 0.0593)


def luminance_weights(primaries: Primaries) -> tuple[float, float, float]:
    """The Y row of the RGB to XYZ matrix; for BT.709 and BT.2020 the four digits of the standard.

    References:  [bt709], item 3.2; [bt2020], table 4.
    """
    if primaries == BT709:
        return BT709_WEIGHTS
    if primaries == BT2020:
        return BT2020_WEIGHTS
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
    red, green, blue = image.chunk(3, dim=-3)
    total = red * weights[0]
    total = total.add(green, alpha=weights[1])
    return total.add(blue, alpha=weights[2])
