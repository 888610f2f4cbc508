"""EXIF: what a camera says of a picture, out of a block of bytes and back into one.

The block is a small TIFF file, so the same reader serves JPEG, PNG and WebP, which carry it whole, and TIFF
itself, where the picture's own directory is the first one of the block.

References:  CIPA DC-008-2023 (Exif 3.0), section 4.6; TIFF 6.0, section 2; BigTIFF for the 64-bit layout.
"""

import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np

from relume.image import Metadata

Buffer = bytes | mmap.mmap

PREFIX = b"Exif\0\0"
"""What JPEG, and some writers of WebP and PNG, put before the block."""

# Field types of TIFF and the struct codes of one value; a rational is two.
_ASCII, _SHORT, _LONG, _RATIONAL, _SIGNED_RATIONAL = 2, 3, 4, 5, 10
_FORMATS = {
    1: "B",
    _SHORT: "H",
    _LONG: "I",
    _RATIONAL: "II",
    9: "i",
    _SIGNED_RATIONAL: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
}
_TEXTS = (_ASCII, 129)

_ORIENTATION, _DATE_TIME, _EXIF_DIRECTORY, _DATE_TIME_ORIGINAL = 0x0112, 0x0132, 0x8769, 0x9003
_DATE_TIME_DIGITIZED, _SUBSECONDS_ORIGINAL = 0x9004, 0x9291

# Name in `Metadata` → tag and its type, for the picture's directory and for the camera's.
_PICTURE_TAGS = {
    "description": (0x010E, _ASCII),
    "make": (0x010F, _ASCII),
    "model": (0x0110, _ASCII),
    "copyright": (0x8298, _ASCII),
}
_CAMERA_TAGS = {
    "exposure_time": (0x829A, _RATIONAL),
    "exposure_bias": (0x9204, _SIGNED_RATIONAL),
    "f_number": (0x829D, _RATIONAL),
    "iso": (0x8827, _SHORT),
    "focal_length": (0x920A, _RATIONAL),
    "lens": (0xA434, _ASCII),
}
_WANTED = {
    _ORIENTATION,
    _DATE_TIME,
    _EXIF_DIRECTORY,
    _DATE_TIME_ORIGINAL,
    _DATE_TIME_DIGITIZED,
    _SUBSECONDS_ORIGINAL,
    *(code for code, _ in (*_PICTURE_TAGS.values(), *_CAMERA_TAGS.values())),
}

# Larger values, and more entries than that, are no EXIF that a camera wrote.
_MOST_BYTES = 1 << 16
_MOST_ENTRIES = 1024
# All five texts together fit into the 64 KiB that JPEG has for a block.
_LONGEST_TEXT = 12 << 10

# Orientation → (swap rows and columns first, step along the rows, step along the columns).
_TURNS = {
    1: (False, 1, 1),
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


@dataclass(frozen=True, kw_only=True)
class Exif:
    """What a block says."""

    metadata: Metadata = field(default_factory=Metadata)
    orientation: int = 1
    """1 to 8: how the stored rows and columns lie in the picture as it is seen."""

    @property
    def swaps_sides(self) -> bool:
        """Whether the picture as seen is as wide as the stored one is high."""
        return _TURNS[self.orientation][0]

    def upright(self, samples: np.ndarray) -> np.ndarray:
        """A view of stored samples (height, width, channels) the way the picture is seen."""
        swap, down, across = _TURNS[self.orientation]
        turned = samples.swapaxes(0, 1) if swap else samples
        return turned[::down, ::across]

    def as_stored(self, samples: np.ndarray) -> np.ndarray:
        """A view of upright samples (height, width, channels) the way they are stored; undoes `upright`."""
        swap, down, across = _TURNS[self.orientation]
        turned = samples[::down, ::across]
        return turned.swapaxes(0, 1) if swap else turned


def parse(block: Buffer) -> Exif:
    """What a block says of the picture; what cannot be understood is left out, nothing is raised."""
    tags = _tags(block[len(PREFIX) :] if block[: len(PREFIX)] == PREFIX else block)
    wanted = {**_PICTURE_TAGS, **_CAMERA_TAGS}
    values = {name: _FIELDS.get(kind, _positive)(tags.get(code)) for name, (code, kind) in wanted.items()}
    orientation = _number(tags.get(_ORIENTATION))
    return Exif(
        metadata=Metadata(date=_date(tags), **values),  # type: ignore[arg-type]
        orientation=int(orientation) if orientation in _TURNS else 1,
    )


def build(metadata: Metadata) -> bytes:
    """A block with what is known, for an upright picture; empty where nothing is known."""
    if not metadata:
        return b""
    return struct.pack("<2sHI", b"II", 42, 8) + directories(metadata, offset=8)


def build_orientation(orientation: int) -> bytes:
    """A block that says how the stored rows and columns lie, and nothing else."""
    entry = struct.pack("<HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    return struct.pack("<2sHIH", b"II", 42, 8, 1) + entry + bytes(4)


def directories(metadata: Metadata, *, offset: int, existing: bytes = b"") -> bytes:
    """The picture's directory and the camera's, little-endian, as they stand at that offset of a file.

    Args:
        metadata: what to write.
        offset: where the bytes will lie; even.
        existing: entries of 12 bytes that the picture's directory has already; they win over ours.
    """
    picture = {code: _entry(kind, getattr(metadata, name)) for name, (code, kind) in _PICTURE_TAGS.items()}
    camera = {code: _entry(kind, getattr(metadata, name)) for name, (code, kind) in _CAMERA_TAGS.items()}
    picture[_ORIENTATION] = _entry(_SHORT, 1)
    if metadata.date is not None:
        picture[_DATE_TIME] = camera[_DATE_TIME_ORIGINAL] = _entry(
            _ASCII, f"{metadata.date:%Y:%m:%d %H:%M:%S}"
        )
        if metadata.date.microsecond:
            camera[_SUBSECONDS_ORIGINAL] = _entry(_ASCII, f"{metadata.date:%f}".rstrip("0"))
    picture[_EXIF_DIRECTORY] = _entry(_LONG, 0)
    size = len(_directory(picture, offset, existing))
    picture[_EXIF_DIRECTORY] = _entry(_LONG, offset + size)
    return _directory(picture, offset, existing) + _directory(camera, offset + size)


_Entry = tuple[int, int, bytes]
"""Type, count and value."""


def _entry(kind: int, value: Any) -> _Entry | None:
    """The entry of a value; None where there is none, or none that the type can hold."""
    if value is None:
        return None
    if kind == _ASCII:
        text = str(value).encode(errors="replace") + b"\0"
        return (kind, len(text), text) if len(text) <= _LONGEST_TEXT else None
    if kind == _SIGNED_RATIONAL:
        if not abs(value) < 2**10:
            return None
        return kind, 1, struct.pack("<ii", *Fraction(value).limit_denominator(10**6).as_integer_ratio())
    if not 0 <= value < 2**32 - 1:
        return None
    if kind == _RATIONAL:
        return kind, 1, struct.pack("<II", *_ratio(float(value)).as_integer_ratio())
    # ISO is a SHORT by the standard; the fastest cameras have more than it holds, and readers take a LONG.
    if kind == _SHORT and round(value) < 2**16:
        return kind, 1, struct.pack("<H", round(value))
    return _LONG, 1, struct.pack("<I", round(value))


def _ratio(value: float) -> Fraction:
    """A simple fraction of 32-bit numbers: 1/250 rather than 0.004 as a float has it."""
    most = 10**6 if value < 4000 else 1
    return Fraction(value).limit_denominator(most) or Fraction(value).limit_denominator(2**32 - 1)


def _directory(entries: dict[int, _Entry | None], offset: int, existing: bytes = b"") -> bytes:
    """One directory followed by the values that do not fit into its entries."""
    rows = {
        struct.unpack_from("<H", existing, at)[0]: existing[at : at + 12]
        for at in range(0, len(existing), 12)
    }
    ours = {code: entry for code, entry in entries.items() if entry is not None and code not in rows}
    start = offset + 2 + 12 * (len(rows) + len(ours)) + 4
    data = b""
    for code, (kind, count, value) in ours.items():
        inline = value if len(value) <= 4 else struct.pack("<I", start + len(data))
        rows[code] = struct.pack("<HHI4s", code, kind, count, inline)
        if len(value) > 4:
            data += value + b"\0" * (len(value) % 2)
    return struct.pack("<H", len(rows)) + b"".join(row for _, row in sorted(rows.items())) + bytes(4) + data


def _tags(block: Buffer) -> dict[int, Any]:
    """Tag → text or first number, of the first directory and of the camera's that it points to."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(block[:2]))
    if order is None or len(block) < 16:
        return {}
    magic, first = struct.unpack_from(order + "HI", block, 2)
    if magic == 43:
        first = struct.unpack_from(order + "Q", block, 8)[0]
    elif magic != 42:
        return {}
    tags = _entries(block, order, first, big=magic == 43)
    camera = _positive(tags.get(_EXIF_DIRECTORY))
    if camera is not None:
        tags = {**_entries(block, order, int(camera), big=magic == 43), **tags}
    return tags


def _entries(block: Buffer, order: str, offset: int, *, big: bool) -> dict[int, Any]:
    counter, head, word = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    length = struct.calcsize(order + head) + word
    start = offset + struct.calcsize(counter)
    if offset < 0 or start > len(block):
        return {}
    (count,) = struct.unpack_from(order + counter, block, offset)
    tags = {}
    for at in range(start, min(start + length * min(count, _MOST_ENTRIES), len(block) - length + 1), length):
        code, kind, number = struct.unpack_from(order + head, block, at)
        if (
            code in _WANTED
            and (value := _value(block, order, at + length - word, kind, number, word)) is not None
        ):
            tags[code] = value
    return tags


def _value(block: Buffer, order: str, at: int, kind: int, count: int, word: int) -> str | float | None:
    """The text, or the first of the numbers, of an entry whose value or offset stands at `at`."""
    single = 1 if kind in _TEXTS else struct.calcsize(order + _FORMATS.get(kind, ""))
    size = single * count
    if not 0 < size <= _MOST_BYTES:
        return None
    if size > word:
        (at,) = struct.unpack_from(order + ("Q" if word == 8 else "I"), block, at)
    if at + size > len(block):
        return None
    if kind in _TEXTS:
        return _decoded(bytes(block[at : at + size]))
    numbers = struct.unpack_from(order + _FORMATS[kind], block, at)
    if len(numbers) == 2:
        return numbers[0] / numbers[1] if numbers[1] else None
    return float(numbers[0])


def _decoded(text: bytes) -> str:
    """ASCII by the standard, UTF-8 or Latin-1 in fact; parts that NULs divide are joined by commas."""
    parts = (part for part in text.split(b"\0") if part.strip())
    joined = b", ".join(part.strip() for part in parts)
    try:
        return joined.decode()
    except UnicodeDecodeError:
        return joined.decode("latin-1")


def _text(value: Any) -> str | None:
    return value or None if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, float) else None


def _positive(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 < number < float("inf") else None


def _date(tags: dict[int, Any]) -> datetime | None:
    """When the picture was taken; the time of digitising or of the file where that is not said."""
    for code in (_DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED, _DATE_TIME):
        try:
            date = datetime.strptime(tags.get(code) or "", "%Y:%m:%d %H:%M:%S")
        except (TypeError, ValueError):
            continue
        digits = tags.get(_SUBSECONDS_ORIGINAL) if code == _DATE_TIME_ORIGINAL else None
        if isinstance(digits, str) and digits.isascii() and digits.isdigit():
            date = date.replace(microsecond=int(digits[:6].ljust(6, "0")))
        return date
    return None


# Type of a tag → what makes the field of its value; the others hold positive numbers.
_FIELDS: dict[int, Callable[[Any], str | float | None]] = {_ASCII: _text, _SIGNED_RATIONAL: _number}
