"""The objective of Ember: the response from what survived, and the light from what did not."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.metrics import pu21
from relume.models.ember import Ember
from relume.response.curve import inverse_curve, lookup
from relume.response.joint import joint_lookup
from relume.training.losses.corrected import corrected_error, shown
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.validation import score_reconstruction

_DARKEST = 1e-3
"""Light below counts as that much when stops are compared."""

# A quarter of the pixels, each way, is enough to tell a curve.
_CURVE_STEP = 4

# Mean squared errors below, in PU21 units, are noise and quantization: nothing to gain there.
_NOISE = 1.5
# What lost light leaves of the error even of a good result; a curve that is off by less is good enough.
_LEFT = 2.5


@dataclass(frozen=True, kw_only=True)
class LostLight(Objective):
    """Decibels of PU21-PSNR on displays of several peaks, each picture as important as another.

    The two tasks are kept apart: the curve learns from pixels that are not clipped, the stops from clipped
    pixels with their light taken through the true response. The mean of log errors is what a table of
    PSNR shows; the error in stops keeps lights above the peaks in view. What both give together counts after
    the tone-curve correction, which forgives what no picture tells: how bright the whole was.

    The second half of each batch is estimated from copies of half the size, as large pictures are: lights
    that fill no pixel of the copy must come out right as well.

    A tone-mapped picture has no level that clips, and nobody can tell what light its white was: 60 times that
    of an exposure at times. From such pictures only the whole is learnt, with the truth in the unit of an
    exposure; what the estimate lacks of that, the correction forgives.

    The batch has `sdr` (encoded, 0..1), `hdr` (linear, 1.0 = white), `response` (the curve of the camera) and
    `white` (its light in the unit of the exposure; other than 1: the picture is tone mapped); the optimizer
    is called "model".
    """

    peaks: tuple[float, ...] = (1000.0, 10_000.0)
    """Of the displays, in cd/m²; the level that clips is shown at 203."""
    stops: float = 0.2
    """Weight of the mean error in stops."""
    corrected: float = 2.0
    """Weight of the whole after the tone-curve correction, on the first display, against other decibels."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        network, sdr, hdr = networks["model"], batch["sdr"], batch["hdr"]
        assert isinstance(network, Ember)
        stops, curves = _estimated(network, sdr)
        clipped = network.clipped(sdr)
        told = (batch["white"] == 1.0).float()
        terms = {"curve": _mean(_curve_error(sdr, hdr, curves, clipped), told)}
        light = lookup(sdr, inverse_curve(batch["response"]))
        chosen = clipped * told.view(-1, 1, 1, 1) > 0.0
        raised = (clipped * stops)[chosen]
        target, known = hdr[chosen], light[chosen]
        owner = torch.arange(len(sdr), device=sdr.device).view(-1, 1, 1, 1).expand_as(sdr)[chosen]
        for peak in self.peaks:
            error = shown(known * torch.exp2(raised), peak) - shown(target, peak)
            total = torch.zeros(len(sdr), device=sdr.device).index_add(0, owner, error.square())
            terms[f"light_{peak:g}"] = _mean((total / sdr[0].numel() + _NOISE).log10(), told)
        above = target > 1.0
        off = (raised - target.clamp(min=_DARKEST).log2()).abs()
        terms["stops"] = (off * above).sum() / above.sum().clamp(min=1)
        whole = network.rekindled(joint_lookup(sdr, curves), sdr, stops)
        exposed = hdr * batch["white"].view(-1, 1, 1, 1)
        terms["corrected"] = corrected_error(whole, exposed, peak=self.peaks[0]).mean()
        decibels = sum((terms[f"light_{peak:g}"] for peak in self.peaks), terms["curve"])
        decibels = decibels + self.corrected * terms["corrected"]
        yield Turn(optimizer="model", loss=2.0 * decibels + self.stops * terms["stops"], terms=terms)

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Scores of the whole, with the estimated response."""
        return score_reconstruction(batch["sdr"], networks["model"](batch["sdr"]), batch["hdr"])


def _estimated(
    network: Ember, sdr: Float[Tensor, "batch 3 height width"]
) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 2 samples"]]:
    """Stops and curves: of the first half of the batch from whole pictures, of the others from small ones."""
    half = (len(sdr) + 1) // 2
    stops, curves = network.estimate(sdr[:half])
    if half == len(sdr):
        return stops, curves
    reduced = functional.interpolate(sdr[half:], scale_factor=0.5, mode="area")
    few_stops, other_curves = network.estimate(reduced)
    enlarged = functional.interpolate(few_stops, size=sdr.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([stops, enlarged]), torch.cat([curves, other_curves])


def _mean(errors: Float[Tensor, " batch"], told: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Of the pictures of which white is told; 0 without any."""
    return (errors * told).sum() / told.sum().clamp(min=1)


def _curve_error(
    sdr: Float[Tensor, "batch 3 height width"],
    hdr: Float[Tensor, "batch 3 height width"],
    curves: Float[Tensor, "batch 2 samples"],
    clipped: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, " batch"]:
    """Log mean squared errors in PU21 of the pixels that are not clipped."""
    sdr, hdr, clipped = (
        picture[..., ::_CURVE_STEP, ::_CURVE_STEP].contiguous() for picture in (sdr, hdr, clipped)
    )
    error = (shown(joint_lookup(sdr, curves), pu21.HIGHEST) - shown(hdr, pu21.HIGHEST)) * (clipped == 0.0)
    return (error.square().mean((1, 2, 3)) + _LEFT).log10()
