"""PNG: 8 or 16 bits, lossless; SDR, and PQ or HLG for HDR screens by a cICP chunk.

References:  W3C, Portable Network Graphics, third edition (2025), sections 5 and 11.
"""

import logging
import struct
import zlib
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path

import numpy as np

from relume.color.encoding import SRGB, Encoding
from relume.color.primaries import BT709, Primaries
from relume.errors import UnreadableFile
from relume.image import Image
from relume.io import cicp, exif, icc
from relume.io.formats.chromaticities import primaries_of
from relume.io.formats.format import SCREEN_PRIMARIES, FileInfo, Format, WriteOptions
from relume.io.formats.mastering import mastering_fields, mastering_text
from relume.io.rendering import BLACK, light_level

# What libpng dislikes in a file is logged, which Python prints where no program handles it.
logging.getLogger("imagecodecs").addHandler(logging.NullHandler())

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD_LENGTH = len(_SIGNATURE) + 25
_KEPT = {b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"cLLI", b"mDCV", b"eXIf", b"acTL"}
_CHANNELS = {0: "Y", 2: "RGB", 3: "palette", 4: "YA", 6: "RGBA"}
_GREY = (0, 4)
_DEPTHS = (1, 2, 4, 8, 16)
_LARGEST_PROFILE = 1 << 24
_LIGHT_UNIT = 10_000
"""Of the light level: parts of 1 cd/m²."""
# Writers of sRGB files say 1/2.2 where they mean the sRGB curve; ImageMagick and libpng take it so too.
_GAMMA_OF_SRGB = range(45_000, 46_001)
_CREDIBLE_GAMMA = range(10_000, 1_000_001)


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    depth: int
    color: int
    interlaced: bool
    chunks: dict[bytes, bytes]

    @property
    def top(self) -> int:
        """The code of 1.0 once decoded; fewer bits than 8 become 8."""
        return 65535 if self.depth == 16 else 255

    @property
    def exif(self) -> exif.Exif:
        return exif.parse(self.chunks.get(b"eXIf", b""))


def probe(path: Path) -> FileInfo:
    """What the chunks beside the pixels say."""
    with path.open("rb") as file:
        header = _header(path, file)
    profile, tags = _profile(header)
    if b"acTL" in header.chunks:
        tags["animation"] = "the first picture is read"
    if header.interlaced:
        tags["interlaced"] = "yes"
    turned = header.exif.swaps_sides
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.height if turned else header.width,
        height=header.width if turned else header.height,
        channels=_CHANNELS[header.color]
        + ("A" if b"tRNS" in header.chunks and header.color in (0, 2) else ""),
        sample=f"{header.depth} bit",
        encoding=profile.encoding,
        metadata=header.exif.metadata,
        tags=tags,
    )


def read(path: Path) -> Image:
    """Decode the picture, upright, by the first of cICP, iCCP, sRGB, gAMA with cHRM that it carries.

    Raises:
        UnreadableFile: truncated, corrupt or not a PNG.
    """
    data = path.read_bytes()
    header = _header(path, BytesIO(data))
    samples = header.exif.upright(_samples(data))
    profile, _ = _profile(header)
    pixels, alpha = icc.decode(samples, profile, top=header.top)
    return Image(pixels, profile.encoding, alpha, header.exif.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write 8 or 16 bits, lossless, with EXIF and profile (sRGB: the chunk of that name).

    For HDR screens code points, MaxCLL, MaxFALL and the mastering display take the place of the profile.
    """
    import imagecodecs

    depth = options.depth or 8
    samples = icc.quantize(image, depth)
    if depth == 8:
        encoded = imagecodecs.png_encode(samples, level=2)
    else:
        # The lower byte of 16 is noise, on which the search for repetitions is lost time and even space.
        encoded = imagecodecs.png_encode(
            samples, level=1, strategy=imagecodecs.PNG.STRATEGY.RLE, filter=imagecodecs.PNG.FILTER.SUB
        )
    with path.open("wb") as file:
        file.write(encoded[:_HEAD_LENGTH])
        file.write(_meaning(image, options.peak))
        if block := exif.build(image.metadata):
            file.write(_chunk(b"eXIf", block))
        file.write(memoryview(encoded)[_HEAD_LENGTH:])


def _meaning(image: Image, peak: float) -> bytes:
    """The chunks that say what the codes are."""
    encoding = image.encoding
    if image.is_hdr:
        points = cicp.to_points(encoding)
        assert points is not None
        level = light_level(image)
        most, average = (round(value * _LIGHT_UNIT) for value in (level.max_cll, level.max_fall))
        mastering = mastering_fields(encoding.primaries, peak=peak, black=BLACK, order="RGB")
        return (
            _chunk(b"cICP", bytes((*points, cicp.MATRIX_RGB, 1)))
            + _chunk(b"mDCV", mastering)
            + _chunk(b"cLLI", struct.pack(">II", most, average))
        )
    if (encoding.primaries, encoding.transfer) == (SRGB.primaries, SRGB.transfer):
        return _chunk(b"sRGB", b"\0")
    return _chunk(b"iCCP", b"icc\0\0" + zlib.compress(icc.build(encoding)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _header(path: Path, file: BufferedIOBase) -> _Header:
    """The head and the chunks that we use, wherever they stand; broken ones are left out."""
    head = file.read(_HEAD_LENGTH)
    if not head.startswith(_SIGNATURE):
        raise UnreadableFile(path, "is no PNG: it does not begin like one.")
    if len(head) < _HEAD_LENGTH or head[12:16] != b"IHDR":
        raise UnreadableFile(path, "is cut short: its head is missing; get a whole copy.")
    width, height, depth, color, _, _, interlace = struct.unpack_from(">IIBBBBB", head, 16)
    if not width or not height or color not in _CHANNELS or depth not in _DEPTHS:
        raise UnreadableFile(
            path, f"is damaged: its head says {width} × {height} pixels, depth {depth}, colour type {color}."
        )
    return _Header(
        width=width, height=height, depth=depth, color=color, interlaced=bool(interlace), chunks=_chunks(file)
    )


def _chunks(file: BufferedIOBase) -> dict[bytes, bytes]:
    """Kind → data of the chunks that we use, the first of each."""
    chunks: dict[bytes, bytes] = {}
    while len(start := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            break
        if kind not in _KEPT or length > _LARGEST_PROFILE:
            file.seek(length + 4, 1)
            continue
        data, checksum = file.read(length), file.read(4)
        if checksum == struct.pack(">I", zlib.crc32(kind + data)):
            chunks.setdefault(kind, data)
    return chunks


def _profile(header: _Header) -> tuple[icc.Profile, dict[str, str]]:
    """What the samples mean, and what to tell of it."""
    chunks = header.chunks
    space = "GRAY" if header.color in _GREY else "RGB"
    if (profile := _cicp_profile(header)) is not None:
        return profile, {"cICP": profile.description, **_light(chunks)}
    if b"iCCP" in chunks:
        return icc.interpret(_inflated(chunks[b"iCCP"]), space=space)
    if b"sRGB" not in chunks and (b"gAMA" in chunks or b"cHRM" in chunks):
        profile = _calibrated(chunks, space)
        return profile, {"calibration": profile.description}
    return icc.Profile(space=space), {}


def _cicp_profile(header: _Header) -> icc.Profile | None:
    """The meaning of code points, with the footroom and headroom of narrow range taken off."""
    data = header.chunks.get(b"cICP", b"")
    if len(data) != 4 or (encoding := cicp.from_points(data[0], data[1])) is None:
        return None
    step = 256 if header.depth == 16 else 1
    narrow = icc.ParametricCurve(exponent=1.0, scale=header.top / (219 * step), offset=-16 / 219)
    return icc.Profile(
        description="-".join(str(code) for code in data),
        encoding=encoding,
        curves=None if data[3] else (narrow, narrow, narrow),
    )


def _light(chunks: dict[bytes, bytes]) -> dict[str, str]:
    """The light level and the mastering display, where they are said."""
    tags: dict[str, str] = {}
    if len(level := chunks.get(b"cLLI", b"")) == 8:
        most, average = (number / _LIGHT_UNIT for number in struct.unpack(">II", level))
        tags |= {"MaxCLL": f"{most:g} cd/m²", "MaxFALL": f"{average:g} cd/m²"}
    if mastering := mastering_text(chunks.get(b"mDCV", b""), order="RGB"):
        tags["mastering display"] = mastering
    return tags


def _inflated(chunk: bytes) -> bytes:
    """The profile in an iCCP chunk; what cannot be inflated is left for no profile to be found in."""
    _, _, data = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(data[1:], _LARGEST_PROFILE)
    except zlib.error:
        return chunk


def _calibrated(chunks: dict[bytes, bytes], space: str) -> icc.Profile:
    """sRGB, with another gamma or other primaries as the chunks say."""
    primaries = _primaries(chunks.get(b"cHRM", b"")) if space == "RGB" else None
    gamma = int.from_bytes(chunks.get(b"gAMA", b""))
    if gamma in _GAMMA_OF_SRGB or gamma not in _CREDIBLE_GAMMA:
        encoding = Encoding(primaries or BT709, SRGB.transfer, SRGB.reference)
        return icc.Profile(description="cHRM", space=space, encoding=encoding)
    curve = icc.ParametricCurve(exponent=1e5 / gamma)
    description = f"gAMA {gamma / 1e5:g}" + (", cHRM" if primaries else "")
    return icc.from_curves(description, primaries or BT709, (curve, curve, curve), space=space)


def _primaries(data: bytes) -> Primaries | None:
    if len(data) != 32:
        return None
    white_x, white_y, *rgb = (number / 1e5 for number in struct.unpack(">8I", data))
    return primaries_of((*rgb, white_x, white_y))


def _samples(data: bytes) -> np.ndarray:
    """Codes of 8 or 16 bits (height, width, channels), palettes and transparent colours resolved."""
    import imagecodecs

    samples: np.ndarray = imagecodecs.png_decode(data)
    return samples if samples.ndim == 3 else samples[..., np.newaxis]


FORMAT = Format(
    name="PNG",
    suffixes=(".png", ".apng"),
    signatures=(_SIGNATURE,),
    depths=(8, 16),
    hdr_depths=(16,),
    transfers=("pq", "hlg"),
    primaries=SCREEN_PRIMARIES,
    probe=probe,
    read=read,
    write=write,
)
