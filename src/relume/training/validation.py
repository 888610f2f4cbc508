"""Scores and pictures of single-image HDR reconstruction during training; the benchmarks measure better.

Convention of this module:  linear light, (batch, 3, height, width), 1.0 = the level that clips.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE
from relume.color.transfer import srgb
from relume.metrics import pu21
from relume.metrics.psnr import psnr
from relume.metrics.tone_curve import correct_tone_curve
from relume.training.objective import Scores

STOPS = (0, -3, -6)
"""Exposures at which the pictures are shown."""

# Less light than the darkest code of 8 bits counts as that much when stops are compared.
_DARKEST = 1e-4
_PEAK = 1000.0
"""Of the display, in cd/m²."""
# What networks that went astray put out must stay a number in cd/m².
_BRIGHTEST = 1e30
# An equal picture would have an infinite score, of which no mean can be taken.
_BEST_PSNR = 100.0


def score_reconstruction(
    sdr: Float[Tensor, "batch 3 height width"],
    prediction: Float[Tensor, "batch 3 height width"],
    target: Float[Tensor, "batch 3 height width"],
) -> Scores:
    """Score a prediction, and beside it the unprocessed input, with a sheet of pictures for each pair.

    `pu_psnr` takes the clipping level as 203 cd/m², in dB; `clipped_stops` is the root mean square error, in
    stops, of the channels that the target has above 1. Both as they are, without alignment of exposure or
    response; `corrected` is `pu_psnr` after the tone-curve correction, on a display of 1000 cd/m². The same
    with `_input`: the SDR picture decoded as sRGB.

    Args:
        sdr: encoded, 0..1.
        prediction: compared as it is.
        target: what was in front of the camera.
    """
    unprocessed = srgb.eotf(sdr)
    numbers = {}
    shown = target * REFERENCE_WHITE
    for suffix, light in (("", prediction), ("_input", unprocessed)):
        light = light.nan_to_num().clamp(max=_BRIGHTEST)
        numbers[f"pu_psnr{suffix}"] = _pu_psnr(light * REFERENCE_WHITE, shown)
        corrected = correct_tone_curve(light * REFERENCE_WHITE, shown).clamp(max=_PEAK)
        numbers[f"corrected{suffix}"] = _pu_psnr(corrected, shown.clamp(max=_PEAK))
        numbers[f"clipped_stops{suffix}"] = _clipped_stops(light, target)
    return Scores(numbers=numbers, pictures=sheet(unprocessed, prediction.nan_to_num(), target))


def sheet(*pictures: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 rows columns"]:
    """Pictures side by side, each shown in several exposures from top to bottom; sRGB-encoded 0..1."""
    light = torch.cat(pictures, dim=-1)
    exposures = torch.cat([light * 2.0**stops for stops in STOPS], dim=-2)
    return srgb.inverse_eotf(exposures.clamp(0.0, 1.0))


def _pu_psnr(
    shown: Float[Tensor, "batch 3 height width"], target: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """Not that of the metrics, which refuses pictures below 1 cd/m²: a crop may be that dark."""
    return psnr(pu21.encode(shown), pu21.encode(target), peak=pu21.PEAK).clamp(max=_BEST_PSNR)


def _clipped_stops(
    light: Float[Tensor, "batch 3 height width"], target: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """Error in stops where the target is above 1; 0 for pictures that have no such place."""
    clipped = target > 1.0
    error = light.clamp(min=_DARKEST).log2() - target.clamp(min=_DARKEST).log2()
    squares = torch.where(clipped, error, 0.0).square().sum((-3, -2, -1))
    return (squares / clipped.sum((-3, -2, -1)).clamp(min=1)).sqrt()
