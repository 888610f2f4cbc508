"""The header of an OpenEXR file, read without the library: cheap, bounded, and with reasons when it is bad.

References:  [openexr_layout]
"""

import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from relume.errors import UnreadableFile, UnsupportedFormat

MAGIC = b"\x76\x2f\x31\x01"
COMPRESSIONS = (
    "none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB",
    "HTJ2K256", "HTJ2K32", "LJ2K", "ZSTD",
)  # fmt: skip
_LINES_PER_CHUNK = {
    "none": 1, "RLE": 1, "ZIPS": 1, "ZIP": 16, "PIZ": 32, "PXR24": 16, "B44": 32, "B44A": 32,
    "DWAA": 32, "DWAB": 256,
}  # fmt: skip
_Attributes = dict[str, tuple[str, bytes]]  # name → type, value
_SAMPLES = ("uint", "half", "float")
_DEEP, _MULTIPART = 0x800, 0x1000

# A name is at most 255 bytes long. Values that matter here are short; longer ones (previews) are skipped.
_LONGEST_NAME = 255
_LONGEST_VALUE = 1 << 16
_MOST_ATTRIBUTES = 4096
_MOST_PARTS = 1024

# Windows far larger than what they hold, as damaged headers have, are refused before memory is taken.
_LARGEST_FRAME = 1 << 25
_LARGEST_TILE = 1 << 24
_FRAME_PER_DATA = 64


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels; the corners belong to it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left + 1

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top + 1

    @property
    def area(self) -> int:
        """Pixels, 0 where a corner lies on the wrong side."""
        return max(self.width, 0) * max(self.height, 0)

    def slices(self, outer: "Window") -> tuple[slice, slice]:
        """Rows and columns of this window in an array that covers the outer one."""
        top, left = self.top - outer.top, self.left - outer.left
        return slice(top, top + self.height), slice(left, left + self.width)


@dataclass(frozen=True)
class Channel:
    """How one channel is stored."""

    sample: str
    """"uint", "half" or "float"."""
    sampling: tuple[int, int]
    """One sample per so many columns and rows."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is known of the first part of a file."""

    channels: dict[str, Channel]
    data_window: Window
    display_window: Window
    compression: str
    tile: tuple[int, int] | None
    """Width and height of the tiles; None: stored by lines."""
    parts: int
    numbers: dict[str, float]
    """The attributes of type float and int."""
    texts: dict[str, str]
    """The attributes of type string."""
    chromaticities: tuple[float, ...] = ()


def read_header(path: Path) -> Header:
    """The header of the first part.

    Raises:
        UnreadableFile: damaged or cut short, so that some or all of the pixels are missing.
        UnsupportedFormat: deep pixels.
    """
    with path.open("rb") as file:
        (flags,) = struct.unpack("<4xI", _take(file, 8, path))
        attributes = _attributes(file, path)
        if flags & _DEEP or attributes.get("type", ("", b""))[1].startswith(b"deep"):
            raise UnsupportedFormat(path, "holds deep pixels; flatten it to one colour per pixel first.")
        parts = 1
        while flags & _MULTIPART and parts < _MOST_PARTS and _attributes(file, path):
            parts += 1
        header = _header(attributes, tiled="tiles" in attributes, parts=parts, path=path)
        if not flags & _MULTIPART:
            _check_chunks(file, header, path)
    return header


def _take(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise UnreadableFile(path, "is cut short: it ends within its header.")
    return data


def _name(file: BinaryIO, path: Path) -> str:
    name = bytearray()
    while (byte := _take(file, 1, path)) != b"\0":
        name += byte
        if len(name) > _LONGEST_NAME:
            raise UnreadableFile(path, "has a damaged header: a name in it does not end.")
    return name.decode("utf-8", "replace")


def _attributes(file: BinaryIO, path: Path) -> _Attributes:
    """Name → type and raw value, up to the empty name that ends a header."""
    found: _Attributes = {}
    for _ in range(_MOST_ATTRIBUTES):
        name = _name(file, path)
        if not name:
            return found
        kind = _name(file, path)
        (size,) = struct.unpack("<i", _take(file, 4, path))
        if size < 0:
            raise UnreadableFile(path, f"has a damaged header: {name!r} in it has a size of {size} bytes.")
        if size > _LONGEST_VALUE:
            file.seek(size, os.SEEK_CUR)
        else:
            found[name] = kind, _take(file, size, path)
    raise UnreadableFile(path, f"has a damaged header: more than {_MOST_ATTRIBUTES} entries.")


def _header(attributes: _Attributes, *, tiled: bool, parts: int, path: Path) -> Header:
    try:
        header = Header(
            channels=_channels(attributes["channels"][1]),
            data_window=Window(*struct.unpack("<4i", attributes["dataWindow"][1])),
            display_window=Window(*struct.unpack("<4i", attributes["displayWindow"][1])),
            compression=_compression(attributes["compression"][1]),
            tile=struct.unpack_from("<II", attributes["tiles"][1]) if tiled else None,
            parts=parts,
            numbers=_numbers(attributes),
            texts={
                n: v.decode("utf-8", "replace") for n, (kind, v) in attributes.items() if kind == "string"
            },
            chromaticities=_chromaticities(attributes),
        )
    except (KeyError, ValueError, IndexError, struct.error) as error:
        raise UnreadableFile(
            path, "has a damaged header: channels, windows or compression are missing or make no sense."
        ) from error
    _check_sizes(header, path)
    return header


def _channels(value: bytes) -> dict[str, Channel]:
    channels = {}
    while value != b"\0":
        name, rest = value.split(b"\0", 1)
        sample, x_sampling, y_sampling = struct.unpack_from("<i4xii", rest)
        if min(sample, x_sampling - 1, y_sampling - 1) < 0:
            raise ValueError("the list of channels")
        channels[name.decode("utf-8", "replace")] = Channel(_SAMPLES[sample], (x_sampling, y_sampling))
        value = rest[16:]
    return channels


def _compression(value: bytes) -> str:
    (number,) = value
    return COMPRESSIONS[number] if number < len(COMPRESSIONS) else f"number {number}"


def _numbers(attributes: _Attributes) -> dict[str, float]:
    layouts = {"float": "<f", "double": "<d", "int": "<i"}
    return {
        name: struct.unpack(layouts[kind], value)[0]
        for name, (kind, value) in attributes.items()
        if kind in layouts
    }


def _chromaticities(attributes: _Attributes) -> tuple[float, ...]:
    kind, value = attributes.get("chromaticities", ("", b""))
    return struct.unpack("<8f", value) if kind == "chromaticities" else ()


def _check_sizes(header: Header, path: Path) -> None:
    data, frame = header.data_window, header.display_window
    if not data.area or not frame.area:
        raise UnreadableFile(path, "has a damaged header: its windows hold no pixels.")
    if frame.area > max(_LARGEST_FRAME, _FRAME_PER_DATA * data.area):
        raise UnreadableFile(
            path,
            f"has a damaged header: {data.width} × {data.height} pixels in a frame of "
            f"{frame.width} × {frame.height}.",
        )
    if header.tile and math.prod(header.tile) > max(_LARGEST_TILE, data.area):
        width, height = header.tile
        raise UnreadableFile(path, f"has a damaged header: tiles of {width} × {height} pixels.")


def _check_chunks(file: BinaryIO, header: Header, path: Path) -> None:
    """Find a file that was cut short by its table of chunks, before the library stumbles over it."""
    lines = _LINES_PER_CHUNK.get(header.compression)
    if header.tile or lines is None:
        return
    count = math.ceil(header.data_window.height / lines)
    table = file.read(8 * count)
    offsets = np.frombuffer(table[: len(table) // 8 * 8], dtype="<u8")
    end = file.seek(0, os.SEEK_END)
    starts = offsets[(offsets > 0) & (offsets + 8 <= end)]
    missing = count - len(starts)
    if not missing:
        # Each chunk: its first line, its size, that many bytes.
        file.seek(int(starts.max()) + 4)
        size = int.from_bytes(file.read(4), "little")
        missing = int(file.tell() + size > end)
    if missing:
        raise UnreadableFile(path, f"is cut short: {missing} of its {count} blocks of lines are missing.")
