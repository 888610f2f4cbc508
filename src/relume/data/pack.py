"""Packs: many HDR scenes in one small file, quick to carry and to load.

A pack is a safetensors file. Each scene is a blob of JPEG XL over log2 light in 16 bits, and the manifest
stands in the header. Nothing is unpickled. Light from 2^-14 to 2^16 is kept to 0.02 to 0.05 stops RMS;
what is darker counts as 2^-14.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE
from relume.data.manifest import Entry, check_splits, file_hash
from relume.data.scenes import Mixture, PanoramaScenes, PhotographScenes, Scenes
from relume.errors import ImageError, UnreadableFile
from relume.io.atomic import replacing
from relume.io.read import read

_LOWEST, _HIGHEST = -14.0, 16.0
_TOP = 65535.0
_FORMAT = "relume-pack-1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Pack:
    """The scenes of a pack, decoded to half floats."""

    entries: tuple[Entry, ...]
    pictures: tuple[Float[Tensor, "3 _ _"], ...]
    """Linear BT.709 light, in the order of the entries."""

    def scenes(self, split: str) -> Scenes:
        """Views of the panoramas and crops of the photographs of one split, each picture as often as another.

        Raises:
            ImageError: the split is empty.
        """
        parts: list[tuple[Scenes, float]] = []
        for kind, supply in (("panorama", PanoramaScenes), ("photograph", PhotographScenes)):
            chosen = [
                picture
                for entry, picture in zip(self.entries, self.pictures, strict=True)
                if (entry.split, entry.kind) == (split, kind)
            ]
            if chosen:
                parts.append((supply(chosen), float(len(chosen))))
        if not parts:
            raise ImageError(f"the pack has no scenes in the split '{split}'; expected train or validation.")
        return Mixture(parts)


def write_pack(
    path: str | Path,
    folder: str | Path,
    entries: Sequence[Entry],
    *,
    longest_side: int = 1024,
    distance: float = 0.03,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Pack the scenes of a manifest.

    Args:
        path: the pack to write; it appears whole or not at all.
        folder: where the files of the entries lie.
        longest_side: larger pictures are reduced to this, by area.
        distance: of JPEG XL, in just noticeable differences of the log-encoded picture; less is better.
        progress: told how many scenes are done.

    Raises:
        FileError: a scene cannot be read, or the pack cannot be written.
        ImageError: a scene stands in two splits.
    """
    from safetensors.torch import save

    check_splits(entries)
    blobs, packed = {}, []
    for index, entry in enumerate(entries):
        source = Path(folder) / entry.file
        picture = _reduced(read(source).to(LINEAR_SCENE).pixels, longest_side)
        blobs[f"{index:06d}"] = torch.frombuffer(bytearray(_encode(picture, distance)), dtype=torch.uint8)
        packed.append(replace(entry, sha256=entry.sha256 or file_hash(source)))
        if progress is not None:
            progress(index + 1)
    header = {"format": _FORMAT, "entries": json.dumps([asdict(entry) for entry in packed])}
    with replacing(Path(path), overwrite=overwrite) as temporary:
        temporary.write_bytes(save(blobs, header))


def read_pack(path: str | Path) -> Pack:
    """Load a pack and decode its scenes.

    Raises:
        UnreadableFile: no such file, a folder, or no pack.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if path.is_dir():
        raise UnreadableFile(
            path, f"is a folder, no pack of scenes; make one: relume pack {path} -o scenes.pack"
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != _FORMAT:
                raise UnreadableFile(path, f"is no pack of scenes; expected a file of format {_FORMAT}.")
            entries = tuple(Entry(**entry) for entry in json.loads(header["entries"]))
            blobs = [file.get_tensor(f"{index:06d}").numpy().tobytes() for index in range(len(entries))]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UnreadableFile(path, f"is no pack of scenes that can be read ({error}).") from error
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = tuple(pool.map(_decode, blobs))
    return Pack(entries=entries, pictures=pictures)


def _reduced(picture: Float[Tensor, "3 height width"], longest_side: int) -> Float[Tensor, "3 rows columns"]:
    height, width = picture.shape[-2:]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    return functional.interpolate(picture[None], size=size, mode="area")[0]


def _encode(picture: Float[Tensor, "3 height width"], distance: float) -> bytes:
    import imagecodecs

    stops = picture.clamp(min=2.0**_LOWEST, max=2.0**_HIGHEST).log2()
    codes = ((stops - _LOWEST) * (_TOP / (_HIGHEST - _LOWEST))).round().permute(1, 2, 0)
    samples = np.ascontiguousarray(codes.numpy().astype(np.uint16))
    return bytes(imagecodecs.jpegxl_encode(samples, distance=distance, effort=5, photometric="rgb"))


def _decode(blob: bytes) -> Float[Tensor, "3 height width"]:
    import imagecodecs

    samples = imagecodecs.jpegxl_decode(blob, numthreads=1)
    codes = torch.from_numpy(samples.astype(np.float32)).permute(2, 0, 1)
    light = torch.exp2(codes * ((_HIGHEST - _LOWEST) / _TOP) + _LOWEST)
    return light.clamp(max=65504.0).half().contiguous()
