"""What is left of an error after the tone-curve correction, as a table of PSNR shows it."""

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE
from relume.metrics import pu21
from relume.metrics.tone_curve import correct_tone_curve

NOISE = 0.3
"""Squared error in PU21 units that counts as none: nobody sees less, 53 dB."""

_STEP = 2
"""Every second pixel each way is enough to tell curve and lights."""


def corrected_error(
    prediction: Float[Tensor, "batch 3 height width"],
    target: Float[Tensor, "batch 3 height width"],
    *,
    peak: float = 1000.0,
) -> Float[Tensor, " batch"]:
    """log10 of the mean squared error in PU21 after the tone-curve correction, by picture: −0.1 is 1 dB.

    Args:
        prediction: light, linear, 1.0 = 203 cd/m².
        target: as `prediction`.
        peak: of the display, in cd/m².

    References:  [hanji2022], the correction; [mantiuk2021], PU21.
    """
    prediction, target = (picture[..., ::_STEP, ::_STEP] for picture in (prediction, target))
    corrected = correct_tone_curve(prediction * REFERENCE_WHITE, target * REFERENCE_WHITE) / REFERENCE_WHITE
    error = shown(corrected, peak) - shown(target, peak)
    return (error.square().mean((1, 2, 3)) + NOISE).log10()


def shown(light: Float[Tensor, "*shape"], peak: float) -> Float[Tensor, "*shape"]:
    """What a display of so many cd/m² shows of light, 1.0 = 203 cd/m², in PU21 units."""
    return pu21.encode((light * REFERENCE_WHITE).clamp(max=peak))
