"""Power-law displays: light is the signal to a fixed exponent."""

from jaxtyping import Float
from torch import Tensor

# Below this the root is continued by a straight line, so that its gradient at black stays finite.
_TOE = 1e-8


def eotf(signal: Float[Tensor, "*shape"], exponent: float) -> Float[Tensor, "*shape"]:
    """Code value to light relative to white, signal^exponent.

    Convention:  encoded → linear, 1.0 is white; odd symmetry below zero, no upper bound.
    """
    return signal.abs().pow(exponent).copysign(signal)


def inverse_eotf(light: Float[Tensor, "*shape"], exponent: float) -> Float[Tensor, "*shape"]:
    """Light relative to white to code value, light^(1/exponent).

    Convention:  linear → encoded, 1.0 is white; odd symmetry below zero, no upper bound. Below 1e-8 the
    curve is a straight line, because the root has no finite slope at black.
    """
    magnitude = light.abs()
    root = magnitude.clamp(min=_TOE).pow(1.0 / exponent)
    return (root * (magnitude / _TOE).clamp(max=1.0)).copysign(light)
