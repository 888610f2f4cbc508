"""What the boxes of an AVIF or HEIC file say of its main picture: size, turns, colour, light level, EXIF.

References:  ISO/IEC 23008-12 (HEIF), section 6.5; AV1 Image File Format 1.1; ISO/IEC 14496-12, 12.1.5.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedIOBase

import numpy as np

from relume.io import cicp, exif, icc
from relume.io.formats.isobmff import Container, Item, Property
from relume.io.formats.mastering import mastering_text

_LARGEST_EXIF = 1 << 18
_LARGEST_PROFILE = 1 << 22
_LARGEST_SIDE = 1 << 16

# Clean aperture, rotation, mirroring → the length of what says it.
_TURN_LENGTHS = {b"clap": 32, b"irot": 1, b"imir": 1}

_ALPHA_KINDS = (
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
)


@dataclass(frozen=True, kw_only=True)
class HeifHeader:
    """The main picture, before its pixels are decoded."""

    stored_width: int
    stored_height: int
    depth: int
    channels: str
    """"RGB", "RGBA", "Y", "YA"."""
    profile: icc.Profile
    turns: tuple[Property, ...]
    """What has to be done to the stored rows and columns, in this order."""
    exif: exif.Exif
    tags: dict[str, str]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as the picture is seen."""
        rows, columns = self.upright(np.empty((self.stored_height, self.stored_width, 0))).shape[:2]
        return columns, rows

    def upright(self, samples: np.ndarray) -> np.ndarray:
        """A view of stored samples (height, width, channels) the way the picture is seen."""
        for turn in self.turns:
            if turn.kind == b"clap":
                samples = samples[_aperture(turn.data, *samples.shape[:2])]
            elif turn.kind == b"irot":
                samples = np.rot90(samples, turn.data[0] & 3)
            else:
                samples = samples[:, ::-1] if turn.data[0] & 1 else samples[::-1]
        return samples


def read_header(container: Container, file: BufferedIOBase) -> HeifHeader:
    """The header of the main picture.

    Convention:  colour by the ICC profile where there is one, else by the code points of `nclx`; sRGB
        where neither is understood. EXIF does not turn the picture: that is said by the boxes alone.

    Raises:
        ValueError, struct.error: no size, or an absurd one.
    """
    item = container.items[container.primary]
    width, height = struct.unpack_from(">4xII", item.property(b"ispe") or b"")
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        raise ValueError(f"it says that it has {width} × {height} pixels")
    grey, depth = _samples(item)
    space = "GRAY" if grey else "RGB"
    profile, tags = _profile(item, space)
    alpha = any(
        row.kind == b"auxl" and container.primary in row.targets and _is_alpha(container, row.source)
        for row in container.references
    )
    block = _exif_block(container, file)
    return HeifHeader(
        stored_width=width,
        stored_height=height,
        depth=depth,
        channels=("Y" if grey else "RGB") + "A" * alpha,
        profile=profile,
        turns=tuple(row for row in item.properties if len(row.data) == _TURN_LENGTHS.get(row.kind)),
        exif=exif.parse(block),
        tags={**tags, **_light_tags(item)},
    )


def _aperture(data: bytes, rows: int, columns: int) -> tuple[slice, slice]:
    """The part that is meant to be seen, given by its size and how far its centre is off that of the whole.

    Raises:
        ValueError: it is empty, or lies outside.
    """
    numbers = struct.unpack(">IIIIiIiI", data)
    if 0 in numbers[1::2]:
        raise ValueError("its clean aperture divides by zero")
    width, height, right, down = (Fraction(*numbers[i : i + 2]) for i in range(0, 8, 2))
    left, top = (columns - width) / 2 + right, (rows - height) / 2 + down
    window = slice(int(top), int(top) + int(height)), slice(int(left), int(left) + int(width))
    for part, whole in zip(window, (rows, columns), strict=True):
        if not 0 <= part.start < part.stop <= whole:
            raise ValueError(f"its clean aperture is {part.start} to {part.stop} of {whole}")
    return window


def _samples(item: Item) -> tuple[bool, int]:
    """Whether the picture is grey, and its bits per channel."""
    pixi = item.property(b"pixi") or b""
    if len(pixi) > 5 and len(pixi) >= 5 + pixi[4]:
        return pixi[4] == 1, max(pixi[5 : 5 + pixi[4]])
    av1 = item.property(b"av1C") or b""
    if len(av1) > 2:
        return bool(av1[2] & 0x10), 12 if av1[2] & 0x20 else 10 if av1[2] & 0x40 else 8
    hevc = item.property(b"hvcC") or b""
    if len(hevc) > 17:
        return hevc[16] & 3 == 0, 8 + (hevc[17] & 7)
    return False, 8


def _profile(item: Item, space: str) -> tuple[icc.Profile, dict[str, str]]:
    """What decoded R'G'B' means, and what to tell of it."""
    colors = [row.data for row in item.properties if row.kind == b"colr"]
    tags: dict[str, str] = {}
    encoding = None
    for data in (data for data in colors if data[:4] == b"nclx" and len(data) >= 11):
        primaries, transfer, matrix = struct.unpack_from(">HHH", data, 4)
        span = "full" if data[10] & 0x80 else "narrow"
        tags["CICP"] = f"{primaries}/{transfer}/{matrix}, {span} range"
        encoding = cicp.from_points(primaries, transfer)
    for data in (data for data in colors if data[:4] in (b"prof", b"rICC") and len(data) <= _LARGEST_PROFILE):
        profile, told = icc.interpret(data[4:], space=space)
        if encoding is None or not encoding.is_hdr:
            return profile, {**tags, **told}
        tags |= told
    return icc.Profile(space=space) if encoding is None else icc.Profile(space=space, encoding=encoding), tags


def _is_alpha(container: Container, number: int) -> bool:
    item = container.items.get(number)
    kind = (item and item.property(b"auxC")) or b""
    return kind[4:].partition(b"\0")[0] in _ALPHA_KINDS


def _exif_block(container: Container, file: BufferedIOBase) -> bytes:
    """The TIFF block of the picture's EXIF; empty where there is none that can be read."""
    number = container.describing(container.primary, b"Exif")
    if number is None:
        return b""
    try:
        data = container.data(file, number, most=_LARGEST_EXIF)
    except (ValueError, OverflowError):
        return b""
    return data[4 + int.from_bytes(data[:4]) :]


def _light_tags(item: Item) -> dict[str, str]:
    tags: dict[str, str] = {}
    level = item.property(b"clli") or b""
    if len(level) == 4:
        most, average = struct.unpack(">HH", level)
        tags |= {"MaxCLL": f"{most} cd/m²", "MaxFALL": f"{average} cd/m²"}
    if mastering := mastering_text(item.property(b"mdcv") or b"", order="GBR"):
        tags["mastering display"] = mastering
    return tags
