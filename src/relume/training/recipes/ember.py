"""Ember on views of HDR scenes, seen by cameras of many kinds."""

from collections.abc import Sequence

from relume.training.cameras import TONE_MAPPED, mixed_pairs, portions
from relume.training.code_cleaning import CodeCleaning
from relume.training.lost_light import LostLight
from relume.training.optim import AdamW
from relume.training.recipe import Recipe, RecipeSettings, Stage
from relume.training.schedules import Cosine, Warmup
from relume.training.supply import VALIDATION_SEED, Gallery, supply

# Views of a panorama of 1024 pixels that are 50 to 95° wide have detail for 150 to 360 pixels: larger ones
# are soft, as no photograph is.
SIZE = (144, 192)
GALLERY = Gallery(views=6000, size=(168, 224))

# The cleaner is used at full size: it sees soft views, and others that are reduced until they are sharp.
CLEANER_SIZE = (96, 96)
CLEANER_GALLERY = Gallery(views=600, size=(336, 448))

ALL_BUT_CLEANER = ("entry", "encoders", "reductions", "enlargements", "decoders", "head", "overview")


def ember(settings: RecipeSettings) -> Recipe:
    """The network that expands by default, but for what cleans codes: hours on two cores, with --data."""
    return _recipe("ember", settings, preset="full")


def ember_small(settings: RecipeSettings) -> Recipe:
    """Ember of half the channels."""
    return _recipe("ember_small", settings, preset="small")


def ember_shallow(settings: RecipeSettings) -> Recipe:
    """Ember that halves the small copy two times less, and so sees less around a light."""
    return _recipe("ember_shallow", settings, preset="shallow")


def ember_eager(settings: RecipeSettings) -> Recipe:
    """Ember that may change what is brighter than code 0.75, clipped or not."""
    return _recipe("ember_eager", settings, preset="eager")


def ember_curve(settings: RecipeSettings) -> Recipe:
    """What estimates the curve, half of it from tone-mapped pictures; --start: the weights of `ember`."""
    return _recipe("ember_curve", settings, preset="full", parts=("overview",), tone_mapped=0.5)


def ember_cleaner(settings: RecipeSettings) -> Recipe:
    """What cleans codes at full size; --start: the weights of `ember`, which stay as they are."""
    scenes = supply(settings.data, gallery=CLEANER_GALLERY)
    stage = Stage(
        name="cleaner",
        steps=settings.steps or 4000,
        objective=CodeCleaning(),
        optimizers={
            "model": AdamW(
                networks=("model.cleaner",),
                learning_rate=1e-2,
                schedule=Warmup(rise=100, then=Cosine(floor=0.01)),
                clip=1.0,
            )
        },
        data=mixed_pairs(
            scenes.training, portions(), size=CLEANER_SIZE, seed=settings.seed, fitted=False, clean=True
        ),
        batch=settings.batch or 16,
        average=0.998,
        validate_every=1000,
    )
    return Recipe(
        name="ember_cleaner",
        model="ember",
        preset="full",
        stages=(stage,),
        validation=mixed_pairs(scenes.validation, portions(), size=SIZE, seed=VALIDATION_SEED),
        validation_pairs=64,
        seed=settings.seed,
        start=settings.start,
        begun=ALL_BUT_CLEANER,
    )


def _recipe(
    name: str,
    settings: RecipeSettings,
    *,
    preset: str,
    parts: Sequence[str] = ALL_BUT_CLEANER,
    tone_mapped: float = TONE_MAPPED,
) -> Recipe:
    scenes = supply(settings.data, gallery=GALLERY)
    stage = Stage(
        name="main",
        steps=settings.steps or 20_000,
        objective=LostLight(),
        optimizers={
            "model": AdamW(
                networks=tuple(f"model.{part}" for part in parts),
                # A high rate would undo first what weights to start with have learnt.
                learning_rate=6e-4 if settings.start is None else 2e-4,
                betas=(0.9, 0.98),
                weight_decay=0.02,
                schedule=Warmup(rise=200, then=Cosine(floor=0.005)),
                clip=1.0,
            )
        },
        data=mixed_pairs(scenes.training, portions(tone_mapped), size=SIZE, seed=settings.seed),
        batch=settings.batch or 16,
        average=0.998,
        validate_every=500,
    )
    return Recipe(
        name=name,
        model="ember",
        preset=preset,
        stages=(stage,),
        validation=mixed_pairs(scenes.validation, portions(), size=SIZE, seed=VALIDATION_SEED),
        validation_pairs=64,
        seed=settings.seed,
        start=settings.start,
    )
