"""Ember on views of HDR scenes, seen by cameras of many kinds."""

from dataclasses import replace

from relume.camera.camera import Camera
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.presets import find
from relume.data.pairs import MixedPairs, Pairs
from relume.data.scenes import Scenes
from relume.training.lost_light import LostLight, Response
from relume.training.optim import AdamW
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Cosine, Warmup
from relume.training.supply import VALIDATION_SEED, Gallery, supply

SIZE = (192, 256)
GALLERY = Gallery(views=4000, size=(240, 320))


def cameras() -> tuple[tuple[Camera, float], ...]:
    """Ours with and without JPEG, and at any exposure; film curves as in SI-HDR; that of SingleHDR."""
    ours = find("relume")
    return (
        (ours, 0.25),
        (replace(ours, compression=None), 0.35),
        (replace(ours, exposure=Stops(minimum=-2.5, maximum=2.0, steps=600, mean=0.5)), 0.15),
        (replace(find("sihdr-clip95"), exposure=ClippedShare(minimum=0.01, maximum=0.15)), 0.15),
        (replace(find("singlehdr"), compression=None), 0.1),
    )


def ember(settings: RecipeSettings) -> Recipe:
    """The network that expands by default: hours on two cores, with a pack of HDR scenes as --data."""
    rate = Warmup(rise=200, then=Cosine(floor=0.005))
    optimizer = AdamW(learning_rate=6e-4, betas=(0.9, 0.98), weight_decay=0.02, schedule=rate, clip=1.0)
    return _recipe("ember", settings, LostLight(), optimizer, steps=20_000, batch=8)


def ember_response(settings: RecipeSettings) -> Recipe:
    """The reading of the response alone, once the rest of Ember is trained (--start): half an hour."""
    rate = Warmup(rise=50, then=Cosine(floor=0.005))
    optimizer = AdamW(
        networks=("model.profiles",),
        learning_rate=1e-3,
        betas=(0.9, 0.98),
        weight_decay=0.2,
        schedule=rate,
        clip=1.0,
    )
    return _recipe("ember_response", settings, Response(), optimizer, steps=1500, batch=32)


def _recipe(
    name: str, settings: RecipeSettings, objective: LostLight, optimizer: AdamW, *, steps: int, batch: int
) -> Recipe:
    scenes = supply(settings.data, gallery=GALLERY)
    stage = Stage(
        name="main",
        steps=settings.steps or steps,
        objective=objective,
        optimizers={"model": optimizer},
        data=_pairs(scenes.training, settings.seed),
        batch=settings.batch or batch,
        average=0.998,
        validate_every=500,
    )
    return Recipe(
        name=name,
        model="ember",
        preset="base",
        stages=(stage,),
        validation=_pairs(scenes.validation, VALIDATION_SEED),
        validation_pairs=64,
        seed=settings.seed,
        start=settings.start,
    )


def _pairs(scenes: Scenes, seed: int) -> MixedPairs:
    parts = [
        (Pairs(scenes=scenes, camera=camera, size=SIZE, seed=seed), share) for camera, share in cameras()
    ]
    return MixedPairs(parts=parts, seed=seed)
