"""SParam-Net, then SParam-Net and ConvLSTM-Net together.

The paper trains on real pairs of HDR-Real, LDR-HDR-pair and HDR-Eye with the mean of each HDR picture at 0.5.
Here cameras take the SDR pictures. The numbers of the paper's table for α and β are lost, but not that
α > β is better.

References:  [oh2022], sections 2.4 and 3.1
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relume.camera.presets import find
from relume.color.encoding import REFERENCE_WHITE
from relume.metrics.tone_curve import correct_tone_curve
from relume.models.sparam_convlstm import SparamConvLstm
from relume.training.cameras import Portion, mixed_pairs, portions
from relume.training.losses.corrected import corrected_error
from relume.training.losses.distance import l1
from relume.training.losses.encoding import compressed
from relume.training.losses.ssim import ssim_loss
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.optim import Adam, Optimizer
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Cosine, Warmup
from relume.training.supply import VALIDATION_SEED, Gallery, supply
from relume.training.validation import score_reconstruction

Picture = Float[Tensor, "batch 3 height width"]

MEAN = 0.5
"""Of all values of a target, where targets are normalised."""
_BLACK = 1e-6

EPOCH = 10_236 // 4
"""Steps of the paper: its LDR pictures in batches of 4."""

COMPACT_CORRECTED = 0.8
"""The rest keeps the level that SParam-Net found."""

COMPACT_BELS = 0.2
"""Three quarters of the loss, then, come from them."""


@dataclass(frozen=True, kw_only=True)
class CurveAndRegions(Objective):
    """α · loss of the HDR picture + β · loss of the pseudo-HDR picture.

    Each is 0.83 (1 − SSIM) + 0.17 L1; which of the two the paper's 0.83 belongs to is inferred from the
    work that it follows [zhao2017]. With α = 0 the curve alone is trained and scored.

    References:  [oh2022], eqs. 7 and 8.
    """

    alpha: float
    beta: float
    structure: float = 0.83
    """Of the two parts' weights, that of 1 − SSIM."""
    normalised: bool = True
    """Whether each target is brought to a mean of 0.5, as in the paper; else 1.0 is what clips."""
    logarithmic: bool = False
    """Whether the loss compares logarithms of light, so that a sun does not outweigh the picture."""
    corrected: float = 0.0
    """Of the HDR picture's loss, the share after the tone-curve correction. The curve is SParam-Net's to
    find: what sees a few pixels around each would guess it from place to place."""
    bels: float = 0.0
    """Weight, within each loss, of the error in Bels after that correction: so a picture that tells all of
    its light counts as much as one that has lost most."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn; its optimizer is called "model"."""
        pseudo, hdr = self._pictures(networks, batch["sdr"])
        target = batch["hdr"] / self._unit(batch["hdr"])
        terms = {"curve": self._loss(pseudo, target) + self._bels(pseudo, target)}
        loss = self.beta * terms["curve"]
        if hdr is not None:
            terms["regions"] = self._regions_loss(hdr, target) + self._bels(hdr, target)
            loss = loss + self.alpha * terms["regions"]
        yield Turn(optimizer="model", loss=loss, terms=terms)

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Scores of the last picture that is trained, in units of the level that clips."""
        pseudo, hdr = self._pictures(networks, batch["sdr"])
        prediction = (pseudo if hdr is None else hdr) * self._unit(batch["hdr"])
        return score_reconstruction(batch["sdr"], prediction, batch["hdr"])

    def _pictures(self, networks: nn.ModuleDict, sdr: Picture) -> tuple[Picture, Picture | None]:
        network = networks["model"]
        assert isinstance(network, SparamConvLstm)
        statistics = network.measure(sdr)
        pseudo = network.pseudo_hdr(sdr, statistics)
        return pseudo, network.reconstruct(sdr, pseudo, statistics) if self.alpha > 0 else None

    def _unit(self, hdr: Picture) -> Float[Tensor, "batch 1 1 1"]:
        """What the targets count in: twice the mean, or the level that clips."""
        mean = hdr.mean((1, 2, 3), keepdim=True)
        return (mean + _BLACK) / MEAN if self.normalised else mean.new_ones(mean.shape)

    def _regions_loss(self, prediction: Picture, target: Picture) -> Float[Tensor, ""]:
        loss = self._loss(prediction, target)
        if self.corrected == 0.0:
            return loss
        nits = prediction * REFERENCE_WHITE, target * REFERENCE_WHITE
        after = self._loss(correct_tone_curve(*nits) / REFERENCE_WHITE, target)
        return torch.lerp(loss, after, self.corrected)

    def _bels(self, prediction: Picture, target: Picture) -> Float[Tensor, ""]:
        if self.bels == 0.0:
            return prediction.new_zeros(())
        return self.bels * corrected_error(prediction, target).mean()

    def _loss(self, prediction: Picture, target: Picture) -> Float[Tensor, ""]:
        if self.logarithmic:
            prediction, target = compressed(prediction), compressed(target)
        difference, dissimilarity = l1(prediction, target), ssim_loss(prediction, target)
        return self.structure * dissimilarity + (1.0 - self.structure) * difference


def sparam_convlstm(settings: RecipeSettings) -> Recipe:
    """Narrower SParam-Net and ConvLSTM-Net, α = 0.7, N = 5: one to two hours on two cores."""
    return _compact("sparam_convlstm", settings)


def sparam_convlstm_alpha50(settings: RecipeSettings) -> Recipe:
    """The narrower networks with α = β = 0.5."""
    return _compact("sparam_convlstm_alpha50", settings, alpha=0.5)


def sparam_convlstm_alpha30(settings: RecipeSettings) -> Recipe:
    """The narrower networks with α = 0.3, β = 0.7."""
    return _compact("sparam_convlstm_alpha30", settings, alpha=0.3)


def in_bands(bands: int) -> Callable[[RecipeSettings], Recipe]:
    """The recipe with another number of bands than 5."""

    def recipe(settings: RecipeSettings) -> Recipe:
        return _compact(f"sparam_convlstm_n{bands}", settings, preset=f"compact_n{bands}")

    recipe.__doc__ = f"The narrower networks with {bands} bands of brightness."
    return recipe


def sparam_convlstm_paper(settings: RecipeSettings) -> Recipe:
    """Both networks in the paper's size, 50 epochs of 256×256 for each stage: work for a GPU."""
    steps = settings.steps or 100 * EPOCH
    return _recipe(
        "sparam_convlstm_paper",
        settings,
        preset="paper",
        cameras=(Portion(camera=find("singlehdr"), share=1.0),),
        size=(256, 256),
        batch=settings.batch or 4,
        lengths=(max(steps // 2, 1), steps - max(steps // 2, 1)),
        objectives=(CurveAndRegions(alpha=0.0, beta=1.0), CurveAndRegions(alpha=0.7, beta=0.3)),
        optimizers=(
            Adam(networks=("model.sparam",), learning_rate=7e-5),
            Adam(learning_rate=7e-5),
        ),
        average=None,
    )


def _compact(name: str, settings: RecipeSettings, *, preset: str = "compact", alpha: float = 0.7) -> Recipe:
    steps = settings.steps or 6000
    curve = max(steps // 6, 1)

    def objective(alpha: float, beta: float) -> CurveAndRegions:
        return CurveAndRegions(
            alpha=alpha,
            beta=beta,
            normalised=False,
            logarithmic=True,
            corrected=COMPACT_CORRECTED,
            bels=COMPACT_BELS,
        )

    rate = Warmup(rise=50, then=Cosine(floor=0.01))
    return _recipe(
        name,
        settings,
        preset=preset,
        cameras=portions(),
        size=(128, 128),
        batch=settings.batch or 4,
        lengths=(curve, steps - curve),
        objectives=(objective(0.0, 1.0), objective(alpha, 1.0 - alpha)),
        optimizers=(
            Adam(networks=("model.sparam",), learning_rate=5e-4, schedule=rate, clip=1.0),
            Adam(learning_rate=5e-4, schedule=rate, clip=1.0),
        ),
        average=0.999,
    )


def _recipe(
    name: str,
    settings: RecipeSettings,
    *,
    preset: str,
    cameras: Sequence[Portion],
    size: tuple[int, int],
    batch: int,
    lengths: tuple[int, int],
    objectives: tuple[CurveAndRegions, CurveAndRegions],
    optimizers: tuple[Optimizer, Optimizer],
    average: float | None,
) -> Recipe:
    scenes = supply(settings.data, gallery=Gallery() if preset != "paper" else None)
    data = mixed_pairs(scenes.training, cameras, size=size, seed=settings.seed)
    stages = tuple(
        Stage(
            name=stage,
            steps=length,
            objective=objective,
            optimizers={"model": optimizer},
            data=data,
            batch=batch,
            average=average,
            validate_every=500,
        )
        for stage, length, objective, optimizer in zip(
            ("curve", "joint"), lengths, objectives, optimizers, strict=True
        )
    )
    return Recipe(
        name=name,
        model="sparam_convlstm",
        preset=preset,
        stages=stages,
        validation=mixed_pairs(scenes.validation, cameras, size=size, seed=VALIDATION_SEED),
        seed=settings.seed,
        start=settings.start,
    )
