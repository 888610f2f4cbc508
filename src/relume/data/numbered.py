"""HDR-Eye and RAISE as the papers on single-image HDR convert them: a folder for each picture.

Certain, from the conversion scripts of DuHDR: RAISE has `NUMBER/gt.hdr` and `NUMBER/input.jpg` for 16 308
numbers of five digits, HDR-Eye `NUMBER/gt.hdr` for 46; copies of both lie in `HDR/NUMBER.hdr` and
`LDR/NUMBER.jpg`. Others keep HDR-Eye in `HDR_gt` and `LDR_in`.
Inferred: that the input of HDR-Eye is `input` or, as in the results of SingleHDR, `in`, of any SDR format.
The nine brackets of the original HDR-Eye are not read: where they lie could not be established.

Both serve the papers for testing only, so every sample is of the split "test".

References:  [nemoto2015]; [dangnguyen2015]; [liu2020]; [duhdr2023].
"""

from pathlib import Path

from relume.data.files import HDR_SUFFIXES, SDR_SUFFIXES, by_key, matched, pictures, subfolder
from relume.data.sample import Exposure, Sample, missing_layout

LAYOUT = "NUMBER/gt.hdr and NUMBER/input.jpg, or HDR/NUMBER.hdr and LDR/NUMBER.jpg, or HDR_gt and LDR_in"

_HDR, _SDR = ("HDR", "HDR_gt"), ("LDR", "LDR_in")
_TRUTH, _INPUTS = "gt", ("input", "in")


def find(folder: Path) -> list[Sample]:
    """The pairs of a folder.

    Raises:
        UnreadableFile: another layout, or a picture without its partner.
    """
    hdr_folder, sdr_folder = subfolder(folder, _HDR), subfolder(folder, _SDR)
    if hdr_folder is not None and sdr_folder is not None:
        hdr = by_key(pictures(hdr_folder, HDR_SUFFIXES))
        sdr = by_key(pictures(sdr_folder, SDR_SUFFIXES))
    else:
        hdr = {path.parent.name: path for path in _inside(folder, HDR_SUFFIXES, (_TRUTH,))}
        sdr = {path.parent.name: path for path in _inside(folder, SDR_SUFFIXES, _INPUTS)}
    if not hdr:
        raise missing_layout(folder, LAYOUT)
    exposures = {key: [Exposure(path=path)] for key, path in sdr.items()}
    return [
        Sample(scene=key, hdr=sample.hdr, sdr=sample.sdr, split="test")
        for key, sample in matched(hdr, exposures)
    ]


def _inside(folder: Path, suffixes: tuple[str, ...], stems: tuple[str, ...]) -> list[Path]:
    """The pictures with one of the stems in the sub-folders, by the names of these."""
    found = [path for path in folder.glob("*/*") if path.suffix.lower() in suffixes]
    return sorted(path for path in found if path.stem.lower() in stems)
