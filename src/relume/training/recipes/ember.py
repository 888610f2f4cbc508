"""Ember on views of HDR scenes, seen by cameras of many kinds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relume.camera.camera import Camera
from relume.camera.exposure import ClippedShare, Stops
from relume.camera.presets import find
from relume.camera.tone_mapping import ToneMapping, Variation
from relume.data.pairs import MixedPairs, Pairs
from relume.data.scenes import Scenes
from relume.operators.tonemap.durand2002 import Durand2002
from relume.operators.tonemap.kim_kautz2008 import KimKautz2008
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

TONE_MAPPED = 0.25
"""Share of the pictures."""

ALL_BUT_CLEANER = ("entry", "encoders", "reductions", "enlargements", "decoders", "head", "overview")


@dataclass(frozen=True, kw_only=True)
class Portion:
    """A camera, how often it is drawn, and whether its response has to be found (see `Pairs`)."""

    camera: Camera
    share: float
    fitted: bool = False


def portions(tone_mapped: float = TONE_MAPPED) -> tuple[Portion, ...]:
    """Ours with and without JPEG, and at any exposure; as in SI-HDR, SingleHDR and HDRCNN; tone mapped.

    Args:
        tone_mapped: share of the last.
    """
    ours, mapped = find("relume"), _tone_mapped()
    exposed = 1.0 - tone_mapped
    return (
        Portion(camera=ours, share=0.325 * exposed),
        Portion(camera=replace(ours, compression=None), share=0.25 * exposed),
        Portion(
            camera=replace(ours, exposure=Stops(minimum=-2.5, maximum=2.0, steps=600, mean=0.5)),
            share=0.1 * exposed,
        ),
        Portion(
            camera=replace(find("sihdr-clip95"), exposure=ClippedShare(minimum=0.01, maximum=0.15)),
            share=0.15 * exposed,
        ),
        Portion(camera=find("singlehdr"), share=0.1 * exposed),
        Portion(camera=find("hdrcnn"), share=0.075 * exposed),
        Portion(camera=mapped, share=0.6 * tone_mapped, fitted=True),
        Portion(camera=replace(mapped, compression=ours.compression), share=0.4 * tone_mapped, fitted=True),
    )


def _tone_mapped() -> Camera:
    """Bright light is compressed, not clipped, as by phones: iTMN's operators and two others."""
    camera = find("itmn")
    assert camera.tone_mapping is not None
    others = (
        Variation(method=Durand2002(), ranges={"contrast": (20.0, 80.0)}),
        Variation(method=KimKautz2008()),
    )
    variations = (*camera.tone_mapping.variations, *others)
    tone_mapping = ToneMapping(variations=variations)
    # The operators look through the exposure, but the truth is told in its unit.
    return replace(camera, exposure=find("relume").exposure, tone_mapping=tone_mapping)


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
        data=_cleaner_pairs(scenes.training, settings.seed),
        batch=settings.batch or 16,
        average=0.998,
        validate_every=1000,
    )
    return Recipe(
        name="ember_cleaner",
        model="ember",
        preset="full",
        stages=(stage,),
        validation=_pairs(scenes.validation, VALIDATION_SEED),
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
        data=_pairs(scenes.training, settings.seed, tone_mapped),
        batch=settings.batch or 16,
        average=0.998,
        validate_every=500,
    )
    return Recipe(
        name=name,
        model="ember",
        preset=preset,
        stages=(stage,),
        validation=_pairs(scenes.validation, VALIDATION_SEED),
        validation_pairs=64,
        seed=settings.seed,
        start=settings.start,
    )


def _pairs(scenes: Scenes, seed: int, tone_mapped: float = TONE_MAPPED) -> MixedPairs:
    """Pairs of all cameras."""
    parts = [
        (Pairs(scenes=scenes, camera=part.camera, size=SIZE, seed=seed, fitted=part.fitted), part.share)
        for part in portions(tone_mapped)
    ]
    return MixedPairs(parts=parts, seed=seed)


def _cleaner_pairs(scenes: Scenes, seed: int) -> MixedPairs:
    """The same with the clean picture, for which no response is needed."""
    parts = [
        (Pairs(scenes=scenes, camera=part.camera, size=CLEANER_SIZE, seed=seed, clean=True), part.share)
        for part in portions()
    ]
    return MixedPairs(parts=parts, seed=seed)
