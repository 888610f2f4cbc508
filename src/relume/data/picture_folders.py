"""Folders of pictures without partners: HDR surveys, panoramas, and any folder of HDR or SDR pictures.

Certain: the HDR Photographic Survey offers one OpenEXR file for each scene, named after it, and Poly Haven
names its files SCENE_RESOLUTION, as in `adams_place_bridge_4k.hdr`.
Inferred: that the Stanford pictures, which come one by one, lie in one folder or a few.
All of them are found in sub-folders, too.

References:  [fairchild2007]; [xiao2002].
"""

import re
from pathlib import Path

from relume.data.files import HDR_SUFFIXES, SDR_SUFFIXES, hdr_pictures, pictures
from relume.data.sample import Exposure, Sample, missing_layout
from relume.io.probe import probe

HDR_LAYOUT = "HDR pictures (.exr, .hdr, .pfm, .avif and others), in sub-folders or not"
PANORAMA_LAYOUT = "panoramas SCENE_1k.hdr to SCENE_16k.exr, in sub-folders or not"
SDR_LAYOUT = "SDR pictures (.jpg, .png, .tiff, .webp, .bmp), in sub-folders or not"

_RESOLUTION = re.compile(r"_(\d+)k$", re.IGNORECASE)


def find_hdr(folder: Path) -> list[Sample]:
    """Each HDR picture as a scene of its own; exactly twice as wide as high counts as a panorama.

    Raises:
        UnreadableFile: there is none, or one is damaged.
    """
    found = hdr_pictures(folder)
    if not found:
        raise missing_layout(folder, HDR_LAYOUT)
    return [Sample(scene=_name(path, folder), hdr=path, kind=_kind(path)) for path in found]


def find_photographs(folder: Path) -> list[Sample]:
    """Each HDR picture as a scene of its own, named after its file.

    Raises:
        UnreadableFile: there is none.
    """
    found = pictures(folder, HDR_SUFFIXES, recursive=True)
    if not found:
        raise missing_layout(folder, HDR_LAYOUT)
    return [Sample(scene=_name(path, folder), hdr=path) for path in found]


def find_panoramas(folder: Path) -> list[Sample]:
    """Each scene in the highest resolution that is there.

    Raises:
        UnreadableFile: there is none.
    """
    best: dict[str, tuple[int, Path]] = {}
    for path in pictures(folder, HDR_SUFFIXES, recursive=True):
        resolution = _RESOLUTION.search(path.stem)
        scene = _RESOLUTION.sub("", path.stem)
        candidate = (int(resolution[1]) if resolution else 0, path)
        best[scene] = max(best.get(scene, candidate), candidate)
    if not best:
        raise missing_layout(folder, PANORAMA_LAYOUT)
    return [Sample(scene=scene, hdr=path, kind="panorama") for scene, (_, path) in best.items()]


def find_sdr(folder: Path) -> list[Sample]:
    """Each SDR picture as a scene of its own.

    Raises:
        UnreadableFile: there is none.
    """
    found = pictures(folder, SDR_SUFFIXES, recursive=True)
    if not found:
        raise missing_layout(folder, SDR_LAYOUT)
    return [Sample(scene=_name(path, folder), sdr=(Exposure(path=path),)) for path in found]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _kind(path: Path) -> str:
    info = probe(path)
    return "panorama" if info.width == 2 * info.height else "photograph"
