"""HDR-Real and HDR-Synth, the data sets of SingleHDR.

Certain, from the authors' training code: the training pairs of HDR-Real lie in `HDR_gt/*.hdr` and
`LDR_in/*.jpg`, 512 × 512, matched in the order of their names, which are numbers. Their archive unpacks into
`HDR-Real` and `HDR-Synth`; loaders of others call the parts `HDR-Real_train` and `HDR-Synth_train`.
Inferred: that the test parts end on "_test" or "_testing"; that neighbouring numbers are exposures of one
scene (820 scenes were stored as 9786 pairs, and nothing names them), so blocks of a hundred stand for scenes.

References:  [liu2020], section 4.
"""

from pathlib import Path

from relume.data.files import (
    HDR_SUFFIXES,
    SDR_SUFFIXES,
    block_of,
    by_key,
    matched,
    number_in,
    pictures,
    roots,
    subfolder,
)
from relume.data.sample import Exposure, Sample, missing_layout

REAL_LAYOUT = (
    "HDR_gt/NUMBER.hdr and LDR_in/NUMBER.jpg, or HDR-Real, HDR-Real_train and HDR-Real_test with those"
)
SYNTH_LAYOUT = "HDR pictures, or HDR-Synth, HDR-Synth_train and HDR-Synth_test with those"

_REAL = (
    "HDR-Real", "HDR-Real_train", "HDR-Real_test", "R_CVPR2020_jpg_training", "R_CVPR2020_jpg_testing",
)  # fmt: skip
_SYNTH = ("HDR-Synth", "HDR-Synth_train", "HDR-Synth_test")


def find_real(folder: Path) -> list[Sample]:
    """The pairs of HDR-Real.

    Raises:
        UnreadableFile: another layout, or a picture without its partner.
    """
    samples = []
    for root in roots(folder, _REAL):
        hdr, sdr = subfolder(root, ["HDR_gt"]), subfolder(root, ["LDR_in"])
        if hdr is None or sdr is None:
            continue
        split = _split(root)
        exposures = {key: [Exposure(path=path)] for key, path in by_key(pictures(sdr, SDR_SUFFIXES)).items()}
        for _, sample in matched(by_key(pictures(hdr, HDR_SUFFIXES)), exposures):
            assert sample.hdr is not None
            scene = f"{split} {block_of(number_in(sample.hdr))}"
            samples.append(Sample(scene=scene, hdr=sample.hdr, sdr=sample.sdr, split=split))
    if not samples:
        raise missing_layout(folder, REAL_LAYOUT)
    return samples


def find_synth(folder: Path) -> list[Sample]:
    """The HDR pictures of HDR-Synth, which are collected from other data sets and keep their names.

    Raises:
        UnreadableFile: another layout.
    """
    named = roots(folder, _SYNTH)[1:]
    samples = [
        Sample(scene=path.stem, hdr=path, split=_split(root))
        for root in named or [folder]
        for path in pictures(root, HDR_SUFFIXES, recursive=True)
    ]
    if not samples:
        raise missing_layout(folder, SYNTH_LAYOUT)
    return samples


def _split(root: Path) -> str:
    return "test" if root.resolve().name.lower().endswith(("_test", "_testing")) else "train"
