"""HDRTV1K: frames of films graded twice, for HDR10 and for ordinary screens.

Certain, from the authors' options and scripts: `test_set/test_sdr` and `test_set/test_hdr`, 117 frames of 8
and of 16 bits with the same names; frames were taken every two seconds and named FILM_NUMBER.
Inferred: `training_set/train_sdr` and `train_hdr` (the options name their cut-up copies `train_sdr_sub`,
which are accepted too); that frames which are only numbered stand in the order of the films, so that blocks
of a hundred stand for scenes.

The HDR frames are PQ in BT.2020 without a tag that says so, and white has the code 65282.5 rather than
65535, since the tool that took the frames widened 10 bits so.

References:  [chen2021]; [smpte_st2084]; [bt2100].
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_NITS, PQ_BT2020, REFERENCE_WHITE
from relume.data.files import SDR_SUFFIXES, block_of, by_key, matched, pictures, subfolder
from relume.data.sample import Exposure, Sample, clean, missing_layout
from relume.errors import UnreadableFile
from relume.image import convert
from relume.io.probe import decoding, identify, probe

LAYOUT = (
    "training_set/train_sdr, training_set/train_hdr, test_set/test_sdr and test_set/test_hdr with PNG files"
)

_PARTS = (("train", "training_set"), ("test", "test_set"))
_WHITE_CODE = 65282.5


def find(folder: Path) -> list[Sample]:
    """The frames of the parts that are there.

    Raises:
        UnreadableFile: another layout, or a frame without its partner.
    """
    samples = []
    for split, part in _PARTS:
        root = subfolder(folder, [part]) or folder
        sdr = subfolder(root, [f"{split}_sdr", f"{split}_sdr_sub"])
        hdr = subfolder(root, [f"{split}_hdr", f"{split}_hdr_sub"])
        if sdr is None or hdr is None:
            continue
        exposures = {key: [Exposure(path=path)] for key, path in by_key(pictures(sdr, SDR_SUFFIXES)).items()}
        samples += [
            Sample(scene=_scene(split, key), hdr=sample.hdr, sdr=sample.sdr, split=split)
            for key, sample in matched(by_key(pictures(hdr, (".png",))), exposures)
        ]
    if not samples:
        raise missing_layout(folder, LAYOUT)
    return samples


def load_hdr(path: Path) -> Float[Tensor, "3 height width"]:
    """The light of an HDR frame.

    Convention:  linear BT.709, display-referred, 1.0 = 203 cd/m²; colours outside BT.709 are clipped.

    Raises:
        UnreadableFile: missing, damaged or not of 16 bits.
    """
    import imagecodecs

    if probe(path).sample != "16 bit":
        raise UnreadableFile(path, "is no HDR frame of HDRTV1K; expected a PNG file of 16 bits.")
    with decoding(path, identify(path)):
        codes = imagecodecs.png_decode(path.read_bytes())[..., :3]
    signal = torch.from_numpy(codes.astype(np.float32)).permute(2, 0, 1) / _WHITE_CODE
    light = convert(signal.clamp(max=1.0), PQ_BT2020, LINEAR_NITS) / REFERENCE_WHITE
    return clean(light).contiguous()


def _scene(split: str, key: str) -> str:
    film, _, number = key.rpartition("_")
    return f"{split} {film if film and number.isdigit() else block_of(key)}"
