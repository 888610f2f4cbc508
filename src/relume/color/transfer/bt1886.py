"""BT.1886: the reference display of SDR television.

References:  ITU-R BT.1886 (2011), annex 1.
"""

from jaxtyping import Float
from torch import Tensor

from relume.color.transfer import gamma

EXPONENT = 2.4


def eotf(
    signal: Float[Tensor, "*shape"], *, peak: float = 1.0, black_level: float = 0.0
) -> Float[Tensor, "*shape"]:
    """Code value to light of the display, a·max(signal + b, 0)^2.4.

    Convention:  encoded → linear, in the unit of `peak` and `black_level` (1.0 and 0.0: relative to white);
    odd symmetry below zero where the black level is 0.
    """
    gain, lift = _gain_and_lift(peak, black_level)
    return gain * gamma.eotf(signal + lift, EXPONENT)


def inverse_eotf(
    light: Float[Tensor, "*shape"], *, peak: float = 1.0, black_level: float = 0.0
) -> Float[Tensor, "*shape"]:
    """Light of the display to code value.

    Convention:  linear → encoded, in the unit of `peak` and `black_level`.
    """
    gain, lift = _gain_and_lift(peak, black_level)
    return gamma.inverse_eotf(light / gain, EXPONENT) - lift


def _gain_and_lift(peak: float, black_level: float) -> tuple[float, float]:
    top, bottom = peak ** (1 / EXPONENT), black_level ** (1 / EXPONENT)
    return (top - bottom) ** EXPONENT, bottom / (top - bottom)
