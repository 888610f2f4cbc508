"""Training pairs: a scene, and what a camera made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from relume.camera.camera import Camera
from relume.camera.learned_camera import LearnedCamera
from relume.color.transfer import srgb
from relume.data.scenes import Scenes
from relume.response.curve import lookup
from relume.response.fitted import fitted_response


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs(Dataset[dict[str, Tensor]]):
    """Pairs of an SDR picture and the light that it was taken of, endless and without state.

    Pair `index` is a pure function of (seed, index): whoever asks for it, on whatever process and in
    whatever order, gets the same. That is what makes training resumable and distributable.

    A pair has `sdr`, encoded, 0..1, (3, height, width); `hdr`, linear, 1.0 = the level that clips, of the
    same shape; `exposure`, the factor from scene to sensor, (); `response`, the camera's curve, (1024,);
    `white`, (), the light of white in the unit of the sensor, which is 1.

    With `shown`, `hdr` is the light as a screen shows the picture: up to white through the response and the
    standard curve of sRGB, above it as it was. Nobody has to guess the response then.

    With `clean` there is also `clean`: `sdr` without noise, rounding and compression.

    A camera that tone maps has no curve and no level that clips. With `fitted` both are those of the curve
    that comes nearest to what it did: 1.0 is the light of white, `exposure` counts in it, and `white` tells
    what it is in the unit of the camera's exposure.
    """

    scenes: Scenes
    camera: Camera | LearnedCamera
    size: tuple[int, int]
    """(height, width)."""
    seed: int = 0
    count: int = 1 << 40
    fitted: bool = False
    """Whether response and unit of light are found from the pictures, not taken from the camera."""
    shown: bool = False
    """Whether the light is told as a screen shows it, not as the camera met it."""
    clean: bool = False
    """Whether there is the clean picture, too."""

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = sample_generator(self.seed, index)
        scene = self.scenes.draw(size=self.size, generator=generator)
        shot = self.camera(scene[None], generator=generator)
        white, response = torch.ones_like(shot.exposure), shot.response
        if self.fitted:
            white, response = fitted_response(shot.sdr, shot.sensor)
        light = shot.sensor / white.view(-1, 1, 1, 1)
        if self.shown:
            light = torch.where(light < 1.0, srgb.eotf(lookup(light, response)), light)
        pair = {
            "sdr": shot.sdr[0],
            "hdr": light[0],
            "exposure": shot.exposure[0] / white[0],
            "response": response[0],
            "white": white[0],
        }
        if self.clean:
            pair["clean"] = self.camera.clean(scene[None], shot.settings)[0]
        return pair


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedPairs(Dataset[dict[str, Tensor]]):
    """Pairs of several supplies, each with its share; pair `index` is as much a function of the index."""

    parts: Sequence[tuple[Pairs, float]]
    seed: int = 0

    def __len__(self) -> int:
        return min(len(pairs) for pairs, _ in self.parts)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        # Of another seed than the parts have, lest the choice and the exposure go together.
        generator = sample_generator(~self.seed, index)
        shares = torch.tensor([share for _, share in self.parts])
        return self.parts[int(torch.multinomial(shares, 1, generator=generator))][0][index]


def sample_generator(seed: int, index: int) -> torch.Generator:
    """The generator of one sample: far apart for neighbouring indices and seeds."""
    # SplitMix64's finalizer: seeds that differ in one bit give unrelated streams.
    mixed = (seed * 0x9E3779B97F4A7C15 + index + 1) & 0xFFFFFFFFFFFFFFFF
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed((mixed ^ (mixed >> 31)) >> 1)
