"""Ultra HDR photographs: an SDR picture and, through its gain map, the light that the camera merged.

References:  [iso21496]; the decoder is libultrahdr.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image as Pillow
from torch import Tensor

from relume.color import primaries
from relume.color.primaries import BT709
from relume.data.files import pictures
from relume.data.sample import Exposure, Sample, clean, missing_layout
from relume.errors import UnreadableFile
from relume.io import exif
from relume.io.probe import decoding, identify, probe

LAYOUT = "JPEG files with a gain map (Ultra HDR), in sub-folders or not"


def find(folder: Path) -> list[Sample]:
    """The JPEG files with a gain map; others are left out.

    Raises:
        UnreadableFile: there is none, or a JPEG file is damaged.
    """
    found = [path for path in pictures(folder, (".jpg", ".jpeg"), recursive=True) if _has_gain_map(path)]
    if not found:
        raise missing_layout(folder, LAYOUT)
    return [
        Sample(
            scene=path.relative_to(folder).with_suffix("").as_posix(),
            hdr=path,
            sdr=(Exposure(path=path),),
        )
        for path in found
    ]


def load_hdr(path: Path) -> Float[Tensor, "3 height width"]:
    """The light of the photograph with its gain map applied in full.

    Convention:  linear BT.709, 1.0 = the white of the SDR picture; upright; colours outside BT.709 are
        clipped.

    Raises:
        UnreadableFile: missing, damaged or without a gain map.
    """
    import imagecodecs

    info = probe(path)
    if not _has_gain_map(path):
        raise UnreadableFile(path, "has no gain map; expected an Ultra HDR photograph.")
    with decoding(path, identify(path)):
        samples = imagecodecs.ultrahdr_decode(path.read_bytes(), dtype="float16")[..., :3]
    with Pillow.open(path) as header:
        upright = exif.parse(header.info.get("exif", b"")).upright(samples)
    light = torch.from_numpy(np.ascontiguousarray(upright, dtype=np.float32)).permute(2, 0, 1)
    # The decoder leaves the light in the primaries of the SDR picture.
    return clean(primaries.convert(light, info.encoding.primaries, BT709)).contiguous()


def _has_gain_map(path: Path) -> bool:
    return "gain map" in probe(path).tags
