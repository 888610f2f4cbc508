"""Ultra HDR photographs: an SDR picture and, through its gain map, the light that the camera merged.

`relume.io.read` gives the light, in full and with 1.0 at the white of the SDR picture.

References:  [iso21496]; [ultrahdr].
"""

from pathlib import Path

from relume.data.files import pictures
from relume.data.sample import Exposure, Sample, missing_layout
from relume.io.probe import probe

LAYOUT = "JPEG files with a gain map (Ultra HDR), in sub-folders or not"


def find(folder: Path) -> list[Sample]:
    """The JPEG files with a gain map; others are left out.

    Raises:
        UnreadableFile: there is none, or a JPEG file is damaged.
    """
    paths = pictures(folder, (".jpg", ".jpeg"), recursive=True)
    found = [path for path in paths if probe(path).encoding.is_hdr]
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
