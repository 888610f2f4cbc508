"""What the stages of DuHDR minimise: each network alone, then with its dual, then all, then without light.

A batch has `sdr` (encoded, 0..1), `hdr` (linear, 1.0 = the level that clips), `response` (the curve of the
camera) and, where the light went through more than that curve, `clean` (`sdr` without noise, rounding and
compression); objectives for unpaired pictures look at `sdr` alone. Optimizers are called "model", but for
`UnpairedPath`. The norms of the paper are means over pixels here.

References:  [duhdr2023]
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relume.camera.quantization import Quantization
from relume.models.duhdr.imaging import Imaging
from relume.models.duhdr.inverse_truncation import ITnet, clipping_mask
from relume.models.duhdr.network import DuHDR
from relume.models.duhdr.response_curve import CurveNet
from relume.response.curve import inverse_curve, lookup, monotone
from relume.training.losses.corrected import corrected_error
from relume.training.losses.distance import l1, l2
from relume.training.losses.encoding import compressed, logarithm
from relume.training.losses.perceptual import Perceptual
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.validation import score_reconstruction

ITERATIONS = 3
"""Passes of ITnet in joint training."""

# Codes at and beyond which a pixel tells nothing; a picture of which more than half does is left out.
_BLACK, _WHITE = 6.0 / 255.0, 249.0 / 255.0
_MOST = 0.5
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What the networks have to find between the light and the picture of it."""

    truncated: Float[Tensor, "batch 3 height width"]
    """C(H)."""
    nonlinear: Float[Tensor, "batch 3 height width"]
    """The picture before noise and quantization: `clean`, or the truncated light through the response."""
    usable: Float[Tensor, "batch 1 1 1"]
    """1 for pictures that count, 0 for those that do not."""


@torch.no_grad()
def targets(imaging: Imaging, batch: Batch) -> Targets:
    """The targets of a batch of pairs."""
    truncated = imaging.truncated(batch["hdr"])
    return Targets(
        truncated=truncated,
        nonlinear=batch["clean"] if "clean" in batch else lookup(truncated, batch["response"]),
        usable=usable(batch["sdr"]),
    )


def usable(sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 1 1"]:
    """1 for pictures of which at most half is almost white and at most half almost black, else 0.

    References:  the published code of [liu2020] and [duhdr2023].
    """
    gray = (sdr * sdr.new_tensor(_LUMA).view(3, 1, 1)).sum(1)
    shares = torch.stack([(gray >= _WHITE).float(), (gray <= _BLACK).float()]).mean((-2, -1))
    return (shares <= _MOST).all(0).float()[:, None, None, None]


def quantized(encoded: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """Q: 8 bits, with a gradient, eq. 3."""
    return Quantization().apply(encoded)


def iterated(
    itnet: ITnet,
    imaging: Imaging,
    truncated: Float[Tensor, "batch 3 height width"],
    *,
    iterations: int,
) -> Float[Tensor, "batch 3 height width"]:
    """The light after passes of ITnet, each of which sees the last one's truncated, eqs. 18 and 19."""
    light: Tensor = itnet(truncated)
    for _ in range(iterations - 1):
        light = itnet.refined(truncated, imaging.truncated(light))
    return light


def dequantization_loss(
    restored: Float[Tensor, "batch 3 height width"],
    found: Targets,
    sdr: Float[Tensor, "batch 3 height width"],
    *,
    dual: float,
    terms: dict[str, Tensor],
) -> Float[Tensor, ""]:
    """Eq. 5, which is eq. 4 where the weight of the dual term is 0.

    Args:
        restored: what Dnet makes of the picture.
        terms: receives the parts.
    """
    terms["restored"] = l2(restored, found.nonlinear, weight=found.usable)
    if dual == 0.0:
        return terms["restored"]
    terms["requantized"] = l2(quantized(restored), sdr, weight=found.usable)
    return terms["restored"] + dual * terms["requantized"]


class DualLearning(Objective):
    """The validation that the stages of DuHDR have in common."""

    @abstractmethod
    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """See `Objective`."""

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Scores of the whole path, and root mean square errors on the way.

        `restored` of Dnet's result, `truncated` of INnet's, `curve` of INnet's curve, and `cycle` of the
        picture that the secondary path takes of the result.
        """
        model = _duhdr(networks)
        sdr, found = batch["sdr"], targets(model.imaging, batch)
        nonlinear = model.dnet(sdr)
        curve = model.innet.curve(nonlinear)
        light = model(sdr)
        scores = score_reconstruction(sdr, light, batch["hdr"])
        pairs = {
            "restored": (nonlinear, found.nonlinear),
            "truncated": (lookup(nonlinear, curve), found.truncated),
            "curve": (curve, inverse_curve(batch["response"])),
            "cycle": (quantized(model.imaging.picture(light)), sdr),
        }
        errors = {name: _rms(prediction, target) for name, (prediction, target) in pairs.items()}
        return Scores(numbers=scores.numbers | errors, pictures=scores.pictures)


@dataclass(frozen=True, kw_only=True)
class Dequantization(DualLearning):
    """Dnet from pairs: individually (eq. 4) with a dual weight of 0, jointly (eq. 5) above."""

    dual: float = 0.0
    """λ_dn,dual; 10 in the paper."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        model = _duhdr(networks)
        terms: dict[str, Tensor] = {}
        found = targets(model.imaging, batch)
        restored = model.dnet(batch["sdr"])
        loss = dequantization_loss(restored, found, batch["sdr"], dual=self.dual, terms=terms)
        yield Turn(optimizer="model", loss=loss, terms=terms)


@dataclass(frozen=True, kw_only=True)
class Curves(DualLearning):
    """INnet (eq. 12) and Nnet (eq. 11), each by itself from true inputs."""

    response: bool = True
    """Whether Nnet is trained too."""
    curve: float = 0.0
    """Weight of the errors of the curves themselves; [liu2020] has one of INnet's (0.1), the paper has none.
    They are those of the curves before their repair: through it, coefficients that have run away never come
    back."""
    squared: bool = True
    """The squared error of INnet's light, as in the paper; else the error of its logarithm: in light itself
    shadows hardly count, and the curve may be anything there; squared, the darkest pictures outweigh all."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        model = _duhdr(networks)
        found = targets(model.imaging, batch)
        linearized, error = _through_curve(model.innet, found.nonlinear, inverse_curve(batch["response"]))
        terms = {"linearized": _light_error(linearized, found, squared=self.squared), "curve": error}
        loss = terms["linearized"] + self.curve * error
        if self.response:
            encoded, terms["response"] = _through_curve(
                model.imaging.nnet, found.truncated, batch["response"]
            )
            terms["encoded"] = l2(encoded, found.nonlinear, weight=found.usable)
            loss = loss + terms["encoded"] + self.curve * terms["response"]
        yield Turn(optimizer="model", loss=loss, terms=terms)


@dataclass(frozen=True, kw_only=True)
class DualCurves(DualLearning):
    """INnet and Nnet jointly, from what Dnet finds (eq. 13)."""

    response: float = 0.01
    """λ_dnm,dual, of Nnet's loss; 0: without Nnet."""
    dequantization: float = 0.005
    """λ_dnm,dn, of Dnet's loss; 0: without it."""
    requantized: float = 10.0
    """λ_dn,dual, within Dnet's loss."""
    curve: float = 0.0
    """As in `Curves`."""
    squared: bool = True
    """As in `Curves`."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        model, sdr = _duhdr(networks), batch["sdr"]
        found = targets(model.imaging, batch)
        restored = model.dnet(sdr)
        linearized, error = _through_curve(model.innet, restored, inverse_curve(batch["response"]))
        terms = {"linearized": _light_error(linearized, found, squared=self.squared), "curve": error}
        loss = terms["linearized"] + self.curve * error
        if self.response:
            encoded, terms["response"] = _through_curve(model.imaging.nnet, linearized, batch["response"])
            terms["encoded"] = l2(encoded, found.nonlinear, weight=found.usable)
            loss = loss + self.response * terms["encoded"] + self.curve * terms["response"]
        if self.dequantization:
            loss = loss + self.dequantization * dequantization_loss(
                restored, found, sdr, dual=self.requantized, terms=terms
            )
        yield Turn(optimizer="model", loss=loss, terms=terms)


@dataclass(frozen=True, kw_only=True)
class InverseTruncation(DualLearning):
    """ITnet from truncated light: individually (eq. 16), or jointly (eq. 17) in several passes."""

    perceptual: Perceptual | None = None
    """Features to compare under the mask, of compressed light; None: none."""
    perceptual_weight: float = 0.001
    """λ_prec"""
    normal: float = 0.0
    """λ_itn,dual, of the loss where nothing is truncated; 10 in the paper's joint training."""
    iterations: int = 1
    """Passes, of which the last one's result is judged; 3 in the paper's joint training."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        model, hdr = _duhdr(networks), batch["hdr"]
        found = targets(model.imaging, batch)
        light = iterated(
            model.itnet,
            model.imaging,
            found.truncated,
            iterations=self.iterations,
        )
        mask = clipping_mask(found.truncated, threshold=model.itnet.threshold)
        terms = {"log": l2(logarithm(light), logarithm(hdr), weight=found.usable)}
        loss = terms["log"]
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(
                compressed(light), compressed(hdr), mask=mask * found.usable
            )
            loss = loss + self.perceptual_weight * terms["perceptual"]
        if self.normal:
            terms["normal"] = normal_area_loss(
                model.imaging.truncated(light), hdr, mask=mask, weight=found.usable
            )
            loss = loss + self.normal * terms["normal"]
        yield Turn(optimizer="model", loss=loss, terms=terms)


def normal_area_loss(
    truncated: Float[Tensor, "batch 3 height width"],
    hdr: Float[Tensor, "batch 3 height width"],
    *,
    mask: Float[Tensor, "batch 1 height width"],
    weight: Float[Tensor, "batch 1 1 1"],
) -> Float[Tensor, ""]:
    """‖(C(Ĥ) - min(1, H))·(1 - mask)‖²: where nothing was truncated, nothing shall change.

    References:  [duhdr2023], section 3.3.
    """
    return l2(truncated, hdr.clamp(max=1.0), weight=(1.0 - mask).square() * weight)


@dataclass(frozen=True, kw_only=True)
class Overall(DualLearning):
    """OOnet, or the whole path, against the light (eq. 24)."""

    squared: bool = True
    """The squared error of light, as in the paper; else the error of its logarithm, as for `Curves`, where
    the published code has that of compressed light."""
    corrected: float = 0.0
    """Weight of the error in Bels after the tone-curve correction: a curve that is off is for INnet,
    and a picture in which little is lost is as important as others."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        light, hdr, weight = _duhdr(networks)(batch["sdr"]), batch["hdr"], usable(batch["sdr"])
        if self.squared:
            terms = {"light": l2(light, hdr, weight=weight)}
        else:
            terms = {"light": l1(logarithm(light), logarithm(hdr), weight=weight)}
        loss = terms["light"]
        if self.corrected:
            terms["corrected"] = (corrected_error(light, hdr) * weight.flatten()).mean()
            loss = loss + self.corrected * terms["corrected"]
        yield Turn(optimizer="model", loss=loss, terms=terms)


@dataclass(frozen=True, kw_only=True)
class UnpairedPath(DualLearning):
    """Dnet (eq. 6), then INnet and Nnet (eq. 14), then ITnet (eq. 20), each against its own dual.

    Doing nothing is a minimum of each of these losses: train briefly, and keep what scores best on pairs. The
    optimizers are called "dnet", "curves" and "itnet".
    """

    iterations: int = ITERATIONS

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """Three turns, each from what the networks before it find by then."""
        model, sdr = _duhdr(networks), batch["sdr"]
        weight = usable(sdr)
        yield Turn(optimizer="dnet", loss=l2(quantized(model.dnet(sdr)), sdr, weight=weight))

        with torch.no_grad():
            nonlinear = model.dnet(sdr)
        again = model.imaging.nnet(model.innet(nonlinear))
        yield Turn(optimizer="curves", loss=l2(again, nonlinear, weight=weight))

        with torch.no_grad():
            truncated = model.innet(nonlinear)
        light = iterated(
            model.itnet,
            model.imaging,
            truncated,
            iterations=self.iterations,
        )
        loss = l2(model.imaging.truncated(light), truncated, weight=weight)
        yield Turn(optimizer="itnet", loss=loss)


@dataclass(frozen=True, kw_only=True)
class UnpairedOverall(DualLearning):
    """OOnet against the picture itself, through the secondary path (eq. 25)."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        model, sdr = _duhdr(networks), batch["sdr"]
        again = quantized(model.imaging.picture(model(sdr)))
        yield Turn(optimizer="model", loss=l2(again, sdr, weight=usable(sdr)))


def _duhdr(networks: nn.ModuleDict) -> DuHDR:
    model = networks["model"]
    assert isinstance(model, DuHDR)
    return model


def _light_error(light: Tensor, found: Targets, *, squared: bool) -> Float[Tensor, ""]:
    """Of light before ITnet, or of its logarithm."""
    if squared:
        return l2(light, found.truncated, weight=found.usable)
    return l1(logarithm(light), logarithm(found.truncated), weight=found.usable)


def _through_curve(
    network: CurveNet, image: Float[Tensor, "batch 3 height width"], true: Float[Tensor, "batch samples"]
) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, ""]]:
    """The picture through the curve that is found for it, and the error of that curve before its repair."""
    estimate = network.estimate(image)
    return lookup(image, monotone(estimate)), (estimate - true).square().mean()


def _rms(prediction: Tensor, target: Tensor) -> Float[Tensor, " batch"]:
    return (prediction - target).square().flatten(1).mean(1).sqrt()
