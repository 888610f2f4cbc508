"""SI-HDR: 181 scenes merged from five raw exposures, and SDR pictures of them that clip 5 % and 3 %.

Certain, from loaders and evaluation scripts: the light lies in `reference/`, the two simulated exposures are
called `clip_95` and `clip_97`, and the names of files are numbers of three digits.
Inferred: that the SDR pictures lie in folders of those names beside `reference`, in `input` in some copies.

A data set to compare methods on, so every sample is of the split "test".

References:  [hanji2022], section 3.
"""

from collections import defaultdict
from pathlib import Path

from relume.data.files import HDR_SUFFIXES, SDR_SUFFIXES, by_key, matched, pictures, subfolder
from relume.data.sample import Exposure, Sample, missing_layout

LAYOUT = "reference/001.exr and clip_95/001.png, clip_97/001.png"


def find(folder: Path) -> list[Sample]:
    """The scenes, each with the SDR pictures that are there: what clips 5 % first.

    Raises:
        UnreadableFile: another layout, or a picture without its partner.
    """
    reference = subfolder(folder, ["reference"])
    root = subfolder(folder, ["input"]) or folder
    exposures: dict[str, list[Exposure]] = defaultdict(list)
    for name in ("clip_95", "clip_97"):
        if (sdr_folder := subfolder(root, [name])) is not None:
            for key, path in by_key(pictures(sdr_folder, SDR_SUFFIXES)).items():
                exposures[key].append(Exposure(path=path))
    if reference is None or not exposures:
        raise missing_layout(folder, LAYOUT)
    return [
        Sample(scene=key, hdr=sample.hdr, sdr=sample.sdr, split="test")
        for key, sample in matched(by_key(pictures(reference, HDR_SUFFIXES)), exposures)
    ]
