"""Power-law displays: light is the signal to a fixed exponent."""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.transfer.odd import odd
from relume.color.transfer.power import power

# Below this light the root is continued by a straight line, so that its slope at black stays finite.
_TOE = 1e-8


def eotf(signal: Float[Tensor, "*shape"], exponent: float) -> Float[Tensor, "*shape"]:
    """Code value to light relative to white, signal^exponent.

    Convention:  encoded → linear, 1.0 is white; exponent above 1; odd symmetry below zero, no upper bound.
    """
    # The smallest number has a logarithm, and its power is 0.
    tiny = torch.finfo(signal.dtype).tiny
    return odd(signal, lambda code: power(code.clamp(min=tiny), exponent))


def inverse_eotf(light: Float[Tensor, "*shape"], exponent: float) -> Float[Tensor, "*shape"]:
    """Light relative to white to code value, light^(1/exponent).

    Convention:  linear → encoded, 1.0 is white; exponent above 1; odd symmetry below zero, no upper bound.
    Below 1e-8 the curve is a straight line, because the root has no finite slope at black.
    """

    def to_code(light: Tensor) -> Tensor:
        # The chord from black lies below the root before the joint and above it after.
        root = power(light.clamp(min=_TOE), 1.0 / exponent)
        return torch.minimum(light * _TOE ** (1.0 / exponent - 1.0), root)

    return odd(light, to_code)
