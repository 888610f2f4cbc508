"""Compression as JPEG."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from relume.camera import draws
from relume.camera.jpeg import jpeg_round_trip
from relume.camera.straight_through import straight_through
from relume.errors import MethodError

FULL, HALVED = "4:4:4", "4:2:0"
"""Chroma at the resolution of luma, or at half of it on both axes."""


class JpegDraw(NamedTuple):
    """The drawn settings of the encoder."""

    quality: Int[Tensor, " batch"]
    """1 to 100, in the sense of libjpeg."""
    halved: Bool[Tensor, " batch"]
    """Whether chroma is 4:2:0."""


@dataclass(frozen=True, kw_only=True)
class Jpeg:
    """A JPEG file written and read, with the gradient of doing nothing to values within 0..1.

    Convention:  encoded 0..1 → multiples of 1/255.

    Args:
        quality: limits of the quality, both included, each whole number as likely; above 100 counts as 100.
        subsampling: of chroma, "4:4:4" or "4:2:0", each of those named as likely.
        real: whether libjpeg does the work, on the CPU, or tensors do. None: libjpeg for pictures on the CPU,
            where it is faster, and tensors elsewhere. Both give the same codes; of tensors the gradient knows
            that chroma is shared among neighbours.
    """

    quality: tuple[int, int] = (70, 100)
    subsampling: tuple[str, ...] = (HALVED, FULL)
    real: bool | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.quality[0] <= self.quality[1]:
            raise MethodError(f"JPEG quality {self.quality}; expected limits from 1 up.")
        if not self.subsampling or not set(self.subsampling) <= {FULL, HALVED}:
            raise MethodError(f"subsampling {self.subsampling}; expected '{FULL}', '{HALVED}' or both.")

    def draw(self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> JpegDraw:
        """Quality and subsampling of each picture."""
        quality = draws.integers(light, generator, *self.quality).clamp(max=100)
        chosen = draws.integers(light, generator, 0, len(self.subsampling) - 1)
        halved = torch.tensor([name == HALVED for name in self.subsampling], device=light.device)
        return JpegDraw(quality, halved[chosen])

    def apply(
        self, encoded: Float[Tensor, "batch 3 height width"], drawn: JpegDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """The decoded pictures."""
        real = encoded.device.type == "cpu" if self.real is None else self.real
        if real:
            inside = encoded.clamp(0.0, 1.0)
            return straight_through(inside, _through_libjpeg(inside.detach(), drawn))
        halved = drawn.halved if len(set(self.subsampling)) > 1 else self.subsampling[0] == HALVED
        return jpeg_round_trip(encoded * 255.0, drawn.quality, halved) / 255.0


def _through_libjpeg(
    encoded: Float[Tensor, "batch 3 height width"], drawn: JpegDraw
) -> Float[Tensor, "batch 3 height width"]:
    import imagecodecs

    # A copy, for `contiguous` leaves strides of pictures one pixel wide that imagecodecs refuses.
    pixels = (encoded * 255.0 + 0.5).byte().permute(0, 2, 3, 1).cpu().numpy().copy()
    decoded = np.empty_like(pixels)
    settings = zip(drawn.quality.tolist(), drawn.halved.tolist(), strict=True)
    for index, (quality, halved) in enumerate(settings):
        subsampling = "420" if halved else "444"
        file = imagecodecs.jpeg8_encode(pixels[index], level=quality, subsampling=subsampling)
        imagecodecs.jpeg8_decode(file, out=decoded[index])
    return torch.from_numpy(decoded).to(encoded).permute(0, 3, 1, 2).contiguous() / 255.0
