"""The head of a JPEG XL codestream: size, depth, colour, light. Bits are read, nothing is decoded.

References:  ISO/IEC 18181-1:2024, annexes D (headers), E (colour) and B (numbers); 18181-2, 4 (boxes).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase

from relume.color.primaries import BT709, BT2020, D65, DISPLAY_P3, Chromaticity, Primaries
from relume.io.formats.chromaticities import primaries_of

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

# Far more than the head of any codestream takes.
_HEAD_BYTES = 1 << 13
_LARGEST_EXIF = 1 << 18
_MOST_BOXES = 1 << 12
_MOST_CHANNELS = 16

# How a number is stored, by the two bits before it: (bits, offset) each.
_Sizes = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_SIDE: _Sizes = ((9, 1), (13, 1), (18, 1), (30, 1))
_ENUM: _Sizes = ((0, 0), (0, 1), (4, 2), (6, 18))
_INTEGER_BITS: _Sizes = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_BITS: _Sizes = ((0, 32), (0, 16), (0, 24), (6, 1))
_CHANNELS: _Sizes = ((0, 0), (0, 1), (4, 2), (12, 1))
_SHIFT: _Sizes = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAME: _Sizes = ((0, 0), (4, 0), (5, 16), (10, 48))
_CFA: _Sizes = ((0, 1), (2, 0), (4, 3), (8, 19))
_XY: _Sizes = ((19, 0), (19, 1 << 19), (20, 1 << 20), (21, 1 << 21))
_PREVIEW_EIGHTHS: _Sizes = ((0, 16), (0, 32), (5, 1), (9, 33))
_PREVIEW: _Sizes = ((6, 1), (8, 65), (10, 321), (12, 1345))
_TICKS: tuple[_Sizes, _Sizes, _Sizes] = (
    ((0, 100), (0, 1000), (10, 1), (30, 1)),
    ((0, 1), (0, 1001), (8, 1), (10, 1)),
    ((0, 0), (3, 0), (16, 0), (32, 0)),
)
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}

_ALPHA, _SPOT_COLOR, _COLOR_FILTER = 0, 2, 5
_GREY, _XYB = 1, 2
_CUSTOM = 2
_WHITES: dict[int, Chromaticity] = {1: D65, 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_PRIMARIES = {1: BT709, 9: BT2020, 11: DISPLAY_P3}


@dataclass(frozen=True, kw_only=True)
class ColorHeader:
    """What the samples mean."""

    grey: bool = False
    icc: bool = False
    """Whether an ICC profile says the rest; it is compressed with the pixels."""
    primaries: Primaries | None = BT709
    """None where no chromaticities make sense."""
    transfer: int = 13
    """The code point of ITU-T H.273, 2 where there is none."""
    gamma: float | None = None
    """The exponent of the encoding, in place of a code point."""


@dataclass(frozen=True, kw_only=True)
class JxlHeader:
    """What is known before anything is decoded."""

    width: int
    height: int
    orientation: int = 1
    bits: int = 8
    is_float: bool = False
    alpha: bool = False
    animation: bool = False
    color: ColorHeader = ColorHeader()
    lossless: bool = False
    """Whether the samples are stored as they are; else in a space of perception, nearly always lossy."""
    intensity_target: float = 255.0
    """cd/m² of 1.0 in linear light."""


@dataclass(frozen=True, kw_only=True)
class JxlFile:
    """The boxes of a file, or a codestream alone."""

    head: bytes
    """How the codestream begins."""
    exif: bytes
    """The TIFF block; empty where there is none."""


def read_file(file: BufferedIOBase) -> JxlFile:
    """The first bytes of the codestream and the EXIF, whichever way they are packed.

    Raises:
        ValueError: there is no codestream.
    """
    head = file.read(len(CONTAINER))
    if head.startswith(CODESTREAM):
        return JxlFile(head=head + file.read(_HEAD_BYTES), exif=b"")
    stream, block = b"", b""
    for kind, length in boxes(file):
        if kind in (b"jxlc", b"jxlp"):
            part = file.read(min(length, _HEAD_BYTES))
            stream += part[4:] if kind == b"jxlp" else part
        elif kind in (b"Exif", b"brob") and length <= _LARGEST_EXIF and not block:
            block = _exif(kind, file.read(length))
        if len(stream) >= _HEAD_BYTES:
            break
    if not stream.startswith(CODESTREAM):
        raise ValueError("it holds no codestream")
    return JxlFile(head=stream[:_HEAD_BYTES], exif=block)


def boxes(file: BufferedIOBase) -> Iterator[tuple[bytes, int]]:
    """Kind of each box and length of its payload, at which the file then stands."""
    for _ in range(_MOST_BOXES):
        start = file.read(8)
        if len(start) < 8:
            return
        length, kind = struct.unpack(">I4s", start)
        size = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            size = 16
        here = file.tell()
        if length == 0:
            length = file.seek(0, 2) - here + size
            file.seek(here)
        if length < size:
            raise ValueError(f"a box says that it is {length} bytes long")
        yield kind, length - size
        file.seek(here + length - size)


def _exif(kind: bytes, data: bytes) -> bytes:
    if kind == b"brob":
        import imagecodecs

        if data[:4] != b"Exif":
            return b""
        try:
            data = bytes(imagecodecs.brotli_decode(data[4:], out=_LARGEST_EXIF))
        except (RuntimeError, ValueError):
            return b""
    return data[4 + int.from_bytes(data[:4]) :]


class _Bits:
    """Numbers of any number of bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self.number, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next number of that many bits."""
        if count > self.left:
            raise ValueError("its head is cut short")
        value = self.number & ((1 << count) - 1)
        self.number >>= count
        self.left -= count
        return value

    def flag(self) -> bool:
        """The next bit."""
        return bool(self.take(1))

    def sized(self, sizes: _Sizes) -> int:
        """A number that says in two bits how it is stored."""
        bits, offset = sizes[self.take(2)]
        return self.take(bits) + offset

    def half(self) -> float:
        """A float of 16 bits."""
        (value,) = struct.unpack("<e", self.take(16).to_bytes(2, "little"))
        return float(value)


def read_header(head: bytes) -> JxlHeader:
    """What a codestream says first.

    Raises:
        ValueError: cut short, or nothing that makes sense.
    """
    bits = _Bits(head[len(CODESTREAM) :])
    width, height = _size(bits)
    if bits.flag():
        return JxlHeader(width=width, height=height)
    extra = bits.flag()
    orientation, animation = _extra_fields(bits) if extra else (1, False)
    is_float, depth = _depth(bits)
    bits.flag()  # whether 16 bits suffice to decode
    count = bits.sized(_CHANNELS)
    if count > _MOST_CHANNELS:
        raise ValueError(f"it has {count} channels beside its colours")
    others = [_extra_channel(bits) for _ in range(count)]
    perceptual = bits.flag()
    color = _color(bits)
    return JxlHeader(
        width=width,
        height=height,
        orientation=orientation,
        bits=depth,
        is_float=is_float,
        alpha=_ALPHA in others,
        animation=animation,
        color=color,
        lossless=not perceptual,
        intensity_target=_intensity(bits) if extra else 255.0,
    )


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height as stored."""
    small = bits.flag()
    height = 8 * (bits.take(5) + 1) if small else bits.sized(_SIDE)
    ratio = bits.take(3)
    if ratio == 0:
        return (8 * (bits.take(5) + 1) if small else bits.sized(_SIDE)), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _extra_fields(bits: _Bits) -> tuple[int, bool]:
    """Orientation, and whether it moves; what else stands there is passed over."""
    orientation = bits.take(3) + 1
    if bits.flag():
        _size(bits)
    if bits.flag():
        sizes = _PREVIEW_EIGHTHS if bits.flag() else _PREVIEW
        bits.sized(sizes)
        if bits.take(3) == 0:
            bits.sized(sizes)
    animation = bits.flag()
    if animation:
        for sizes in _TICKS:
            bits.sized(sizes)
        bits.flag()
    return orientation, animation


def _depth(bits: _Bits) -> tuple[bool, int]:
    """Whether samples are floats, and of how many bits."""
    if not bits.flag():
        return False, bits.sized(_INTEGER_BITS)
    depth = bits.sized(_FLOAT_BITS)
    bits.take(4)
    return True, depth


def _extra_channel(bits: _Bits) -> int:
    """The kind of a channel beside the colours."""
    if bits.flag():
        return _ALPHA
    kind = bits.sized(_ENUM)
    _depth(bits)
    bits.sized(_SHIFT)
    bits.take(8 * bits.sized(_NAME))
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT_COLOR:
        bits.take(4 * 16)
    elif kind == _COLOR_FILTER:
        bits.sized(_CFA)
    return kind


def _color(bits: _Bits) -> ColorHeader:
    if bits.flag():
        return ColorHeader()
    profile = bits.flag()
    space = bits.sized(_ENUM)
    if profile or space == _XYB:
        return ColorHeader(grey=space == _GREY, icc=profile, primaries=None, transfer=2)
    kind = bits.sized(_ENUM)
    white = _point(bits) if kind == _CUSTOM else _WHITES.get(kind)
    primaries: Primaries | None = BT709
    if space != _GREY:
        primaries = _primaries(bits, white)
    gamma = bits.take(24) / 1e7 if bits.flag() else None
    transfer = 2 if gamma is not None else bits.sized(_ENUM)
    bits.sized(_ENUM)  # rendering intent
    return ColorHeader(grey=space == _GREY, primaries=primaries, transfer=transfer, gamma=gamma or None)


def _primaries(bits: _Bits, white: Chromaticity | None) -> Primaries | None:
    kind = bits.sized(_ENUM)
    if kind == _CUSTOM:
        points = [_point(bits) for _ in range(3)]
    elif kind in _PRIMARIES:
        named = _PRIMARIES[kind]
        points = [named.red, named.green, named.blue]
    else:
        return None
    return None if white is None else primaries_of([*(n for point in points for n in point), *white])


def _point(bits: _Bits) -> Chromaticity:
    """x and y in millionths, with the sign in the lowest bit."""
    x, y = (bits.sized(_XY) for _ in range(2))
    return tuple((n >> 1 ^ -(n & 1)) / 1e6 for n in (x, y))  # type: ignore[return-value]


def _intensity(bits: _Bits) -> float:
    """cd/m² of the brightest."""
    if bits.flag():
        return 255.0
    target = bits.half()
    if not 0.0 < target <= 65_504.0:
        raise ValueError(f"it says that its brightest is {target} cd/m²")
    return target
