"""What the recipes of the networks train on: the scenes of a pack, or synthetic ones."""

from dataclasses import dataclass
from pathlib import Path

import torch

from relume.data.pack import read_pack
from relume.data.scenes import PhotographScenes, Scenes, SyntheticScenes

GALLERY_SEED = 7
GALLERY_VIEWS = 600
GALLERY_SIZE = (256, 256)

VALIDATION_SEED = 1 << 32
"""Away from every seed that a person would give."""


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Scenes to train on, and others to validate on."""

    training: Scenes
    validation: Scenes


def supply(data: Path | None, *, in_gallery: bool = False) -> Supply:
    """The two splits of a pack; without one, synthetic scenes, of which no two are the same.

    Args:
        data: a pack.
        in_gallery: draw views of 256×256 once and crop them, which on few cores is many times faster than
            to look into a panorama for every sample, and shows 600 views of the training scenes.

    Raises:
        UnreadableFile: no such file, or no pack.
        ImageError: a split of the pack is empty.
    """
    if data is None:
        return Supply(training=SyntheticScenes(), validation=SyntheticScenes())
    pack = read_pack(data)
    training = pack.scenes("train")
    return Supply(
        training=gallery(training) if in_gallery else training, validation=pack.scenes("validation")
    )


def gallery(scenes: Scenes) -> Scenes:
    """Views drawn once, in half precision, to be cropped as photographs are."""
    generator = torch.Generator().manual_seed(GALLERY_SEED)
    views = [scenes.draw(size=GALLERY_SIZE, generator=generator).half() for _ in range(GALLERY_VIEWS)]
    return PhotographScenes(views)
