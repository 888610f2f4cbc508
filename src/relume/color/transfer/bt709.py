"""BT.709: the curve of the camera, not of the display (that is BT.1886).

References:  ITU-R BT.709-6, item 1.2; the exact constants of BT.2020-2, table 4, note 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

ALPHA = 1.09929682680944
BETA = 0.018053968510807


def oetf(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scene light to code value.

    Convention:  linear → encoded, 1.0 is the light that just reaches code 1.0; odd symmetry below zero.
    """
    magnitude = light.abs()
    curve = ALPHA * magnitude.clamp(min=BETA).pow(0.45) - (ALPHA - 1.0)
    return torch.where(magnitude < BETA, 4.5 * magnitude, curve).copysign(light)


def inverse_oetf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to scene light.

    Convention:  encoded → linear, 1.0 is the light that just reaches code 1.0; odd symmetry below zero.
    """
    magnitude = signal.abs()
    curve = ((magnitude.clamp(min=4.5 * BETA) + (ALPHA - 1.0)) / ALPHA).pow(1.0 / 0.45)
    return torch.where(magnitude < 4.5 * BETA, magnitude / 4.5, curve).copysign(signal)
