"""The scanlines of Radiance pictures: run-length encoded by component, by pixel, or not at all.

References:  [radiance_formats], pictures.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int, UInt8

# A scanline encoded by component begins 2, 2 and its length in two bytes; others have no room for that.
_SHORTEST, _LONGEST = 8, 0x7FFF
_LONGEST_RUN, _LONGEST_LITERAL = 127, 128
_WORTH_A_RUN = 4
_STRIP_PIXELS = 1 << 16
_MOST_SHIFTS = 4


def has_runs(data: bytes, length: int) -> bool:
    """Whether scanlines of that many pixels are encoded by component, judged by the first."""
    return _SHORTEST <= length <= _LONGEST and data[:4] == _marker(length)


def _marker(length: int) -> bytes:
    return bytes((2, 2, length >> 8, length & 255))


def decode_runs(data: bytes, count: int, length: int) -> Iterator[UInt8[np.ndarray, "rows 4 length"]]:
    """Scanlines encoded by component, some at a time.

    Raises:
        ValueError: they do not decode; the text says where.
    """
    position = 0
    stored = np.frombuffer(data, np.uint8)
    for first in range(0, count, rows := max(1, _STRIP_PIXELS // length)):
        start = position
        markers: list[int] = []
        codes: list[int] = []
        for scanline in range(first, min(first + rows, count)):
            markers.append(position)
            position = _follow(data, position, length, codes)
            if position > len(data):
                raise ValueError(f"scanline {scanline + 1} of {count} is not whole")
        times = _times(stored, start, position, markers, codes)
        yield np.repeat(stored[start:position], times).reshape(-1, 4, length)


def _follow(data: bytes, position: int, length: int, codes: list[int]) -> int:
    """Note where the codes of one scanline stand; where the next one begins, or a place beyond the end."""
    beyond = len(data) + 1
    if data[position : position + 4] != _marker(length):
        return beyond
    position += 4
    for _ in range(4):
        filled = 0
        while filled < length:
            if position >= len(data):
                return beyond
            codes.append(position)
            code = data[position]
            if code > _LONGEST_LITERAL:
                filled += code - _LONGEST_LITERAL
                position += 2
            else:
                filled += code
                position += code + 1
        if filled > length:
            return beyond
    return position


def _times(
    stored: UInt8[np.ndarray, "size"], start: int, stop: int, markers: list[int], codes: list[int]
) -> Int[np.ndarray, "part"]:
    """How often each byte from start to stop stands in the result: not if it is a code, else as that says."""
    times = np.ones(stop - start, np.intp)
    for offset in range(4):
        times[np.array(markers) - start + offset] = 0
    at = np.array(codes)
    times[at - start] = 0
    runs = at[stored[at] > _LONGEST_LITERAL]
    times[runs - start + 1] = stored[runs] - _LONGEST_LITERAL
    return times


def decode_pixels(data: bytes, count: int, length: int) -> Iterator[UInt8[np.ndarray, "rows 4 length"]]:
    """Scanlines of whole pixels, of which (1, 1, 1, n) repeats the one before n times, or of flat pixels.

    Raises:
        ValueError: there are too few, or a repetition is out of place.
    """
    stored = np.frombuffer(data, np.uint32, len(data) // 4).copy()
    parts = stored.view(np.uint8).reshape(-1, 4)
    repeats = np.flatnonzero((parts[:, :3] == 1).all(1))
    times = np.ones(len(stored), np.int64)
    if len(repeats):
        # Repetitions in a row are the digits of one number, the lowest first.
        begins = np.diff(repeats, prepend=-2) != 1
        digit = np.arange(len(repeats)) - np.maximum.accumulate(np.where(begins, np.arange(len(repeats)), 0))
        if repeats[0] == 0 or digit.max() >= _MOST_SHIFTS:
            raise ValueError("a repetition is out of place")
        times[repeats] = parts[repeats, 3].astype(np.int64) << 8 * digit
        stored[repeats] = stored[repeats - digit - 1]
    total = times.cumsum()
    last = int(np.searchsorted(total, count * length))
    if last == len(total) or total[last] != count * length:
        raise ValueError(f"it holds {total[-1] if len(total) else 0} pixels rather than {count * length}")
    pixels = np.repeat(stored[: last + 1], times[: last + 1]).view(np.uint8).reshape(count, length, 4)
    for first in range(0, count, rows := max(1, _STRIP_PIXELS // length)):
        yield pixels[first : first + rows].transpose(0, 2, 1)


def encode_runs(scanlines: UInt8[np.ndarray, "rows 4 length"]) -> bytes:
    """Scanlines encoded by component, or flat where their length does not allow that."""
    length = scanlines.shape[2]
    if not _SHORTEST <= length <= _LONGEST:
        return scanlines.transpose(0, 2, 1).tobytes()
    lines = scanlines.reshape(-1, length)
    in_run, edge = _runs(lines)
    start, size = _pieces(in_run.ravel(), edge.ravel())
    is_run = in_run.ravel()[start]
    # Before each code come, at the beginning of a scanline, four bytes of marker.
    at_marker = start % (4 * length) == 0
    ends = np.cumsum(np.where(is_run, 2, size + 1) + 4 * at_marker)
    codes = ends - np.where(is_run, 2, size + 1)
    out = np.empty(ends[-1], np.uint8)
    is_literal = np.ones(len(out), bool)
    for offset, byte in enumerate(_marker(length)):
        out[codes[at_marker] - 4 + offset] = byte
        is_literal[codes[at_marker] - 4 + offset] = False
    out[codes] = np.where(is_run, size + _LONGEST_LITERAL, size)
    out[codes[is_run] + 1] = lines.ravel()[start[is_run]]
    is_literal[codes] = is_literal[codes[is_run] + 1] = False
    out[is_literal] = lines[~in_run]
    return out.tobytes()


def _runs(
    lines: UInt8[np.ndarray, "lines length"],
) -> tuple[Bool[np.ndarray, "lines length"], Bool[np.ndarray, "lines length"]]:
    """Whether a byte belongs to a run worth encoding; whether a run, or a stretch without, begins there."""
    like_left = np.zeros(lines.shape, bool)
    np.equal(lines[:, 1:], lines[:, :-1], out=like_left[:, 1:])
    begins = like_left[:, 1:-2] & like_left[:, 2:-1] & like_left[:, 3:]
    in_run = np.zeros(lines.shape, bool)
    for offset in range(_WORTH_A_RUN):
        in_run[:, offset : offset + begins.shape[1]] |= begins
    edge = np.ones(lines.shape, bool)
    edge[:, 1:] = (in_run[:, 1:] != in_run[:, :-1]) | (in_run[:, 1:] & ~like_left[:, 1:])
    return in_run, edge


def _pieces(
    in_run: Bool[np.ndarray, "size"], edge: Bool[np.ndarray, "size"]
) -> tuple[Int[np.ndarray, "pieces"], Int[np.ndarray, "pieces"]]:
    """Start and size of what one code can say: segments from edge to edge, cut where they are too long."""
    start = np.flatnonzero(edge)
    size = np.diff(start, append=len(edge))
    limit = np.where(in_run[start], _LONGEST_RUN, _LONGEST_LITERAL)
    count = -(-size // limit)
    whole = np.repeat(np.arange(len(start)), count)
    done = (np.arange(len(whole)) - (np.cumsum(count) - count)[whole]) * limit[whole]
    return start[whole] + done, np.minimum(limit[whole], size[whole] - done)
