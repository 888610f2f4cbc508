"""Differences of first differences: edges where they belong, and no others."""

from jaxtyping import Float
from torch import Tensor


def gradient_l2(
    prediction: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, ""]:
    """mean((∂x(p − t))²) + mean((∂y(p − t))²), without wrapping around at the borders.

    Convention:  any domain.

    References:  [itmn2018], dMSE.
    """
    difference = prediction - target
    along = difference[..., :, 1:] - difference[..., :, :-1]
    down = difference[..., 1:, :] - difference[..., :-1, :]
    return along.square().mean() + down.square().mean()
