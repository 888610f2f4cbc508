"""LDR-HDR-pair: three exposures of each scene, and the light merged from them.

Certain, from the published folder: `HDR/HDR_001.hdr` and `LDR_exposure_+2`, `LDR_exposure_0`,
`LDR_exposure_-2`, each with `LDR_001.jpg` and so on; the numbers pair them. The names give the stops.
Some loaders move the three into a folder `LDR`, which is accepted.

References:  [jang2020], section 4: 450 scenes, 1024 × 1024, merged after Debevec and Malik.
"""

from collections import defaultdict
from pathlib import Path

from relume.data.files import HDR_SUFFIXES, SDR_SUFFIXES, by_key, matched, pictures, subfolder
from relume.data.sample import Exposure, Sample, missing_layout

LAYOUT = "HDR/HDR_001.hdr and LDR_exposure_0/LDR_001.jpg, LDR_exposure_+2, LDR_exposure_-2"

_STOPS = {"LDR_exposure_-2": -2.0, "LDR_exposure_0": 0.0, "LDR_exposure_+2": 2.0}


def find(folder: Path) -> list[Sample]:
    """The scenes with those of their exposures that are there.

    Raises:
        UnreadableFile: another layout, light without any exposure, or an exposure without light.
    """
    hdr_folder = subfolder(folder, ["HDR"])
    if hdr_folder is None:
        raise missing_layout(folder, LAYOUT)
    root = subfolder(folder, ["LDR"]) or folder
    exposures: dict[str, list[Exposure]] = defaultdict(list)
    for name, stops in _STOPS.items():
        if (sdr_folder := subfolder(root, [name])) is not None:
            for key, path in by_key(pictures(sdr_folder, SDR_SUFFIXES), numbered=True).items():
                exposures[key].append(Exposure(path=path, stops=stops))
    if not exposures:
        raise missing_layout(folder, LAYOUT)
    hdr = by_key(pictures(hdr_folder, HDR_SUFFIXES), numbered=True)
    return [sample for _, sample in matched(hdr, exposures)]
