"""sRGB.

References:  [iec61966_2_1], the piecewise curve with the constants as printed.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.transfer.odd import odd
from relume.color.transfer.power import power

_LINEAR_BELOW = 0.0031308
_ENCODED_BELOW = 0.04045


def eotf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to light relative to white.

    Convention:  encoded → linear, 1.0 is white; odd symmetry below zero, no upper bound.
    """
    return odd(signal, _to_light)


def inverse_eotf(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Light relative to white to code value.

    Convention:  linear → encoded, 1.0 is white; odd symmetry below zero, no upper bound.
    """
    return odd(light, _to_code)


def _to_light(code: Tensor) -> Tensor:
    curve = power((code + 0.055) / 1.055, 2.4)
    # The curve runs above the line on both sides of the joint. Pushed below it where the line holds, the
    # larger of the two is the right one; `where` would cost as much as the power.
    return torch.maximum(code / 12.92, curve - (_ENCODED_BELOW - code).clamp(min=0.0))


def _to_code(light: Tensor) -> Tensor:
    # The curve runs below the line, and is held at the joint where the line holds: the smaller one is right.
    root = power(light.clamp(min=_LINEAR_BELOW), 1.0 / 2.4)
    # 1.055 · root - 0.055, written so that white is exactly 1.
    return torch.minimum(light * 12.92, root.add(root - 1.0, alpha=0.055))
