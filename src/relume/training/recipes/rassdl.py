"""RASSDL: regions of many encoded scenes, each with a target that is made from itself.

References:  [rassdl2022], published code
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from relume.color.transfer import srgb
from relume.data.pairs import sample_generator
from relume.data.scenes import Scenes
from relume.metrics.tmqi import tmqi
from relume.models.rassdl import Rassdl, encode, measure
from relume.models.rassdl_supervision import PATCH, blend_weight, divergence, supervision_loss
from relume.models.vgg16 import Vgg16, vgg16
from relume.operators.tonemap.drago2003 import Drago2003
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.optim import Adam
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Cosine
from relume.training.supply import VALIDATION_SEED, Gallery, supply

VIEW = (256, 256)
"""Size of the scenes over which light is encoded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions(Dataset[dict[str, Tensor]]):
    """Scenes, and regions of their encoded light; sample `index` is a function of (seed, index) alone.

    A sample has `hdr`, linear light, (3, height, width), and `regions`, encoded, 0..1, (count, 1, 64, 64).
    """

    scenes: Scenes
    count: int
    """Regions of one scene."""
    seed: int = 0

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = sample_generator(self.seed, index)
        scene = self.scenes.draw(size=VIEW, generator=generator)
        encoded = encode(scene[None], measure(scene[None]))[0]
        corners = torch.randint(VIEW[0] - PATCH + 1, (self.count, 2), generator=generator).tolist()
        regions = [encoded[:, top : top + PATCH, left : left + PATCH] for top, left in corners]
        return {"hdr": scene, "regions": torch.stack(regions)}


@dataclass(frozen=True, kw_only=True, eq=False)
class SelfSupervision(Objective):
    """Lightness of regions that looks like the regions, the more equalized the more they hold.

    The one optimizer is called "model".
    """

    features: Vgg16

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        regions = batch["regions"].flatten(0, 1)
        network = networks["model"]
        assert isinstance(network, Rassdl)
        loss = supervision_loss(network.lightness(regions), regions, self.features)
        weight = blend_weight(divergence(regions)).mean()
        yield Turn(optimizer="model", loss=loss, terms={"equalized": weight})

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """TMQI of whole scenes, beside that of Drago's operator; pictures of both."""
        hdr = batch["hdr"]
        ours, drago = networks["model"](hdr), srgb.inverse_eotf(Drago2003()(hdr).clamp(0.0, 1.0))
        numbers: dict[str, Tensor] = {}
        for suffix, picture in (("", ours), ("_drago2003", drago)):
            score = tmqi(picture.float(), hdr)
            numbers |= {
                f"tmqi{suffix}": score.q,
                f"fidelity{suffix}": score.s,
                f"naturalness{suffix}": score.n,
            }
        return Scores(numbers=numbers, pictures=torch.cat([ours, drago], dim=-1))


def rassdl(settings: RecipeSettings) -> Recipe:
    """A narrower RASSDL that learns from many scenes: an hour or two on two cores."""
    return _recipe(
        "rassdl",
        settings,
        preset="compact",
        steps=settings.steps or 6000,
        batch=settings.batch or 2,
        regions=4,
        rate=Adam(learning_rate=1e-3, schedule=Cosine(floor=0.01)),
        average=0.999,
    )


def rassdl_paper(settings: RecipeSettings) -> Recipe:
    """RASSDL in the size of the published code, 64 regions a step and 30 epochs, over many scenes."""
    steps = settings.steps or 15_000
    return _recipe(
        "rassdl_paper",
        settings,
        preset="paper",
        steps=steps,
        batch=settings.batch or 4,
        regions=16,
        rate=Adam(learning_rate=1e-4, schedule=Cosine(floor=0.01, every=max(steps // 30, 1))),
        average=None,
    )


def _recipe(
    name: str,
    settings: RecipeSettings,
    *,
    preset: str,
    steps: int,
    batch: int,
    regions: int,
    rate: Adam,
    average: float | None,
) -> Recipe:
    scenes = supply(settings.data, gallery=Gallery() if preset == "compact" else None)
    stage = Stage(
        name="main",
        steps=steps,
        objective=SelfSupervision(features=vgg16(None)),
        optimizers={"model": rate},
        data=Regions(scenes=scenes.training, count=regions, seed=settings.seed),
        batch=batch,
        average=average,
        validate_every=500,
    )
    return Recipe(
        name=name,
        model="rassdl",
        preset=preset,
        stages=(stage,),
        validation=Regions(scenes=scenes.validation, count=1, seed=VALIDATION_SEED),
        seed=settings.seed,
        start=settings.start,
    )
