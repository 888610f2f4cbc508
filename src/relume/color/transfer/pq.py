"""PQ, the perceptual quantizer: absolute luminance up to 10 000 cd/m².

Both directions are written around code 1.0 rather than 0: with C1 = 1 - K and C2 - C3 = K the formulas of the
standard become functions of root - 1 and power - 1, which keeps every digit where root - C1 over C2 - C3·root
loses three of them in float32.

References:  [smpte_st2084]; [bt2100], table 4.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.transfer.power import power

PEAK = 10_000.0

M1 = 2610 / 16384
M2 = 2523 / 4096 * 128
C1 = 3424 / 4096
C2 = 2413 / 4096 * 32
C3 = 2392 / 4096 * 32
_K = 1.0 - C1

BLACK_CODE = C1**M2
"""The code of 0 cd/m², 7.3e-7; codes below it are black as well."""

# Below 1e-6 cd/m² a straight line joins the power to black, where its slope has no bound.
_TOE = 1e-6 / PEAK


def eotf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to luminance of the display in cd/m².

    Convention:  encoded in 0..1 → absolute linear, 0..10 000 cd/m²; codes outside 0..1 are clamped, since
    the formula has a pole just above 1.
    """
    below_one = (signal.clamp(BLACK_CODE, 1.0).log() / M2).expm1()
    # The smallest number has a logarithm, and its power is 0.
    above_black = (_K + below_one).clamp(min=torch.finfo(signal.dtype).tiny)
    return PEAK * power(above_black / (_K - C3 * below_one), 1.0 / M1)


def inverse_eotf(luminance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Luminance of the display in cd/m² to code value.

    Convention:  absolute linear → encoded; below 0 clamped to the code of black, 7.3e-7, and above
    10 000 cd/m² to code 1.0. Below 1e-6 cd/m² the inner power is a straight line.
    """
    relative = (luminance / PEAK).clamp(0.0, 1.0)
    # The chord from black lies below the power before the joint and above it after.
    powered = torch.minimum(relative * _TOE ** (M1 - 1.0), power(relative.clamp(min=_TOE), M1))
    return ((_K * (powered - 1.0) / (1.0 + C3 * powered)).log1p() * M2).exp()
