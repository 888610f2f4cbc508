"""BT.1886: the reference display of SDR television.

References:  [bt1886], annex 1.
"""

from jaxtyping import Float
from torch import Tensor

from relume.color.transfer import gamma
from relume.errors import EncodingError

EXPONENT = 2.4


def eotf(
    signal: Float[Tensor, "*shape"], *, peak: float = 1.0, black_level: float = 0.0
) -> Float[Tensor, "*shape"]:
    """Code value to light of the display, a·(signal + b)^2.4.

    Convention:  encoded → linear, in the unit of `peak` and `black_level` (1.0 and 0.0: relative to white).
    Where signal + b is negative, and the standard stops at 0, the curve goes on with odd symmetry.

    Args:
        signal: code values, 0 is black and 1 is white.
        peak: light of code 1.
        black_level: light of code 0.

    Raises:
        EncodingError: the black level is negative or not below the peak.
    """
    gain, lift = _gain_and_lift(peak, black_level)
    return gain * gamma.eotf(signal + lift, EXPONENT)


def inverse_eotf(
    light: Float[Tensor, "*shape"], *, peak: float = 1.0, black_level: float = 0.0
) -> Float[Tensor, "*shape"]:
    """Light of the display to code value.

    Convention:  linear, in the unit of `peak` and `black_level` → encoded; light below the black level gives
    negative codes. Within 1e-8 of the peak from zero light the curve is a straight line.

    Raises:
        EncodingError: the black level is negative or not below the peak.
    """
    gain, lift = _gain_and_lift(peak, black_level)
    return gamma.inverse_eotf(light / gain, EXPONENT) - lift


def _gain_and_lift(peak: float, black_level: float) -> tuple[float, float]:
    if not 0 <= black_level < peak:
        raise EncodingError(
            f"black level is {black_level:g} and peak {peak:g}; expected 0 <= black level < peak."
        )
    top, bottom = peak ** (1 / EXPONENT), black_level ** (1 / EXPONENT)
    return (top - bottom) ** EXPONENT, bottom / (top - bottom)
