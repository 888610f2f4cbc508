"""sRGB.

References:  IEC 61966-2-1:1999.
"""

import torch
from jaxtyping import Float
from torch import Tensor

_LINEAR_BELOW = 0.0031308
_ENCODED_BELOW = 0.04045


def eotf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to light relative to white.

    Convention:  encoded → linear, 1.0 is white; odd symmetry below zero, no upper bound.
    """
    magnitude = signal.abs()
    # Clamped inside the power, so that the branch not taken has a finite gradient.
    curve = ((magnitude.clamp(min=_ENCODED_BELOW) + 0.055) / 1.055).pow(2.4)
    return torch.where(magnitude <= _ENCODED_BELOW, magnitude / 12.92, curve).copysign(signal)


def inverse_eotf(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Light relative to white to code value.

    Convention:  linear → encoded, 1.0 is white; odd symmetry below zero, no upper bound.
    """
    magnitude = light.abs()
    curve = 1.055 * magnitude.clamp(min=_LINEAR_BELOW).pow(1.0 / 2.4) - 0.055
    return torch.where(magnitude <= _LINEAR_BELOW, magnitude * 12.92, curve).copysign(light)
