"""DuHDR: stage after stage, first from pairs (the paper's Algorithm 1), then from SDR alone (Algorithm 2).

The paper gives no steps, rates and batches; those of the `paper` size are from its published code. It trains
on the pictures of SingleHDR's data sets, which clip; C is the truncation process of the paper unless an
ablation says otherwise.

References:  [duhdr2023], sections 3.5, 4.3 and 4.4
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from relume.camera.presets import find
from relume.camera.truncation import Clip
from relume.data.pairs import Pairs
from relume.models.vgg16 import vgg16
from relume.training.cameras import Portion, mixed_pairs, portions
from relume.training.dual_learning import (
    ITERATIONS,
    Curves,
    Dequantization,
    DualCurves,
    InverseTruncation,
    Overall,
    UnpairedOverall,
    UnpairedPath,
)
from relume.training.errors import TrainingError
from relume.training.losses.perceptual import Perceptual
from relume.training.objective import Objective
from relume.training.optim import Adam
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Constant, Cosine, Schedule
from relume.training.supply import VALIDATION_SEED, Gallery, supply

UNPAIRED_SEED = 1 << 33
"""Added to the seed of the pictures whose light nobody looks at."""

_CURVES = ("model.innet", "model.imaging.nnet")
_DNET = ("model.dnet",)
_INNET = ("model.innet",)
_ITNET = ("model.itnet",)
_OONET = ("model.oonet",)
_PATH = ("model.dnet", "model.innet", "model.itnet", "model.oonet")

_BEFORE_OONET = ("dnet", "innet", "itnet", "imaging")

_FURTHER = 900
"""Steps of the whole of a network that has been through all stages."""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What one recipe does differently from another."""

    preset: str
    cameras: Sequence[Portion]
    clean: bool
    """Whether Dnet's target is what the camera made before noise, not what the curve makes of the light."""
    size: tuple[int, int]
    batch: int
    steps: Mapping[str, int]
    """By stage; those that are missing are left out."""
    rates: Mapping[str, float]
    """Learning rates by stage."""
    schedule: Schedule
    clip: float | None
    perceptual: Perceptual
    squared: bool
    """Whether curves and the whole are judged by the squared error of light."""
    curve: float
    """Weight of the errors of the curves themselves."""
    corrected: float = 0.0
    """Weight of what is left after the tone-curve correction, for OOnet and the whole."""
    nnet: bool = True
    dnet: bool = True
    """Whether Nnet, and Dnet's loss, take part in the training of the curves (Table 3)."""
    path: tuple[str, ...] = _PATH
    """What "whole" trains."""
    continued: Mapping[str, int] | None = None
    """The steps by stage with weights to start from; None: all stages."""
    begun: tuple[str, ...] | None = None
    """The networks that begin with such weights; None: all."""
    average: float | None = None
    """Decay of the moving average of the weights."""
    gallery: Gallery | None = None
    validate_every: int = 1000


def duhdr_paper(settings: RecipeSettings) -> Recipe:
    """DuHDR as in the paper, 1.48 million steps of 8 crops of 256×256: days on a GPU."""
    return _recipe("duhdr_paper", settings, _paper())


def duhdr(settings: RecipeSettings) -> Recipe:
    """A narrower DuHDR on crops of 128×128: four to five hours of one core. --start: the whole goes on."""
    plan = _compact()
    if settings.start:
        plan = replace(plan, continued={"whole": _FURTHER}, rates={"whole": 3e-4}, average=0.998)
    return _recipe("duhdr", settings, plan)


def duhdr_innet(settings: RecipeSettings) -> Recipe:
    """Table 3, first row: INnet alone, C clips, no OOnet."""
    plan = replace(_without_oonet(), preset="compact_itnet_clip", nnet=False, dnet=False)
    return _recipe("duhdr_innet", settings, plan)


def duhdr_innet_nnet(settings: RecipeSettings) -> Recipe:
    """Table 3, second row: INnet and Nnet, C clips, no OOnet."""
    plan = replace(_without_oonet(), preset="compact_itnet_clip", dnet=False)
    return _recipe("duhdr_innet_nnet", settings, plan)


def duhdr_innet_nnet_dnet(settings: RecipeSettings) -> Recipe:
    """Table 3, third row: INnet, Nnet and Dnet, C clips, no OOnet."""
    plan = replace(_without_oonet(), preset="compact_itnet_clip")
    return _recipe("duhdr_innet_nnet_dnet", settings, plan)


def duhdr_itnet(settings: RecipeSettings) -> Recipe:
    """Table 3, last row, and Table 4, first row: all but OOnet. --start: of any DuHDR, ITnet goes on."""
    plan = _without_oonet()
    plan = replace(plan, continued=_of(plan.steps, "itnet", "itnet_dual"), begun=_BEFORE_OONET)
    return _recipe("duhdr_itnet", settings, plan)


def duhdr_unet(settings: RecipeSettings) -> Recipe:
    """Table 4, second row: OOnet is a plain U-Net. --start: of any DuHDR, OOnet is new."""
    return _recipe("duhdr_unet", settings, replace(_with_new_oonet(), preset="compact_unet"))


def duhdr_rfb(settings: RecipeSettings) -> Recipe:
    """Table 4, third row: OOnet has receptive field blocks, and no attention. --start: as duhdr_unet."""
    return _recipe("duhdr_rfb", settings, replace(_with_new_oonet(), preset="compact_rfb"))


def duhdr_paired(settings: RecipeSettings) -> Recipe:
    """Table 4, last row: all of DuHDR, without the pictures that have no light. --start: as duhdr_unet."""
    return _recipe("duhdr_paired", settings, _with_new_oonet())


def _paper() -> _Plan:
    return _Plan(
        preset="paper",
        cameras=(Portion(camera=replace(find("duhdr"), truncation=Clip()), share=1.0),),
        clean=False,
        size=(256, 256),
        batch=8,
        steps={
            "dnet": 500_000,
            "dnet_dual": 100_000,
            "curves": 100_000,
            "curves_dual": 100_000,
            "itnet": 500_000,
            "itnet_dual": 100_000,
            "oonet": 10_000,
            "whole": 10_000,
            "unpaired": 50_000,
            "unpaired_oonet": 10_000,
        },
        rates={
            "dnet": 1e-4,
            "dnet_dual": 1e-4,
            "curves": 1e-4,
            "curves_dual": 1e-5,
            "itnet": 1e-4,
            "itnet_dual": 1e-5,
            "oonet": 1e-5,
            "whole": 1e-5,
            "unpaired": 1e-5,
            "unpaired_oonet": 1e-5,
        },
        schedule=Constant(),
        clip=None,
        perceptual=_perceptual("relu1_2", "relu2_2", "relu3_3"),
        squared=True,
        curve=0.0,
    )


def _compact() -> _Plan:
    return _Plan(
        preset="compact",
        cameras=portions(),
        clean=True,
        size=(128, 128),
        batch=8,
        steps={
            "dnet": 1500,
            "dnet_dual": 300,
            "curves": 2500,
            "curves_dual": 600,
            "itnet": 1700,
            "itnet_dual": 150,
            "oonet": 300,
            "whole": 900,
            "unpaired": 150,
            "unpaired_oonet": 150,
        },
        rates={
            "dnet": 1e-3,
            "dnet_dual": 3e-4,
            "curves": 1e-3,
            "curves_dual": 3e-4,
            "itnet": 1e-3,
            "itnet_dual": 3e-4,
            "oonet": 1e-3,
            "whole": 5e-4,
            "unpaired": 1e-5,
            "unpaired_oonet": 1e-5,
        },
        schedule=Cosine(floor=0.05),
        clip=1.0,
        perceptual=_perceptual("relu1_2", "relu2_2"),
        squared=False,
        curve=1.0,
        corrected=0.5,
        path=(*_DNET, *_ITNET, *_OONET),
        gallery=Gallery(views=2000),
        validate_every=500,
    )


def _paired() -> _Plan:
    plan = _compact()
    return replace(plan, steps=_only(plan.steps, {"unpaired", "unpaired_oonet"}))


def _with_new_oonet() -> _Plan:
    plan = _paired()
    return replace(plan, continued=_of(plan.steps, "oonet", "whole"), begun=_BEFORE_OONET)


def _without_oonet() -> _Plan:
    plan = _paired()
    return replace(plan, preset="compact_itnet", steps=_only(plan.steps, {"oonet", "whole"}))


def _only(steps: Mapping[str, int], dropped: set[str]) -> dict[str, int]:
    return {name: count for name, count in steps.items() if name not in dropped}


def _of(steps: Mapping[str, int], *stages: str) -> dict[str, int]:
    return {name: steps[name] for name in stages}


def _perceptual(*layers: str) -> Perceptual:
    """Compared by features of random filters: relume has no weights of VGG16 to give."""
    weights: Path | None = None
    return Perceptual(features=vgg16(weights), layers=dict.fromkeys(layers, 1.0))


def _recipe(name: str, settings: RecipeSettings, plan: _Plan) -> Recipe:
    scenes = supply(settings.data, gallery=plan.gallery)
    pairs = mixed_pairs(scenes.training, plan.cameras, size=plan.size, seed=settings.seed, clean=plan.clean)
    unpaired = Pairs(
        scenes=scenes.training, camera=find("hdrcnn"), size=plan.size, seed=settings.seed + UNPAIRED_SEED
    )
    objectives = _objectives(plan)
    continued = plan.continued if settings.start else None
    planned = continued or plan.steps
    stages = tuple(
        Stage(
            name=stage,
            steps=steps,
            objective=objectives[stage],
            optimizers={
                optimizer: Adam(
                    networks=networks,
                    learning_rate=plan.rates[stage],
                    schedule=plan.schedule,
                    clip=plan.clip,
                    settled=continued is not None and plan.begun is None,
                )
                for optimizer, networks in _trained(plan, stage).items()
            },
            data=unpaired if stage.startswith("unpaired") else pairs,
            batch=settings.batch or plan.batch,
            average=plan.average,
            keep_best="pu_psnr" if stage.startswith("unpaired") else None,
            validate_every=max(steps // 5, 1) if stage.startswith("unpaired") else plan.validate_every,
        )
        for stage, steps in _shared_out(planned, settings.steps).items()
    )
    return Recipe(
        name=name,
        model="duhdr",
        preset=plan.preset,
        stages=stages,
        validation=mixed_pairs(
            scenes.validation, plan.cameras, size=plan.size, seed=VALIDATION_SEED, clean=plan.clean
        ),
        validation_pairs=32,
        seed=settings.seed,
        start=settings.start,
        begun=plan.begun if continued else None,
    )


def _objectives(plan: _Plan) -> dict[str, Objective]:
    """By stage, with the weights of section 4.3."""
    return {
        "dnet": Dequantization(),
        "dnet_dual": Dequantization(dual=10.0),
        "curves": Curves(response=plan.nnet, curve=plan.curve, squared=plan.squared),
        "curves_dual": DualCurves(
            response=0.01 if plan.nnet else 0.0,
            dequantization=0.005 if plan.dnet else 0.0,
            curve=plan.curve,
            squared=plan.squared,
        ),
        "itnet": InverseTruncation(perceptual=plan.perceptual),
        "itnet_dual": InverseTruncation(perceptual=plan.perceptual, normal=10.0, iterations=ITERATIONS),
        "oonet": Overall(squared=plan.squared, corrected=plan.corrected),
        "whole": Overall(squared=plan.squared, corrected=plan.corrected),
        "unpaired": UnpairedPath(),
        "unpaired_oonet": UnpairedOverall(),
    }


def _trained(plan: _Plan, stage: str) -> dict[str, tuple[str, ...]]:
    """What each optimizer of a stage trains."""
    curves = _CURVES if plan.nnet else _INNET
    several = {"unpaired": {"dnet": _DNET, "curves": _CURVES, "itnet": _ITNET}}
    one = {
        "dnet": _DNET,
        "dnet_dual": _DNET,
        "curves": curves,
        "curves_dual": (*curves, *(_DNET if plan.dnet else ())),
        "itnet": _ITNET,
        "itnet_dual": _ITNET,
        "oonet": _OONET,
        "whole": plan.path,
        "unpaired_oonet": _OONET,
    }
    return several[stage] if stage in several else {"model": one[stage]}


def _shared_out(planned: Mapping[str, int], steps: int | None) -> dict[str, int]:
    """So many steps over the stages in the planned proportions, the first stages first where they are few."""
    if steps is None:
        return dict(planned)
    if steps < 1:
        raise TrainingError(f"--steps is {steps}; expected at least 1.")
    total, done = sum(planned.values()), 0
    shared: dict[str, int] = {}
    for name, count in planned.items():
        done += count
        share = max(round(steps * done / total) - sum(shared.values()), 1)
        share = min(share, steps - sum(shared.values()))
        if share > 0:
            shared[name] = share
    return shared
