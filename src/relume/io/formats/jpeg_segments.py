"""The segments that a JPEG file consists of: walk them, find where the picture ends, write one.

References:  ITU-T T.81, annex B (markers).
"""

import re
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

from relume.errors import UnreadableFile

START, END, SCAN = 0xD8, 0xD9, 0xDA
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
APPLICATION = range(0xE0, 0xF0)
COMMENT = 0xFE
_STANDALONE = {0x01, *range(0xD0, 0xD8)}

# Bytes between segments, which no sound file has.
_MOST_PADDING = 1 << 16

MOST_PAYLOAD = 0xFFFF - 2
"""Bytes that one segment holds."""

# In compressed data, 0xFF is followed by zero, a restart marker or another 0xFF unless a segment begins.
_NEXT_SEGMENT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Segment(NamedTuple):
    """A marker with what belongs to it."""

    marker: int
    payload: bytes
    offset: int
    """Where the payload begins, from the start of the file."""


def segments(path: Path, file: BufferedIOBase) -> Iterator[Segment]:
    """The segments up to the head of the first scan; the file then stands at the scan's data.

    Raises:
        UnreadableFile: no JPEG, or one that ends before its picture begins.
    """
    if file.read(2) != bytes((0xFF, START)):
        raise UnreadableFile(path, "is no JPEG: it does not begin like one.")
    marker = 0
    while marker != SCAN:
        marker = _next_marker(file)
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(file.read(2))
        offset = file.tell()
        payload = file.read(max(length - 2, 0))
        if marker in (0, END) or len(payload) != length - 2:
            raise UnreadableFile(
                path, "is cut short or damaged: it ends before its picture begins; get a whole copy."
            )
        yield Segment(marker, payload, offset)


def _next_marker(file: BufferedIOBase) -> int:
    """The code behind the next 0xFF bytes, skipping a little of what does not belong there; 0 without one."""
    before = b""
    for _ in range(_MOST_PADDING):
        byte = file.read(1)
        if not byte or (before == b"\xff" != byte):
            return byte[0] if byte else 0
        before = byte
    return 0


def end_of_picture(data: bytes, scan: int) -> int | None:
    """The position behind the end marker of a picture whose first scan begins there; None without one."""
    position = scan
    while (match := _NEXT_SEGMENT.search(data, position)) is not None:
        if data[match.start() + 1] == END:
            return match.end()
        position = match.end() + int.from_bytes(data[match.end() : match.end() + 2])
    return None


def segment(marker: int, payload: bytes) -> bytes:
    """The bytes of a segment."""
    assert len(payload) <= MOST_PAYLOAD
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2) + payload
