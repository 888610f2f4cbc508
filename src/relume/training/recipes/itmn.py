"""iTMN: a U-Net that learns the light, its edges, and to deceive a discriminator.

The paper trains on 2660 graded HDR pictures of its own, which were not released. Here the light of a scene is
graded so that a share of the pixels is brighter than diffuse white, and coded in PQ.

References:  [itmn2018], sections 2.1, 2.3 and 3.1
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relume.camera.exposure import ClippedShare
from relume.camera.presets import find
from relume.color.encoding import LINEAR_SCENE, PQ_BT2020, REFERENCE_WHITE, SRGB
from relume.image import convert
from relume.models.itmn import HALVINGS, PRESETS, SPEC, Discriminator
from relume.training.cameras import Portion, mixed_pairs, portions
from relume.training.losses.adversarial import discriminator_loss, generator_loss
from relume.training.losses.corrected import corrected_error
from relume.training.losses.distance import l2
from relume.training.losses.gradient import gradient_l2
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.optim import RMSProp
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Schedule, Steps, Warmup
from relume.training.supply import VALIDATION_SEED, Gallery, supply
from relume.training.validation import score_reconstruction

Codes = Float[Tensor, "batch 3 height width"]

_SCENE_LIGHT = replace(LINEAR_SCENE, white=REFERENCE_WHITE)

# Tone mapping, of scenes graded so that 5 % of their pixels are brighter than diffuse white.
CAMERA = replace(find("itmn"), exposure=ClippedShare(minimum=0.05, maximum=0.05))

COMPACT_GALLERY = Gallery(views=800, size=(384, 384))
"""As sharp as panoramas allow: trained on smaller views, the network drew grids onto larger pictures."""

COMPACT_EDGES = 1.0
"""With the paper's 1e5, texture outweighs the level of the picture, which a short training never finds."""

COMPACT_CONTENT, COMPACT_TAME = 2e5, 2e-5
"""An error of 2e-5 is 0.0045 of a code; where it is 4e-4, as it often is, content weighs as in the paper."""

COMPACT_BELS = 20.0
"""Twice what the same error, tamed, weighs before the correction."""

COMPACT_TRAINED = (*(f"model.encoders.{number}" for number in range(1, HALVINGS)), "model.decoders")
"""All but the first convolution: what passes the light on is so steep that a small step there undoes it."""


@dataclass(frozen=True, kw_only=True)
class ItmnObjective(Objective):
    """λ (MSE + α dMSE) + R for the generator, then the discriminator's turn, on PQ codes.

    The discriminator's probability is that of a fake: it raises R = E log(1 − D(H)) + E log D(G(L)), and the
    generator lowers it. Norms are means over pixels; as sums they would drown R.

    The optimizers are called "model" and "discriminator"; without `adversarial` there is only the first.

    References:  [itmn2018], eqs. 1 to 4.
    """

    content: float = 1e4
    """λ"""
    edges: float = 1e5
    """α; 0 is the paper's NoDMSE."""
    adversarial: bool = True
    """Whether R is there; without it, the paper's NoAdvReg."""
    tame: float | None = None
    """Above this error of a picture its logarithm counts, lest the pictures with the brightest lights, which
    nobody can tell, drown those that could be all but right; None: it never does."""
    bels: float = 0.0
    """Weight of the error in Bels after the tone-curve correction: how bright the lights above white of a
    tone-mapped picture are in truth, nobody can tell, and it does not ask."""
    peak: float = 1000.0
    """Luminance in cd/m² of the brightest light of the targets."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """The generator's turn, then the discriminator's."""
        target = self.codes(batch["hdr"])
        prediction = self._predicted(networks, batch)
        terms = {"mse": l2(prediction, target), "dmse": gradient_l2(prediction, target)}
        loss = self.content * self._error(prediction, target, terms)
        if self.bels:
            terms["corrected"] = corrected_error(_light(prediction), batch["hdr"], peak=self.peak).mean()
            loss = loss + self.bels * terms["corrected"]
        if not self.adversarial:
            yield Turn(optimizer="model", loss=loss, terms=terms)
            return
        judged = networks["discriminator"](prediction)
        terms["regularizer"] = generator_loss(judged, probability_of="fake", saturating=True)
        yield Turn(optimizer="model", loss=loss + terms["regularizer"], terms=terms)
        real, fake = networks["discriminator"](target), networks["discriminator"](prediction.detach())
        yield Turn(optimizer="discriminator", loss=discriminator_loss(real, fake, probability_of="fake"))

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Scores of the light that the codes stand for."""
        return score_reconstruction(batch["sdr"], _light(self._predicted(networks, batch)), batch["hdr"])

    def _error(
        self, prediction: Codes, target: Codes, terms: Mapping[str, Float[Tensor, ""]]
    ) -> Float[Tensor, ""]:
        """Of the whole batch, or picture by picture with large errors tamed."""
        if self.tame is None:
            return terms["mse"] + self.edges * terms["dmse"]
        errors = [
            l2(*pair) + self.edges * gradient_l2(*pair)
            for pair in zip(prediction[:, None], target[:, None], strict=True)
        ]
        return self.tame * torch.stack(errors).div(self.tame).log1p().mean()

    def _predicted(self, networks: nn.ModuleDict, batch: Batch) -> Codes:
        codes: Codes = networks["model"](convert(batch["sdr"], SRGB, SPEC.input))
        return codes

    def codes(self, hdr: Float[Tensor, "batch 3 height width"]) -> Codes:
        """Light with 1.0 at diffuse white as PQ codes of BT.2020, cut at the peak."""
        return convert(hdr.clamp(max=self.peak / REFERENCE_WHITE), _SCENE_LIGHT, PQ_BT2020)


def _light(codes: Codes) -> Float[Tensor, "batch 3 height width"]:
    """What the codes stand for, 1.0 = diffuse white."""
    return convert(codes, PQ_BT2020, _SCENE_LIGHT).clamp(min=0.0)


def itmn(settings: RecipeSettings) -> Recipe:
    """A narrower iTMN on crops of 256×256: about four hours of one core."""
    return _compact("itmn", settings, edges=COMPACT_EDGES)


def itmn_nodmse(settings: RecipeSettings) -> Recipe:
    """The narrower iTMN without the loss of edges: the paper's ablation NoDMSE."""
    return _compact("itmn_nodmse", settings, edges=0.0)


def itmn_noadvreg(settings: RecipeSettings) -> Recipe:
    """The narrower iTMN without the discriminator: the paper's ablation NoAdvReg."""
    return _compact("itmn_noadvreg", settings, edges=COMPACT_EDGES, adversarial=False)


def itmn_paper(settings: RecipeSettings) -> Recipe:
    """iTMN as in the paper, 80 000 steps of 6 pictures of 512×512: work for a GPU."""
    return _paper("itmn_paper", settings, ItmnObjective())


def itmn_nodmse_paper(settings: RecipeSettings) -> Recipe:
    """NoDMSE as in the paper."""
    return _paper("itmn_nodmse_paper", settings, ItmnObjective(edges=0.0))


def itmn_noadvreg_paper(settings: RecipeSettings) -> Recipe:
    """NoAdvReg as in the paper."""
    return _paper("itmn_noadvreg_paper", settings, ItmnObjective(adversarial=False))


def _compact(name: str, settings: RecipeSettings, *, edges: float, adversarial: bool = True) -> Recipe:
    steps = settings.steps or 8000
    return _recipe(
        name,
        settings,
        ItmnObjective(
            content=COMPACT_CONTENT,
            edges=edges,
            tame=COMPACT_TAME,
            bels=COMPACT_BELS,
            adversarial=adversarial,
        ),
        preset="compact",
        steps=steps,
        batch=settings.batch or 4,
        cameras=portions(),
        shown=True,
        size=(256, 256),
        trained=COMPACT_TRAINED,
        learning_rate=3e-5,
        schedule=Warmup(rise=50, then=Steps(at=(steps * 3 // 4, steps * 9 // 10))),
        average=0.998,
    )


def _paper(name: str, settings: RecipeSettings, objective: ItmnObjective) -> Recipe:
    steps = settings.steps or 80_000
    return _recipe(
        name,
        settings,
        objective,
        preset="paper",
        steps=steps,
        batch=settings.batch or 6,
        cameras=(Portion(camera=CAMERA, share=1.0),),
        shown=False,
        size=(512, 512),
        trained=("model",),
        learning_rate=1e-4,
        schedule=Steps(at=(steps // 2, steps * 3 // 4)),
        average=None,
    )


def _recipe(
    name: str,
    settings: RecipeSettings,
    objective: ItmnObjective,
    *,
    preset: str,
    steps: int,
    batch: int,
    cameras: Sequence[Portion],
    shown: bool,
    size: tuple[int, int],
    trained: tuple[str, ...],
    learning_rate: float,
    schedule: Schedule,
    average: float | None,
) -> Recipe:
    """RMSProp with steps; the paper does not say where its rate declines.

    Args:
        trained: what the optimizer "model" trains.
        shown: whether the light is that of the picture on a screen. What sees a few pixels around each would
            guess the response from place to place.
    """
    scenes = supply(settings.data, gallery=COMPACT_GALLERY if preset == "compact" else None)
    networks = ("model", "discriminator") if objective.adversarial else ("model",)
    stage = Stage(
        name="main",
        steps=steps,
        objective=objective,
        optimizers={
            network: RMSProp(
                networks=trained if network == "model" else (network,),
                learning_rate=learning_rate,
                schedule=schedule,
                settled=preset == "compact" and network == "model",
            )
            for network in networks
        },
        data=mixed_pairs(scenes.training, cameras, size=size, seed=settings.seed, shown=shown),
        batch=batch,
        average=average,
        validate_every=500,
    )
    return Recipe(
        name=name,
        model="itmn",
        preset=preset,
        companions={"discriminator": partial(Discriminator, PRESETS[preset])}
        if objective.adversarial
        else {},
        stages=(stage,),
        validation=mixed_pairs(scenes.validation, cameras, size=size, seed=VALIDATION_SEED, shown=shown),
        validation_pairs=32,
        seed=settings.seed,
        start=settings.start,
    )
