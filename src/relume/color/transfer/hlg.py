"""HLG, hybrid log-gamma: a camera curve, and an OOTF that fits the picture to the display.

References:  [bt2100], table 5; [bt2390], extended gamma, for peaks far from 1000 cd/m².
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import BT2020_WEIGHTS, luminance
from relume.color.transfer.power import power
from relume.errors import EncodingError

NOMINAL_PEAK = 1000.0

A = 0.17883277
B = 1.0 - 4.0 * A
C = 0.5 - A * math.log(4.0 * A)

# Below this scene light the square root and the OOTF are straight lines, so that slopes at black stay finite.
_TOE = 1e-8

Weights = tuple[float, float, float]


def oetf(scene: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Scene light to code value.

    Convention:  linear, 1.0 is the brightest scene light → encoded, 1.0 is the top code; negative light
    gives code 0, light above 1.0 is continued. Below 1e-8 the curve is a straight line, up to 4e-5 of code
    under the square root.
    """
    light = scene.clamp(min=0.0)
    # Each curve lies below the one before it from its joint on, and is held there before: the least is right.
    chord = light * math.sqrt(3.0 / _TOE)
    root = (3.0 * light.clamp(min=_TOE)).sqrt()
    logarithm = A * (12.0 * light.clamp(min=1.0 / 12.0) - B).log() + C
    return torch.minimum(torch.minimum(chord, root), logarithm)


def inverse_oetf(signal: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Code value to scene light.

    Convention:  encoded → linear, 1.0 is the brightest scene light; negative codes give 0, codes above 1.0
    are continued.
    """
    code = signal.clamp(min=0.0)
    exponential = (((code - C) / A).exp() + B) / 12.0
    # Above the square on both sides of the joint; see srgb.py.
    return torch.maximum(code.square() / 3.0, exponential - (0.5 - code).clamp(min=0.0))


def system_gamma(peak: float) -> float:
    """Exponent of the OOTF for a display of that peak luminance in cd/m²; 1.2 at 1000.

    Raises:
        EncodingError: the peak is not positive.

    References:  [bt2100], table 5, note 5f, from 400 to 2000 cd/m²; outside the extended form of [bt2390],
        which differs from the former by 0.011 at 400 and by 0.007 at 2000.
    """
    if not 0.0 < peak < math.inf:
        raise EncodingError(f"the peak of an HLG display is {peak} cd/m²; expected a positive luminance.")
    if 400.0 <= peak <= 2000.0:
        return 1.2 + 0.42 * math.log10(peak / NOMINAL_PEAK)
    return float(1.2 * 1.111 ** math.log2(peak / NOMINAL_PEAK))


def ootf(
    scene: Float[Tensor, "*batch 3 height width"],
    *,
    peak: float = NOMINAL_PEAK,
    weights: Weights = BT2020_WEIGHTS,
) -> Float[Tensor, "*batch 3 height width"]:
    """Scene light to light of the display, which has the same colours and luminance to the system gamma.

    Convention:  linear, 1.0 is the brightest → linear, 1.0 is the peak of the display. The standard knows
    BT.2020 only; `weights` are the luminance weights of other primaries.
    """
    light = luminance(scene, weights=weights)
    return scene * power(light.clamp(min=_TOE), system_gamma(peak) - 1.0)


def inverse_ootf(
    display: Float[Tensor, "*batch 3 height width"],
    *,
    peak: float = NOMINAL_PEAK,
    weights: Weights = BT2020_WEIGHTS,
) -> Float[Tensor, "*batch 3 height width"]:
    """Light of the display to scene light.

    Convention:  linear, 1.0 is the peak of the display → linear, 1.0 is the brightest; `weights` as in
    `ootf`.
    """
    exponent = system_gamma(peak)
    light = luminance(display, weights=weights)
    return display * power(light.clamp(min=_TOE**exponent), 1.0 / exponent - 1.0)


def eotf(
    signal: Float[Tensor, "*batch 3 height width"],
    *,
    peak: float = NOMINAL_PEAK,
    weights: Weights = BT2020_WEIGHTS,
) -> Float[Tensor, "*batch 3 height width"]:
    """Code value to light of the display.

    Convention:  encoded → linear, 1.0 is the peak of the display; negative codes give 0, codes above 1.0 are
    continued; `weights` as in `ootf`.
    """
    return ootf(inverse_oetf(signal), peak=peak, weights=weights)


def inverse_eotf(
    light: Float[Tensor, "*batch 3 height width"],
    *,
    peak: float = NOMINAL_PEAK,
    weights: Weights = BT2020_WEIGHTS,
) -> Float[Tensor, "*batch 3 height width"]:
    """Light of the display to code value.

    Convention:  linear, 1.0 is the peak of the display → encoded; negative light gives code 0, light above
    the peak codes above 1.0; `weights` as in `ootf`.
    """
    return oetf(inverse_ootf(light.clamp(min=0.0), peak=peak, weights=weights))
