"""PQ, the perceptual quantizer: absolute luminance up to 10 000 cd/m².

References:  SMPTE ST 2084:2014; ITU-R BT.2100-2, table 4.
"""

from jaxtyping import Float
from torch import Tensor

PEAK = 10_000.0

M1 = 2610 / 16384
M2 = 2523 / 4096 * 128
C1 = 3424 / 4096
C2 = 2413 / 4096 * 32
C3 = 2392 / 4096 * 32

# The curve starts at code C1^M2 = 7.3e-7; below this luminance a straight line joins it to zero,
# because Y^M1 has no finite slope at black.
_TOE = 1e-6


def eotf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to luminance of the display in cd/m².

    Convention:  encoded in 0..1 → absolute linear, 0..10 000 cd/m²; codes outside 0..1 are clamped, since
    the formula has a pole just above 1.
    """
    root = signal.clamp(0.0, 1.0).pow(1.0 / M2)
    # Clamped above zero, so that the fractional power has a finite gradient at black.
    ratio = (root - C1).clamp(min=_TOE**M1 * 1e-3) / (C2 - C3 * root)
    light = PEAK * ratio.pow(1.0 / M1)
    return light * (root > C1)


def inverse_eotf(luminance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Luminance of the display in cd/m² to code value.

    Convention:  absolute linear → encoded; below 0 clamped to 0 and above 10 000 cd/m² to code 1.0.
    """
    relative = (luminance / PEAK).clamp(0.0, 1.0)
    power = relative.clamp(min=_TOE / PEAK).pow(M1) * (relative / (_TOE / PEAK)).clamp(max=1.0)
    return ((C1 + C2 * power) / (1.0 + C3 * power)).pow(M2)
