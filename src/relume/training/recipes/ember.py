"""Ember on views of HDR scenes, seen by cameras of many kinds."""

from dataclasses import replace

from relume.camera.camera import Camera
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.presets import find
from relume.data.pairs import MixedPairs, Pairs
from relume.data.scenes import Scenes
from relume.training.lost_light import LostLight
from relume.training.optim import AdamW
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Cosine, Warmup
from relume.training.supply import VALIDATION_SEED, Gallery, supply

# Views of a panorama of 1024 pixels that are 50 to 95° wide have detail for 150 to 360 pixels: larger ones
# are soft, as no photograph is.
SIZE = (144, 192)
GALLERY = Gallery(views=6000, size=(168, 224))


def cameras() -> tuple[tuple[Camera, float], ...]:
    """Ours with and without JPEG, and at any exposure; as in SI-HDR, SingleHDR and HDRCNN."""
    ours = find("relume")
    return (
        (ours, 0.3),
        (replace(ours, compression=None), 0.25),
        (replace(ours, exposure=Stops(minimum=-2.5, maximum=2.0, steps=600, mean=0.5)), 0.1),
        (replace(find("sihdr-clip95"), exposure=ClippedShare(minimum=0.01, maximum=0.15)), 0.15),
        (find("singlehdr"), 0.1),
        (find("hdrcnn"), 0.1),
    )


def ember(settings: RecipeSettings) -> Recipe:
    """The network that expands by default: hours on two cores, with a pack of HDR scenes as --data."""
    scenes = supply(settings.data, gallery=GALLERY)
    stage = Stage(
        name="main",
        steps=settings.steps or 20_000,
        objective=LostLight(),
        optimizers={
            "model": AdamW(
                learning_rate=6e-4,
                betas=(0.9, 0.98),
                weight_decay=0.02,
                schedule=Warmup(rise=200, then=Cosine(floor=0.005)),
                clip=1.0,
            )
        },
        data=_pairs(scenes.training, settings.seed),
        batch=settings.batch or 16,
        average=0.998,
        validate_every=500,
    )
    return Recipe(
        name="ember",
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
