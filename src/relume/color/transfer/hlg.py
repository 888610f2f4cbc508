"""HLG, hybrid log-gamma: a camera curve, and an OOTF that fits the picture to the display.

References:  ITU-R BT.2100-2, table 5; BT.2390-8 for the system gamma of other peaks.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

NOMINAL_PEAK = 1000.0

A = 0.17883277
B = 1.0 - 4.0 * A
C = 0.5 - A * math.log(4.0 * A)

BT2020_WEIGHTS = (0.2627, 0.6780, 0.0593)
_TOE = 1e-8


def oetf(scene: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scene light to code value.

    Convention:  linear, 1.0 is the brightest scene light → encoded, 1.0 is the top code; negative light
    gives code 0, light above 1.0 is continued.
    """
    light = scene.clamp(min=0.0)
    root = torch.where(light < _TOE, light / math.sqrt(_TOE), light.clamp(min=_TOE).sqrt())
    logarithm = A * (12.0 * light.clamp(min=1 / 12) - B).log() + C
    return torch.where(light <= 1 / 12, math.sqrt(3.0) * root, logarithm)


def inverse_oetf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to scene light.

    Convention:  encoded → linear, 1.0 is the brightest scene light; negative codes give 0.
    """
    code = signal.clamp(min=0.0)
    square = code.square() / 3.0
    exponential = (((code.clamp(min=0.5) - C) / A).exp() + B) / 12.0
    return torch.where(code <= 0.5, square, exponential)


def system_gamma(peak: float) -> float:
    """Exponent of the OOTF for a display of that peak luminance in cd/m²; 1.2 at 1000.

    References:  BT.2100-2, note 5f, within 400..2000 cd/m²; the extended form of BT.2390 outside.
    """
    if 400.0 <= peak <= 2000.0:
        return 1.2 + 0.42 * math.log10(peak / NOMINAL_PEAK)
    return float(1.2 * 1.111 ** math.log2(peak / NOMINAL_PEAK))


def ootf(
    scene: Float[Tensor, "*batch 3 height width"], *, peak: float = NOMINAL_PEAK
) -> Float[Tensor, "*batch 3 height width"]:
    """Scene light to light of the display.

    Convention:  linear BT.2020, 1.0 is the brightest → linear, 1.0 is the peak of the display.
    """
    return scene * _luminance(scene).clamp(min=_TOE).pow(system_gamma(peak) - 1.0)


def inverse_ootf(
    display: Float[Tensor, "*batch 3 height width"], *, peak: float = NOMINAL_PEAK
) -> Float[Tensor, "*batch 3 height width"]:
    """Light of the display to scene light.

    Convention:  linear BT.2020, 1.0 is the peak of the display → linear, 1.0 is the brightest.
    """
    exponent = system_gamma(peak)
    toe = _TOE**exponent
    return display * _luminance(display).clamp(min=toe).pow(1.0 / exponent - 1.0)


def eotf(
    signal: Float[Tensor, "*batch 3 height width"], *, peak: float = NOMINAL_PEAK
) -> Float[Tensor, "*batch 3 height width"]:
    """Code value to light of the display.

    Convention:  encoded BT.2020 → linear, 1.0 is the peak of the display.
    """
    return ootf(inverse_oetf(signal), peak=peak)


def inverse_eotf(
    light: Float[Tensor, "*batch 3 height width"], *, peak: float = NOMINAL_PEAK
) -> Float[Tensor, "*batch 3 height width"]:
    """Light of the display to code value.

    Convention:  linear BT.2020, 1.0 is the peak of the display → encoded.
    """
    return oetf(inverse_ootf(light.clamp(min=0.0), peak=peak))


def _luminance(image: Float[Tensor, "*batch 3 height width"]) -> Float[Tensor, "*batch 1 height width"]:
    red, green, blue = image.split(1, dim=-3)
    return BT2020_WEIGHTS[0] * red + BT2020_WEIGHTS[1] * green + BT2020_WEIGHTS[2] * blue
