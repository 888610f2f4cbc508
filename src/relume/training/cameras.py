"""The cameras whose pictures the networks that ship are trained on: of many kinds, as photographs are."""

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

TONE_MAPPED = 0.25
"""Share of the pictures."""


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


def mixed_pairs(
    scenes: Scenes,
    cameras: Sequence[Portion],
    *,
    size: tuple[int, int],
    seed: int,
    fitted: bool = True,
    shown: bool = False,
    clean: bool = False,
) -> MixedPairs:
    """Pairs of several cameras.

    Args:
        size: (height, width).
        fitted: False where no response is needed, not even of cameras that have to be asked for it.
        shown: as of `Pairs`, as is `clean`.
    """
    parts = [
        (
            Pairs(
                scenes=scenes,
                camera=part.camera,
                size=size,
                seed=seed,
                fitted=part.fitted and fitted,
                shown=shown,
                clean=clean,
            ),
            part.share,
        )
        for part in cameras
    ]
    return MixedPairs(parts=parts, seed=seed)
