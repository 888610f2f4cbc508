"""Training samples from real pictures: crops of pairs, and crops of SDR pictures without light."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from relume.color.luminance import luminance
from relume.color.transfer import srgb
from relume.data.pairs import sample_generator
from relume.data.sample import DataSet, Sample, load_sdr
from relume.errors import ImageError

# Codes that a camera neither clips nor buries in noise; between them its curve is near enough to sRGB's.
_WELL_EXPOSED = (0.15, 0.85)
_FEWEST = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class RealPairs(Dataset[dict[str, Tensor]]):
    """Crops of the pairs of a data set, endless and without state.

    Sample `index` is a pure function of (seed, index), as in `relume.data.pairs.Pairs`. It has `sdr`,
    encoded, 0..1, (3, height, width); `hdr`, linear, of the same shape; `exposure`, the factor from the light
    in the file to `hdr`, (). There is no `response`: real cameras do not tell it.

    1.0 of `hdr` is the level that clips, as `exposure_between` estimates it, where light is relative; it is
    what the files say (the SDR picture's white, or 203 cd/m²) where it is not.
    """

    data: DataSet
    samples: Sequence[Sample]
    size: tuple[int, int]
    """(height, width)."""
    seed: int = 0
    count: int = 1 << 40

    def __post_init__(self) -> None:
        if not self.samples or any(sample.hdr is None or not sample.sdr for sample in self.samples):
            raise ImageError("real pairs need samples that all have light and an SDR picture of it.")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = sample_generator(self.seed, index)
        sample = self.samples[_below(len(self.samples), generator)]
        path = sample.sdr[_below(len(sample.sdr), generator)].path
        assert sample.hdr is not None
        sdr, hdr = load_sdr(path), self.data.load_hdr(sample.hdr)
        if sdr.shape != hdr.shape:
            sizes = [f"{picture.shape[-1]} × {picture.shape[-2]}" for picture in (sdr, hdr)]
            raise ImageError(f"{path}: has {sizes[0]} pixels and its light {sizes[1]}; expected the same.")
        exposure = torch.ones(())
        if self.data.relative:
            exposure = exposure_between(sdr, hdr, name=path)
        both = _crop(torch.cat([sdr, hdr * exposure]), self.size, path, generator)
        return {"sdr": both[:3], "hdr": both[3:], "exposure": exposure}


@dataclass(frozen=True, kw_only=True, eq=False)
class UnpairedSdr(Dataset[dict[str, Tensor]]):
    """Crops of SDR pictures whose light nobody knows: `sdr`, encoded, 0..1, (3, height, width).

    Sample `index` is a pure function of (seed, index).
    """

    samples: Sequence[Sample]
    size: tuple[int, int]
    """(height, width)."""
    seed: int = 0
    count: int = 1 << 40

    def __post_init__(self) -> None:
        if not self.samples or any(not sample.sdr for sample in self.samples):
            raise ImageError("unpaired SDR needs samples that all have an SDR picture.")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = sample_generator(self.seed, index)
        sample = self.samples[_below(len(self.samples), generator)]
        path = sample.sdr[_below(len(sample.sdr), generator)].path
        return {"sdr": _crop(load_sdr(path), self.size, path, generator)}


def exposure_between(
    sdr: Float[Tensor, "3 height width"], hdr: Float[Tensor, "3 height width"], *, name: str | Path = "pair"
) -> Float[Tensor, ""]:
    """The factor that brings light to the scale of an SDR picture of it, where 1.0 clips.

    Convention:  the median ratio of luminances over the pixels whose three codes are well exposed, the SDR
        picture being decoded as sRGB. A camera whose curve is another is met in its middle tones, and its
        level of clipping only as nearly as its curve is sRGB's there.

    Args:
        sdr: encoded, 0..1.
        hdr: linear, in any unit.
        name: for the message.

    Raises:
        ImageError: hardly a pixel is well exposed.
    """
    low, high = _WELL_EXPOSED
    light = luminance(hdr)[0]
    usable = (sdr.amin(0) > low) & (sdr.amax(0) < high) & (light > 0.0)
    if int(usable.sum()) < _FEWEST:
        raise ImageError(f"{name}: fewer than {_FEWEST} pixels are well exposed; it cannot be aligned.")
    return (luminance(srgb.eotf(sdr))[0][usable] / light[usable]).median()


def _crop(
    picture: Float[Tensor, "channels rows columns"],
    size: tuple[int, int],
    path: Path,
    generator: torch.Generator,
) -> Float[Tensor, "channels height width"]:
    """A crop anywhere in the picture, mirrored half of the time."""
    rows, columns = picture.shape[-2:]
    if rows < size[0] or columns < size[1]:
        raise ImageError(
            f"{path}: a picture of {columns} × {rows} pixels holds no crop of {size[1]} × {size[0]}."
        )
    top, left = _below(rows - size[0] + 1, generator), _below(columns - size[1] + 1, generator)
    crop = picture[:, top : top + size[0], left : left + size[1]]
    return crop.flip(-1) if _below(2, generator) else crop.clone()


def _below(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
