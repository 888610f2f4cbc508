"""BT.709: the curve of the camera, not of the display (that is BT.1886).

References:  [bt709], item 1.2, with the constants that make it smooth of [bt2020], table 4.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.transfer.odd import odd
from relume.color.transfer.power import power

ALPHA = 1.09929682680944
BETA = 0.018053968510807


def oetf(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scene light to code value.

    Convention:  linear → encoded, 1.0 is the light that just reaches code 1.0; odd symmetry below zero, no
    upper bound.
    """
    return odd(light, _to_code)


def inverse_oetf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to scene light.

    Convention:  encoded → linear, 1.0 is the light that just reaches code 1.0; odd symmetry below zero, no
    upper bound.
    """
    return odd(signal, _to_light)


def _to_code(light: Tensor) -> Tensor:
    # The line touches the curve from above: see srgb.py for the two joints.
    root = power(light.clamp(min=BETA), 0.45)
    return torch.minimum(light * 4.5, root.add(root - 1.0, alpha=ALPHA - 1.0))


def _to_light(code: Tensor) -> Tensor:
    curve = power((code + (ALPHA - 1.0)) / ALPHA, 1.0 / 0.45)
    return torch.maximum(code / 4.5, curve - (4.5 * BETA - code).clamp(min=0.0))
