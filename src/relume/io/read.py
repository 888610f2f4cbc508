"""Read a picture file of any known format."""

from pathlib import Path

import psutil

from relume.errors import MemoryLimitError
from relume.image import Image
from relume.io.formats import FileInfo
from relume.io.probe import decoding, identify

# The picture as float32 with alpha and once more what it is decoded from.
_BYTES_PER_PIXEL = 32


def read(path: str | Path, *, gain_map: bool = True) -> Image:
    """The picture in a file, with the meaning of its values.

    Convention:  what the content says it is, whatever the suffix. Values are as stored: in the encoding that
        the file names, nothing clipped, NaN and infinities kept; upright; straight alpha. A photograph with
        a gain map (Ultra HDR) is linear light, in full, with the white of its SDR picture at 203 cd/m².

    Args:
        path: of any name.
        gain_map: whether to apply a gain map; without it, the SDR picture of such a file.

    Raises:
        UnreadableFile: no such file, no permission, damaged or cut short.
        UnsupportedFormat: not a picture, or one of a kind that is not read.
        MemoryLimitError: larger than the memory that is free.
    """
    path = Path(path)
    row = identify(path)
    with decoding(path, row):
        _check_memory(row.probe(path))
        return row.read(path) if gain_map or row.read_base is None else row.read_base(path)


def _check_memory(info: FileInfo) -> None:
    needed = info.width * info.height * _BYTES_PER_PIXEL
    free = psutil.virtual_memory().available
    if needed > free:
        raise MemoryLimitError(
            f"{info.path}: {info.width} × {info.height} pixels need about {needed / 2**30:.1f} GiB "
            f"to be read and {free / 2**30:.1f} GiB are free."
        )
