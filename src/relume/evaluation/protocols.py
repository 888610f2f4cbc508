"""What is done to a prediction, and to some references, before they are measured.

A protocol decides what a number means as much as the metric does: the same pictures are worth 20 dB without
alignment and 28 dB after the tone-curve correction. So each number names its protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import luminance
from relume.errors import MethodError
from relume.evaluation.display import cut
from relume.metrics.pu21 import LOWEST
from relume.metrics.tone_curve import correct_tone_curve

Picture = Float[Tensor, "3 height width"]

# Of Marnerides 2018 and SingleHDR: what a display of 1000 cd/m² shows, without its outermost two units.
_RANGE_LOW, _RANGE_HIGH = 1.0, 999.0
_TAIL = 0.001
"""The share of values at either end that percentile protocols pass over."""
_PQ_PEAK = 10_000.0


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A row of the table of protocols."""

    name: str
    title: str
    """One line for people."""
    align: Callable[[Picture, Picture, float], tuple[Picture, Picture]]
    """(prediction, reference, peak of the display) → both as they are measured."""
    citation: str = ""
    """A key of docs/references.bib."""
    absolute_prediction: bool = True
    absolute_reference: bool = True
    """Whether absolute metrics need that picture in cd/m²; else the protocol itself sets its scale."""

    absolute_whatever_metric: bool = False
    """Whether the alignment itself works on cd/m², so that metrics in any unit need them, too."""
    scale: str = ""
    """The light onto which the protocol itself puts the pictures, where it does."""

    def described(self) -> str:
        """What the string of a number says of the alignment."""
        return f"{self.name} ({self.scale})" if self.scale else self.name


def none(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """Both as the display shows them."""
    return cut(prediction, peak), cut(reference, peak)


def gain(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """The prediction at its best exposure, then both as the display shows them.

    The factor is the median ratio of luminance over the pixels that the display shows without cutting the
    reference, so that neither highlights nor a few wrong areas move it.
    """
    return cut(prediction * best_gain(prediction, reference, peak=peak), peak), cut(reference, peak)


def best_gain(prediction: Picture, reference: Picture, *, peak: float) -> float:
    """The factor of exposure that brings the prediction to the reference; 1 if nothing can be compared."""
    left, right = luminance(prediction), luminance(reference)
    shown = (right > LOWEST) & (right < peak) & (left > 0)
    if not shown.any():
        return 1.0
    return float((right[shown].double().log2() - left[shown].double().log2()).median().exp2())


def tone_curve(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """Both as the display shows them, the prediction after the fit of Hanji et al. 2022.

    The fit works on PQ values, so no light above 10 000 cd/m² enters it. What it puts above the peak is cut.

    References:  [hanji2022]
    """
    limit = min(peak, _PQ_PEAK)
    shown, target = cut(prediction, limit), cut(reference, limit)
    return cut(correct_tone_curve(shown, target), limit), target


def display_range(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """Both with their percentiles 0.1 and 99.9 at 1 and 999 cd/m²; what leaves the display's range is cut.

    References:  [marnerides2018], display-referred
    """
    left, right = (
        stretch_percentiles(picture, _RANGE_LOW, _RANGE_HIGH) for picture in (prediction, reference)
    )
    return cut(left, peak), cut(right, peak)


def scene_range(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """The prediction with its percentiles 0.1 and 99.9 where the reference has them; then as displayed.

    References:  [marnerides2018], scene-referred
    """
    low, high = _percentiles(reference)
    return cut(stretch_percentiles(prediction, low, high), peak), cut(reference, peak)


def min_max(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """`display_range`, then darkest and brightest value of each picture at 1 cd/m² and at the peak.

    The equation is printed with x_min as its last term; only L_min maps onto the range of the display.

    References:  [duhdr2023], eq. 26
    """
    infinity = float("inf")
    left, right = display_range(prediction, reference, infinity)
    top = _RANGE_HIGH if peak == infinity else peak
    return stretch_extremes(left, _RANGE_LOW, top), stretch_extremes(right, _RANGE_LOW, top)


def percentile(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """Both normalised as SingleHDR does; light above 999 stays, whatever the display.

    References:  [liu2020], the authors' evaluation script
    """
    return normalise_percentiles(prediction), normalise_percentiles(reference)


def percentile_tone_curve(prediction: Picture, reference: Picture, peak: float) -> tuple[Picture, Picture]:
    """`percentile`, then the tone-curve correction, as IntrinsicHDR does.

    References:  [intrinsichdr2024], the authors' account of their evaluation; [hanji2022]
    """
    left, right = percentile(prediction, reference, peak)
    return correct_tone_curve(left, right), right


def stretch_percentiles(picture: Picture, low: float, high: float) -> Picture:
    """The picture with the 0.1 and 99.9 percentiles of its values at `low` and `high`; never negative."""
    bottom, top = _percentiles(picture)
    return ((picture - bottom) * ((high - low) / (top - bottom + 1e-8)) + low).clamp(min=0.0)


def stretch_extremes(picture: Picture, low: float, high: float) -> Picture:
    """The picture with its smallest value (and a hair) at `low` and its largest at `high`.

    References:  [duhdr2023], eq. 26 with L_min for its last term; ε = 1e-5
    """
    bottom, top = picture.aminmax()
    return (high - low) / (top - bottom).clamp(min=1e-8) * (picture - bottom + 1e-5) + low


def normalise_percentiles(picture: Picture) -> Picture:
    """Values with the k-th smallest at 1 and the k-th largest at 999, k being a thousandth of them.

    Convention:  linear in any unit → 1..999 and what lies beyond, never negative.

    References:  [liu2020], the authors' evaluation script
    """
    values = picture.flatten()
    rank = max(int(len(values) * _TAIL + 0.5), 1)
    low = values.kthvalue(rank).values
    high = values.kthvalue(len(values) - rank + 1).values
    span = _RANGE_HIGH - _RANGE_LOW
    return ((picture - low) * (span / (high - low + 1e-8)) + _RANGE_LOW).clamp(min=0.0)


def _percentiles(picture: Picture) -> tuple[float, float]:
    """The 0.1 and 99.9 percentiles of all values, interpolated."""
    # torch.quantile refuses more than 16 million values.
    ordered = picture.flatten().double().sort().values
    positions = torch.tensor([_TAIL, 1.0 - _TAIL], dtype=torch.float64) * (len(ordered) - 1)
    below = positions.floor().long()
    above = (below + 1).clamp(max=len(ordered) - 1)
    low, high = torch.lerp(ordered[below], ordered[above], positions - below).tolist()
    return low, high


PROTOCOLS: dict[str, Protocol] = {
    row.name: row
    for row in (
        Protocol(
            name="tone-curve",
            title="one smooth tone curve and one smooth change of colour are fitted first: the fair protocol",
            align=tone_curve,
            citation="hanji2022",
            absolute_whatever_metric=True,
        ),
        Protocol(
            name="gain",
            title="one factor of exposure is fitted first",
            align=gain,
            absolute_prediction=False,
        ),
        Protocol(name="none", title="as the display shows both", align=none),
        Protocol(
            name="display-range",
            scale="1..999 cd/m²",
            title="percentiles 0.1 and 99.9 of both at 1 and 999 cd/m²",
            align=display_range,
            citation="marnerides2018",
            absolute_prediction=False,
            absolute_reference=False,
        ),
        Protocol(
            name="scene-range",
            title="percentiles 0.1 and 99.9 of the prediction at those of the reference",
            align=scene_range,
            citation="marnerides2018",
            absolute_prediction=False,
        ),
        Protocol(
            name="min-max",
            scale="1 cd/m²..peak",
            title="display-range, then extremes of both at 1 cd/m² and the peak",
            align=min_max,
            citation="duhdr2023",
            absolute_prediction=False,
            absolute_reference=False,
        ),
        Protocol(
            name="percentile",
            scale="1..999 cd/m², not cut",
            title="k-th smallest and largest value of both at 1 and 999 cd/m², no cut above",
            align=percentile,
            citation="liu2020",
            absolute_prediction=False,
            absolute_reference=False,
        ),
        Protocol(
            name="percentile-tone-curve",
            scale="1..999 cd/m², not cut",
            title="percentile, then the tone-curve correction",
            align=percentile_tone_curve,
            citation="intrinsichdr2024",
            absolute_prediction=False,
            absolute_reference=False,
        ),
    )
}
"""Name → row. A new protocol is one function and one row."""

DEFAULT = ("tone-curve", "gain", "none")
"""The fair one, exposure alone, and nothing."""


def find(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        MethodError: no such protocol.
    """
    if name not in PROTOCOLS:
        raise MethodError(f"there is no protocol '{name}'; relume has {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
