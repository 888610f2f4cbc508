"""PFM, the portable float map: float32 without compression, colour or grey, from the bottom row up.

References:  [debevec_pfm]
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from relume.color.encoding import LINEAR_SCENE
from relume.color.primaries import BT709
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io.formats.format import FileInfo, Format, WriteOptions
from relume.io.formats.opacity import check_opaque

_LONGEST_HEADER = 256
_HEADER = re.compile(rb"P([Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,40})(?:\r\n|\s)")
_STRIP_BYTES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class _Header:
    channels: int
    width: int
    height: int
    scale: float
    """Of which the sign is the byte order: negative is little-endian."""
    size: int
    """Bytes before the first sample."""

    @property
    def dtype(self) -> str:
        return "<f4" if self.scale < 0 else ">f4"

    @property
    def row_bytes(self) -> int:
        return 4 * self.width * self.channels


def probe(path: Path) -> FileInfo:
    """What the header says; the format has no place for more than the size."""
    header = _read_header(path)
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.width,
        height=header.height,
        channels="RGB" if header.channels == 3 else "Y",
        sample="float",
        encoding=LINEAR_SCENE,
        tags={
            "byte order": "little-endian" if header.scale < 0 else "big-endian",
            "scale": f"{abs(header.scale):g}",
        },
    )


def read(path: Path) -> Image:
    """The picture: samples times the magnitude of the scale factor; grey becomes three equal channels.

    Convention:  taken for linear scene-referred light of BT.709 primaries, as the file does not say.
    """
    header = _read_header(path)
    pixels = torch.empty(3, header.height, header.width)
    upward = pixels.numpy()[:, ::-1]
    scale = np.float32(abs(header.scale))
    with path.open("rb") as file, np.errstate(over="ignore", invalid="ignore"):
        file.seek(header.size)
        for rows in _strips(header.height, header.row_bytes):
            count = len(rows) * header.width * header.channels
            samples = np.fromfile(file, header.dtype, count).reshape(len(rows), header.width, -1)
            np.multiply(samples.transpose(2, 0, 1), scale, out=upward[:, rows.start : rows.stop])
    return Image(pixels, LINEAR_SCENE)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write colour, little-endian, scale factor 1.

    Convention:  linear light of BT.709 primaries, as readers take it to be; the white is not kept.

    Raises:
        UnsupportedFormat: transparency.
    """
    check_opaque(path, image, format_name=FORMAT.name)
    light = image.to(replace(image.encoding.linear, primaries=BT709))
    upward = light.numpy()[::-1]
    with path.open("wb") as file:
        file.write(f"PF\n{image.width} {image.height}\n-1.0\n".encode())
        for rows in _strips(image.height, 12 * image.width):
            file.write(np.ascontiguousarray(upward[rows.start : rows.stop], dtype="<f4").data)


def _strips(height: int, row_bytes: int) -> Iterator[range]:
    """The rows, some megabytes at a time."""
    step = max(1, _STRIP_BYTES // row_bytes)
    for start in range(0, height, step):
        yield range(start, min(start + step, height))


def _read_header(path: Path) -> _Header:
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
        available = file.seek(0, os.SEEK_END)
    if head.startswith(b"PF4"):
        raise UnsupportedFormat(path, "is a PFM of four channels (PF4); expected PF (colour) or Pf (grey).")
    match = _HEADER.match(head)
    if match is None:
        raise UnreadableFile(path, "has a damaged header; expected PF or Pf, width, height and scale factor.")
    kind, width, height, scale = match.groups()
    header = _Header(
        channels=3 if kind == b"F" else 1,
        width=int(width),
        height=int(height),
        scale=_scale(scale, path),
        size=match.end(),
    )
    _check_size(header, available, path)
    return header


def _scale(text: bytes, path: Path) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if scale == 0.0 or not math.isfinite(scale):
        raise UnreadableFile(path, f"has the scale factor '{text.decode()}'; expected a number other than 0.")
    return scale


def _check_size(header: _Header, available: int, path: Path) -> None:
    needed = header.size + header.height * header.row_bytes
    if not header.width or not header.height:
        raise UnreadableFile(path, f"is {header.width} × {header.height} pixels large, which is no picture.")
    if available < needed:
        raise UnreadableFile(
            path,
            f"is cut short: {header.width} × {header.height} pixels take {needed} bytes, it has {available}.",
        )


FORMAT = Format(
    name="PFM",
    suffixes=(".pfm",),
    signatures=(*(kind + space for kind in (b"PF", b"Pf") for space in (b"\n", b"\r", b" ", b"\t")), b"PF4"),
    depths=(32,),
    hdr_depths=(32,),
    primaries=("bt709",),
    probe=probe,
    read=read,
    write=write,
)
