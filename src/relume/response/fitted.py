"""The response that best tells how a picture came from the light, where nobody can say what it was."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.response.curve import SAMPLES, inverse_curve, sample_points

_BINS = 64
_LAST = 62
"""Of the bins, the first that is not trusted: there some channels are clipped."""
_FEWEST = 8
"""Values that a bin needs to count."""
_STEEPEST = 64.0
"""The most that light rises from the last bin to white, when its slope is carried on."""


def fitted_response(
    sdr: Float[Tensor, "batch 3 height width"], light: Float[Tensor, "batch 3 height width"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch samples"]]:
    """The light of white, and the curve from light in its unit to code: rising, from 0 to 1.

    Tone mapping is not a curve, least of all where it is local; this is the curve that comes nearest. In each
    of 64 bins of code stands the median light of all channels; the curve is made to rise, and from the last
    codes before white it goes on as steeply as it came. A picture of black and white has a straight one.

    Args:
        sdr: encoded, 0..1.
        light: that it was made of, linear, in any unit.
    """
    whites, curves = zip(*(_inverse(*pair) for pair in zip(sdr, light, strict=True)), strict=True)
    return torch.stack(whites), inverse_curve(torch.stack(curves))


def _inverse(
    sdr: Float[Tensor, "3 height width"], light: Float[Tensor, "3 height width"]
) -> tuple[Float[Tensor, ""], Float[Tensor, " samples"]]:
    """The light of white, and the curve from code to light in its unit."""
    codes, values = sdr.flatten(), light.flatten().clamp(min=0.0)
    bins = (codes * _BINS).long().clamp(0, _BINS - 1)
    knots, levels = [0.0], [values.new_zeros(())]
    for number in range(_LAST):
        chosen = values[bins == number]
        if len(chosen) >= _FEWEST:
            knots.append((number + 0.5) / _BINS)
            levels.append(torch.maximum(chosen.median(), levels[-1]))
    if levels[-1] <= 0:
        return _dimmest_white(values[bins >= _LAST]), sample_points(SAMPLES).to(values)
    return _carried_on(torch.tensor(knots).to(values), torch.stack(levels))


def _dimmest_white(values: Float[Tensor, " count"]) -> Float[Tensor, ""]:
    """The light of white in a picture of white and black alone; 1 in one without light."""
    lit = values[values > 0]
    return lit.min() if len(lit) else values.new_ones(())


def _carried_on(
    knots: Float[Tensor, " knots"], levels: Float[Tensor, " knots"]
) -> tuple[Float[Tensor, ""], Float[Tensor, " samples"]]:
    """Through the knots, smoothed, and on to code 1."""
    codes = sample_points(SAMPLES).to(knots)
    curve = _interpolated(codes, knots, levels)
    width = SAMPLES // _BINS * 2 + 1
    padded = functional.pad(curve[None, None], (width // 2, width // 2), mode="replicate")
    curve = functional.avg_pool1d(padded, width, stride=1)[0, 0]
    end = int(knots[-1] * (SAMPLES - 1))
    start = max(end - SAMPLES // 8, 0)
    # Of light over code, where both are told in logarithms: a power law goes on as a power law.
    steepness = torch.zeros(())
    if start > 0 and curve[start] > 0:
        steepness = (curve[end] / curve[start]).log() / (codes[end] / codes[start]).log()
    beyond = codes[end:] / codes[end]
    rise = (steepness.clamp(min=0.0).to(curve) * beyond.log()).exp().clamp(max=_STEEPEST)
    curve = torch.cat([curve[:end], curve[end] * rise])
    return curve[-1], curve / curve[-1]


def _interpolated(
    at: Float[Tensor, " count"], knots: Float[Tensor, " knots"], levels: Float[Tensor, " knots"]
) -> Float[Tensor, " count"]:
    above = torch.searchsorted(knots, at, right=True).clamp(1, len(knots) - 1)
    low, high = knots[above - 1], knots[above]
    share = ((at - low) / (high - low)).clamp(0.0, 1.0)
    return torch.lerp(levels[above - 1], levels[above], share)
