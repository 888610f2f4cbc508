"""WebP: 8 bits, lossy or lossless, with transparency; SDR.

References:  RFC 9649 (WebP Image Format), sections 2.5 to 2.7 and 3.4.
"""

import struct
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from pathlib import Path

import numpy as np

from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import exif, icc
from relume.io.formats.format import FileInfo, Format, WriteOptions

_EXTENDED, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_KEPT = (b"ICCP", b"EXIF")
# What of the pictures' own chunks says how large they are.
_HEAD_LENGTH = 10
_ANIMATED, _TRANSPARENT = 0x02, 0x10
_LONGEST_SIDE = 16_383


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    alpha: bool
    kind: str
    profile: bytes
    exif: exif.Exif


def probe(path: Path) -> FileInfo:
    """What the chunks beside the pixels say."""
    with path.open("rb") as file:
        header = _header(path, file)
    profile, tags = icc.interpret(header.profile)
    turned = header.exif.swaps_sides
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.height if turned else header.width,
        height=header.width if turned else header.height,
        channels="RGBA" if header.alpha else "RGB",
        sample="8 bit",
        encoding=profile.encoding,
        metadata=header.exif.metadata,
        tags={"compression": header.kind, **tags},
    )


def read(path: Path) -> Image:
    """Decode the first picture, upright, in the primaries of its profile.

    Raises:
        UnreadableFile: truncated, corrupt or not a WebP.
    """
    import imagecodecs

    data = path.read_bytes()
    header = _header(path, BytesIO(data))
    samples: np.ndarray = imagecodecs.webp_decode(data)
    profile, _ = icc.interpret(header.profile)
    pixels, alpha = icc.decode(header.exif.upright(samples), profile, top=255)
    return Image(pixels, profile.encoding, alpha, header.exif.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write with profile, transparency and EXIF; colour has half the resolution, as always in lossy WebP.

    Raises:
        ValueError: more rows or columns than a WebP holds.
    """
    from PIL import Image as Pillow

    if max(image.width, image.height) > _LONGEST_SIDE:
        raise ValueError(
            f"it has {image.width} × {image.height} pixels, and {_LONGEST_SIDE} a side are the most; "
            "write PNG or TIFF instead."
        )
    Pillow.fromarray(icc.quantize(image, 8)).save(
        path,
        "WEBP",
        quality=options.quality,
        icc_profile=icc.build(image.encoding),
        exif=exif.build(image.metadata),
    )


def _header(path: Path, file: BufferedIOBase) -> _Header:
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WEBP":
        raise UnsupportedFormat(path, "is a RIFF file, but no WebP; expected a picture.")
    chunks = _chunks(file)
    try:
        width, height, alpha = _size(chunks)
    except (KeyError, struct.error):
        raise UnreadableFile(
            path, "is cut short or damaged: its head is missing; get a whole copy."
        ) from None
    extended = chunks.get(_EXTENDED, b"\0")
    kind = "lossless" if _LOSSLESS in chunks else "lossy"
    return _Header(
        width=width,
        height=height,
        alpha=alpha,
        kind="animation, the first picture is read" if extended[0] & _ANIMATED else kind,
        profile=chunks.get(b"ICCP", b""),
        exif=exif.parse(chunks.get(b"EXIF", b"")),
    )


def _chunks(file: BufferedIOBase) -> dict[bytes, bytes]:
    """Kind → data of the chunks that we use, of those with pixels only the beginning; the first of each."""
    chunks: dict[bytes, bytes] = {}
    while len(start := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", start)
        wanted = length if kind in _KEPT else min(length, _HEAD_LENGTH)
        chunks.setdefault(kind, file.read(wanted))
        file.seek(length - wanted + length % 2, 1)
    return chunks


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int, bool]:
    """Width, height and whether there is alpha."""
    if _EXTENDED in chunks:
        flags, width, height = struct.unpack("<B3x3s3s", chunks[_EXTENDED])
        return _less_one(width), _less_one(height), bool(flags & _TRANSPARENT)
    if _LOSSLESS in chunks:
        (bits,) = struct.unpack_from("<xI", chunks[_LOSSLESS])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<6xHH", chunks[_LOSSY])
    return width & 0x3FFF, height & 0x3FFF, False


def _less_one(number: bytes) -> int:
    """A size that is stored as one less than it is."""
    return int.from_bytes(number, "little") + 1


FORMAT = Format(
    name="WebP",
    suffixes=(".webp",),
    signatures=(b"RIFF",),
    depths=(8,),
    probe=probe,
    read=read,
    write=write,
)
