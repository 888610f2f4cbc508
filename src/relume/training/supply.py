"""What the recipes of the networks train on: the scenes of a pack, or synthetic ones."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from relume.data.pack import read_pack
from relume.data.scenes import PhotographScenes, Scenes, SyntheticScenes

GALLERY_SEED = 7
_LARGEST_HALF = 65504.0
_RELATED = 8
"""Views of a gallery that are of one scene, since looking into a panorama again costs little."""

VALIDATION_SEED = 1 << 32
"""Away from every seed that a person would give."""


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Scenes to train on, and others to validate on."""

    training: Scenes
    validation: Scenes


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """So many views of so many pixels, drawn once and then cropped.

    On few cores that is many times faster than to look into a panorama for every sample.
    """

    views: int = 600
    size: tuple[int, int] = (256, 256)
    """(height, width)."""

    def of(self, scenes: Scenes) -> Scenes:
        """Views of these scenes in half precision, to be cropped as photographs are.

        Each is scaled so that its brightest hundredth lies about 1, which half precision holds well.
        """
        generator = torch.Generator().manual_seed(GALLERY_SEED)
        views: list[Tensor] = []
        while len(views) < self.views:
            related = scenes.draw_related(_RELATED, size=self.size, generator=generator)
            views.extend(_half(view) for view in related)
        return PhotographScenes(views[: self.views])


def _half(view: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    bright = view.flatten().kthvalue(view.numel() * 99 // 100).values.clamp(min=1e-6)
    return (view / bright).clamp(max=_LARGEST_HALF).half()


@lru_cache(maxsize=1)
def supply(data: Path | None, *, gallery: Gallery | None = None) -> Supply:
    """The two splits of a pack; without one, synthetic scenes, of which no two are the same.

    Kept until another is wanted: recipes that are compared in one process need not draw the gallery again.

    Args:
        data: a pack.
        gallery: in which the training scenes are hung; None: each sample is a view of its own.

    Raises:
        UnreadableFile: no such file, or no pack.
        ImageError: a split of the pack is empty.
    """
    if data is None:
        return Supply(training=SyntheticScenes(), validation=SyntheticScenes())
    pack = read_pack(data)
    training = pack.scenes("train")
    return Supply(
        training=gallery.of(training) if gallery else training, validation=pack.scenes("validation")
    )
