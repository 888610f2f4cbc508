"""One scene of a data set as files, and how its light and its SDR pictures are loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.data.manifest import Entry, check_splits, file_hash
from relume.errors import ImageError, UnreadableFile
from relume.io.read import read

_BRIGHTEST = 65504.0


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """An SDR picture of a scene."""

    path: Path
    stops: float | None = None
    """Against the scene's middle exposure; None where the layout does not tell."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A scene, or a piece of one: its light, SDR pictures of it, or both."""

    scene: str
    """Samples with the same scene belong into the same split."""
    hdr: Path | None = None
    sdr: tuple[Exposure, ...] = ()
    split: str | None = None
    """None where the layout knows no splits."""
    kind: str = "photograph"
    """"panorama" (equirectangular, 360°) or "photograph"."""


def load_hdr(path: Path) -> Float[Tensor, "3 height width"]:
    """The light in an HDR picture.

    Convention:  linear BT.709 in the units of the file; colours outside BT.709 and NaN count as no light,
        and what is brighter than 65 504, infinity too, as that.

    Raises:
        UnreadableFile: missing or damaged.
        ImageError: an SDR picture.
    """
    image = read(path)
    if not image.is_hdr:
        raise ImageError(f"{path}: is an SDR picture ({image.encoding}); expected one with scene light.")
    return clean(image.to(LINEAR_SCENE).pixels)


def load_sdr(path: Path) -> Float[Tensor, "3 height width"]:
    """An SDR picture; of a photograph with a gain map the one that ordinary screens show.

    Convention:  sRGB, encoded, 0..1; colours outside BT.709 are clipped.

    Raises:
        UnreadableFile: missing or damaged.
        ImageError: an HDR picture.
    """
    image = read(path, gain_map=False)
    if image.is_hdr:
        raise ImageError(f"{path}: is an HDR picture ({image.encoding}); expected one for ordinary screens.")
    return image.to(SRGB).pixels.clamp(0.0, 1.0)


def clean(light: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """Light that networks can be shown: finite, 0..65 504."""
    return light.nan_to_num(0.0, _BRIGHTEST, 0.0).clamp(0.0, _BRIGHTEST)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set in the folders in which it is published."""

    name: str
    title: str
    citation: str
    """Key in docs/references.bib; empty for what has no paper."""
    licence: str
    published: str
    """By whom and where, in words."""
    layout: str
    """What `find` expects, in words."""
    kind: str
    """"hdr" (scene light), "pairs" (light and SDR pictures of it) or "sdr" (no light)."""
    find: Callable[[Path], list[Sample]]
    """The samples in a folder, in the order of their names."""
    load_hdr: Callable[[Path], Float[Tensor, "3 height width"]] = load_hdr
    relative: bool = True
    """Whether 1.0 of the light has no meaning, so that pairs have to be aligned by exposure."""


def manifest_of(
    samples: Sequence[Sample],
    folder: Path,
    *,
    source: str = "",
    licence: str = "",
    with_hash: bool = False,
) -> list[Entry]:
    """The manifest of the light of samples, or of the SDR pictures of those that have none.

    Args:
        samples: those without a split go to "train"; see `split_by_scene`.
        folder: the files are named relative to it.
        source: for the column of that name.
        licence: for the column of that name.
        with_hash: compute SHA-256, for which all files are read.

    Raises:
        ImageError: a scene stands in two splits.
    """
    entries = [
        Entry(
            file=path.relative_to(folder).as_posix(),
            scene=sample.scene,
            split=sample.split or "train",
            kind=sample.kind,
            source=source,
            licence=licence,
            sha256=file_hash(path) if with_hash else "",
        )
        for sample in samples
        for path in ([sample.hdr] if sample.hdr else [exposure.path for exposure in sample.sdr])
    ]
    check_splits(entries)
    return entries


def missing_layout(folder: Path, expected: str) -> UnreadableFile:
    """The error that a folder does not hold a data set in a layout that we know."""
    if not folder.is_dir():
        return UnreadableFile(folder, f"is no folder; expected one with {expected}.")
    return UnreadableFile(folder, f"holds no such data set; expected {expected}.")
