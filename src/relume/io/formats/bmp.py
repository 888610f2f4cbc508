"""BMP, read only: 8 bits, sRGB unless a profile is embedded.

References:  Microsoft, Bitmap Header Types (BITMAPINFOHEADER to BITMAPV5HEADER).
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relume.image import Image
from relume.io import icc
from relume.io.formats.format import FileInfo, Format

if TYPE_CHECKING:
    from PIL.BmpImagePlugin import BmpImageFile

_CHANNELS = {"1": "palette", "P": "palette", "L": "Y", "RGB": "RGB", "RGBA": "RGBA"}
_FILE_HEADER = 14
_V5_HEADER = 124
_EMBEDDED = b"DEBM"  # 'MBED', read as a number


def probe(path: Path) -> FileInfo:
    """What the header says."""
    profile, tags = icc.interpret(_profile(path))
    with _open(path) as file:
        return FileInfo(
            path=path,
            format=FORMAT.name,
            width=file.width,
            height=file.height,
            channels=_CHANNELS.get(file.mode, file.mode),
            sample="8 bit",
            encoding=profile.encoding,
            tags=tags,
        )


def read(path: Path) -> Image:
    """Decode the picture."""
    profile, _ = icc.interpret(_profile(path))
    with _open(path) as file:
        samples = np.asarray(file if file.mode == "RGBA" else file.convert("RGB"))
    pixels, alpha = icc.decode(samples, profile, top=255)
    return Image(pixels, profile.encoding, alpha)


def _open(path: Path) -> "BmpImageFile":
    # The plugin itself: Image.open would refuse, or warn of, what it holds to be too large; that we decide.
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile(path)


def _profile(path: Path) -> bytes:
    """The profile that a header of version 5 points to."""
    with path.open("rb") as file:
        header = file.read(_FILE_HEADER + _V5_HEADER)[_FILE_HEADER:]
        if len(header) < _V5_HEADER or header[56:60] != _EMBEDDED or header[0] < _V5_HEADER:
            return b""
        offset, size = struct.unpack_from("<II", header, 112)
        file.seek(_FILE_HEADER + offset)
        return file.read(size)


FORMAT = Format(name="BMP", suffixes=(".bmp", ".dib"), signatures=(b"BM",), probe=probe, read=read)
