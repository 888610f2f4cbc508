"""Radiance .hdr: three mantissas of 8 bits with a shared exponent (RGBE, XYZE), run-length encoded or flat.

A mantissa is decoded as it stands and encoded by rounding, so that nothing is biased. Files of writers that
cut off instead, of which Radiance is one, come out half a step darker, as they do in most other readers.

References:  [ward_rgbe] for the pixels; [radiance_formats], pictures, for header and run-length encoding.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from relume.color.encoding import Encoding, Reference
from relume.color.primaries import BT709, Primaries, adaptation_matrix, apply_matrix, rgb_to_xyz_matrix
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io.formats.chromaticities import numbers_of, primaries_of
from relume.io.formats.dates import parse_date, print_date
from relume.io.formats.format import FileInfo, Format, WriteOptions
from relume.io.formats.opacity import check_opaque
from relume.io.formats.rgbe_runs import decode_pixels, decode_runs, encode_runs, has_runs

_LONGEST_HEADER = 1 << 20
_SIZE = re.compile(rb"([-+])([XY]) +(\d{1,9}) +([-+])([XY]) +(\d{1,9})[ \r]*\n")
_PIXELS = {"32-bit_rle_rgbe": "RGBE", "32-bit_rle_xyze": "XYZE"}
_SHOWN = ("SOFTWARE", "CAMERA", "VIEW", "PIXASPECT")
_EQUAL_ENERGY = (1 / 3, 1 / 3)
_STRIP_PIXELS = 1 << 16

# Darker than this is black, as in Radiance. The brightest has the largest mantissa and exponent.
_DARKEST, _BRIGHTEST = 1e-32, math.ldexp(255 / 256, 127)


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How the pixels lie in the file."""

    width: int
    height: int
    columns_first: bool
    """Whether a scanline is a column."""
    upward: bool
    """Whether rows are numbered from the bottom."""
    leftward: bool
    """Whether columns are numbered from the right."""

    @property
    def scanlines(self) -> tuple[int, int]:
        """How many, and of how many pixels each."""
        return (self.width, self.height) if self.columns_first else (self.height, self.width)

    def as_scanlines(self, picture: np.ndarray) -> np.ndarray:
        """A view of an upright picture (channels, height, width) by channel, scanline and place in it."""
        turned = picture[:, :: -1 if self.upward else 1, :: -1 if self.leftward else 1]
        return turned.transpose(0, 2, 1) if self.columns_first else turned

    def __str__(self) -> str:
        rows = f"{'+' if self.upward else '-'}Y {self.height}"
        columns = f"{'-' if self.leftward else '+'}X {self.width}"
        return f"{columns} {rows}" if self.columns_first else f"{rows} {columns}"


@dataclass(frozen=True, kw_only=True)
class _Header:
    path: Path
    values: dict[str, list[str]]
    """What stands behind the name and the equals sign, line by line."""
    layout: _Layout
    size: int
    """Bytes before the first scanline."""

    @property
    def pixels(self) -> str:
        """RGBE or XYZE; the former where the file does not say."""
        name = self.values.get("FORMAT", ["32-bit_rle_rgbe"])[-1]
        if name not in _PIXELS:
            raise UnsupportedFormat(
                self.path, f"holds pixels of the kind {name[:40]!r}; expected {' or '.join(_PIXELS)}."
            )
        return _PIXELS[name]

    @property
    def multiplier(self) -> tuple[float, float, float]:
        """By what the light of the three channels was multiplied, from step to step, before it was stored."""
        steps = [numbers * 3 for numbers in self._numbers("EXPOSURE", 1)] + self._numbers("COLORCORR", 3)
        red, green, blue = (math.prod(step[channel] for step in steps) for channel in range(3))
        if not all(1e-30 < total < 1e30 for total in (red, green, blue)):
            raise UnreadableFile(self.path, "has a damaged header: EXPOSURE or COLORCORR are out of bounds.")
        return red, green, blue

    @property
    def encoding(self) -> Encoding:
        chromaticities = self._numbers("PRIMARIES", 8)
        whites = self._numbers("WHITELUMINANCE", 1)
        primaries = primaries_of(chromaticities[-1]) if chromaticities else None
        white = whites[-1][0] if whites and 0 < whites[-1][0] < math.inf else None
        return Encoding(primaries or BT709, "linear", Reference.SCENE, white)

    @property
    def metadata(self) -> Metadata:
        return Metadata(date=parse_date(self.values.get("CAPDATE", [""])[-1]))

    def _numbers(self, name: str, count: int) -> list[list[float]]:
        """Of each line with this name."""
        found = []
        for text in self.values.get(name, []):
            try:
                numbers = [float(word) for word in text.split()]
            except ValueError:
                numbers = []
            if len(numbers) != count:
                raise UnreadableFile(
                    self.path,
                    f"has {text[:80]!r} in its header line {name}; expected numbers, {count} of them.",
                )
            found.append(numbers)
        return found


def probe(path: Path) -> FileInfo:
    """What the header says."""
    header = _read_header(path)
    tags = {name.lower(): "; ".join(header.values[name]) for name in _SHOWN if name in header.values}
    if any(factor != 1.0 for factor in header.multiplier):
        tags["exposure"] = " ".join(f"{factor:g}" for factor in dict.fromkeys(header.multiplier))
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.layout.width,
        height=header.layout.height,
        channels=header.pixels[:3],
        sample=header.pixels,
        encoding=header.encoding,
        metadata=header.metadata,
        tags={**tags, "layout": str(header.layout)},
    )


def read(path: Path) -> Image:
    """The light before EXPOSURE and COLORCORR, which are divided out; GAMMA and PIXASPECT do not count.

    Convention:  linear, scene-referred, W/(sr·m²) where the writer followed Radiance; primaries by PRIMARIES
        (BT.709 without), white by WHITELUMINANCE, a line of ours. XYZ becomes RGB, equal energy white.
    """
    header = _read_header(path)
    scales = [_scales(factor) for factor in header.multiplier]
    with path.open("rb") as file:
        file.seek(header.size)
        data = file.read()
    count, length = header.layout.scanlines
    pixels = torch.empty(3, header.layout.height, header.layout.width)
    scanlines = header.layout.as_scanlines(pixels.numpy())
    decode = decode_runs if has_runs(data, length) else decode_pixels
    start = 0
    try:
        for strip in decode(data, count, length):
            stop = start + len(strip)
            for channel, scale in enumerate(scales):
                np.multiply(strip[:, channel], scale[strip[:, 3]], out=scanlines[channel, start:stop])
            start = stop
    except ValueError as error:
        raise UnreadableFile(path, f"is damaged or cut short: {error}.") from error
    if header.pixels == "XYZE":
        pixels = _rgb(pixels, header.encoding.primaries)
    return Image(pixels, header.encoding, metadata=header.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write RGBE, run-length encoded, from the top left, with PRIMARIES and what else is known.

    Convention:  linear, in the primaries of the image. The format holds no negative light and no NaN, which
        become 0, and none beyond 1.7e38. A channel is right to 0.2 to 0.4 % of the brightest of the three.

    Raises:
        UnsupportedFormat: transparency.
    """
    check_opaque(path, image, format_name=FORMAT.name)
    light = image.to(image.encoding.linear).pixels.numpy()
    rows = max(1, _STRIP_PIXELS // image.width)
    with path.open("wb") as file:
        file.write(_header_of(image))
        for top in range(0, image.height, rows):
            file.write(encode_runs(_rgbe(light[:, top : top + rows])))


def _header_of(image: Image) -> bytes:
    numbers = " ".join(f"{number:.9g}" for number in numbers_of(image.encoding.primaries))
    lines = ["#?RADIANCE", "FORMAT=32-bit_rle_rgbe", f"PRIMARIES={numbers}"]
    if image.encoding.white is not None:
        lines.append(f"WHITELUMINANCE={image.encoding.white:.9g}")
    if image.metadata.date is not None:
        lines.append(f"CAPDATE={print_date(image.metadata.date)}")
    return "\n".join([*lines, "", f"-Y {image.height} +X {image.width}", ""]).encode()


def _read_header(path: Path) -> _Header:
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    end = head.find(b"\n\n") + 2
    size = _SIZE.match(head, end) if end > 1 else None
    if size is None or size[2] == size[5]:
        raise UnreadableFile(path, "has a damaged header; expected a line such as '-Y 480 +X 640' after it.")
    layout = _layout(*(group.decode() for group in size.groups()))
    if not layout.width or not layout.height:
        raise UnreadableFile(path, f"is {layout.width} × {layout.height} pixels large, which is no picture.")
    values: dict[str, list[str]] = {}
    # Indented lines tell of the pictures that this one was made from.
    for line in head[:end].decode("utf-8", "replace").split("\n"):
        if "=" in line and not line[0].isspace() and not line.startswith("#"):
            name, _, value = line.partition("=")
            values.setdefault(name.strip(), []).append(value.strip())
    return _Header(path=path, values=values, layout=layout, size=size.end())


def _layout(sign: str, axis: str, count: str, inner_sign: str, inner_axis: str, length: str) -> _Layout:
    """From the six parts of the line of sizes: Y points up and X to the right."""
    signs = {axis: sign, inner_axis: inner_sign}
    sizes = {axis: int(count), inner_axis: int(length)}
    return _Layout(
        width=sizes["X"],
        height=sizes["Y"],
        columns_first=axis == "X",
        upward=signs["Y"] == "+",
        leftward=signs["X"] == "-",
    )


def _scales(multiplier: float) -> Float[np.ndarray, "256"]:
    """For each exponent, what a mantissa is multiplied by; exponent 0 is black."""
    with np.errstate(over="ignore", under="ignore"):
        scales = (np.ldexp(1.0, np.arange(256) - 136) / multiplier).astype(np.float32)
    scales[0] = 0.0
    return scales


def _rgbe(light: Float[np.ndarray, "3 rows columns"]) -> UInt8[np.ndarray, "rows 4 columns"]:
    """Mantissas and exponent: light = mantissa / 256 · 2^(exponent - 128), the largest from 128 on."""
    held = np.fmin(np.fmax(light, np.float32(0)), np.float32(_BRIGHTEST))
    peak = held.max(0)
    bits = peak.view(np.int32)
    # peak = m · 2^exponent, m in [0.5, 1), from the bits of the float; one more where m rounds up to 1.
    exponent = (bits >> 23) - 126 + ((bits & 0x7FFFFF) >= 0x7F8000)
    held *= ((135 - exponent) << 23).view(np.float32)
    rgbe = np.empty((light.shape[1], 4, light.shape[2]), np.uint8)
    rgbe[:, :3] = np.rint(held, out=held).transpose(1, 0, 2)
    rgbe[:, 3] = exponent + 128
    rgbe.transpose(1, 0, 2)[:, peak < _DARKEST] = 0
    return rgbe


def _rgb(xyz: Float[Tensor, "3 height width"], primaries: Primaries) -> Float[Tensor, "3 height width"]:
    """RGB from the XYZ of Radiance, in which white is X = Y = Z."""
    adaptation = adaptation_matrix(_EQUAL_ENERGY, primaries.white)
    return apply_matrix(xyz, np.linalg.inv(rgb_to_xyz_matrix(primaries)) @ adaptation)


FORMAT = Format(
    name="Radiance",
    suffixes=(".hdr", ".pic", ".rgbe", ".xyze"),
    signatures=(b"#?",),
    depths=(32,),
    hdr_depths=(32,),
    probe=probe,
    read=read,
    write=write,
)
