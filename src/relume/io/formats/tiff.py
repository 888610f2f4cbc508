"""TIFF: 8 and 16 bits for SDR, 32-bit float linear light for HDR.

References:  TIFF 6.0; Adobe PageMaker 6.0 TIFF Technical Notes (alpha); ICC.1:2022, annex B.4 (profiles).
"""

import json
import logging
import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relume.color.encoding import LINEAR_SCENE, Encoding, Reference
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, convert
from relume.io import exif, icc
from relume.io.formats.format import FileInfo, Format, WriteOptions

if TYPE_CHECKING:
    from tifffile import TiffPage

# What tifffile has to say of damaged files it logs, which Python prints where no program handles it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_ICC_PROFILE, _DNG_VERSION = 34675, 50706
# Of the range that is free for private use: reference and white of the light, as JSON.
_LIGHT = 65000
_LONGEST_LIGHT = 1000

# PhotometricInterpretation → what the colours are.
_SPACES = {0: "GRAY", 1: "GRAY", 2: "RGB", 3: "RGB", 5: "CMYK", 6: "RGB"}
_WHITE_IS_ZERO, _PALETTE, _YCBCR = 0, 3, 6
_COLORS = {"GRAY": 1, "RGB": 3, "CMYK": 4}
_CHANNELS = {"GRAY": "Y", "RGB": "RGB", "CMYK": "CMYK"}
_ASSOCIATED, _UNASSOCIATED = 1, 2
_JPEG = 7
_CHUNKY, _PLANAR = "YXS", "SYX"
_FLOATS = {"float16": "half", "float32": "float", "float64": "double"}
_INTEGERS = ("bool", "uint8", "uint16", "uint32")

_PIXELS_PER_STRIP = 1 << 18


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the first directory says, as far as it is not in the EXIF."""

    space: str
    alpha: int | None
    """Which channel it is."""
    profile: icc.Profile
    tags: dict[str, str]


def probe(path: Path) -> FileInfo:
    """What the first directory says."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        header = _header(path, page)
        pages = len(file.pages)
        compression, bits, kind = _name(page.compression), page.bitspersample, str(page.dtype)
        width, height, photometric = page.imagewidth, page.imagelength, int(page.photometric)
    about = _exif(path)
    channels = "palette" if photometric == _PALETTE else _CHANNELS[header.space]
    first = {"pages": f"{pages}, the first is read"} if pages > 1 else {}
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=height if about.swaps_sides else width,
        height=width if about.swaps_sides else height,
        channels=channels + ("" if header.alpha is None else "A"),
        sample=_FLOATS.get(kind, f"{bits} bit"),
        encoding=header.profile.encoding,
        metadata=about.metadata,
        tags={"compression": compression.lower(), **header.tags, **first},
    )


def read(path: Path) -> Image:
    """Decode the first picture, upright.

    Convention:  integers are display-relative in the primaries of the profile, sRGB without one; floats are
        scene-referred linear light, BT.709 without a profile. Floats that relume wrote are what they were.

    Raises:
        UnsupportedFormat: raw photographs, CIELAB, LogLuv and what else is not grey, RGB, palette or CMYK.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        header = _header(path, page)
        _check_complete(path, page)
        samples, top = _samples(page, header)
    about = _exif(path)
    pixels, alpha = icc.decode(about.upright(samples), header.profile, top=top)
    return Image(pixels, header.profile.encoding, alpha, about.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write 8 or 16 bits, deflated, or 32-bit floats of linear light; with profile, alpha and EXIF.

    Convention:  floats carry the reference and the white of the light in a tag of our own, so that they are
        read back as what they were.
    """
    import tifffile

    depth = options.depth or 16
    channels = 3 if image.alpha is None else 4
    encoding = image.encoding.linear if depth == 32 else image.encoding
    rows = max(1, _PIXELS_PER_STRIP // image.width)
    # Floats are noise to a compressor: deflate takes twenty times as long to save a third.
    tifffile.imwrite(
        path,
        _light(image, rows) if depth == 32 else icc.quantize(image, depth),
        shape=(image.height, image.width, channels),
        dtype={8: np.uint8, 16: np.uint16, 32: np.float32}[depth],
        byteorder="<",
        photometric="rgb",
        extrasamples=None if image.alpha is None else ["unassalpha"],
        rowsperstrip=rows,
        compression=None if depth == 32 else "zlib",
        compressionargs=None if depth == 32 else {"level": 1},
        predictor=depth != 32,
        iccprofile=icc.build(encoding),
        extratags=[(_LIGHT, "s", 0, _light_to_json(encoding), True)] if depth == 32 else [],
        metadata=None,
        software=False,
    )
    if image.metadata:
        _append_metadata(path, image)


def _header(path: Path, page: "TiffPage") -> _Header:
    photometric, kind = int(page.photometric), str(page.dtype)
    if not isinstance(page.imagewidth, int) or not isinstance(page.imagelength, int):
        raise UnreadableFile(path, "is damaged: its size is no pair of numbers.")
    if _DNG_VERSION in page.tags or page.is_reduced:
        raise UnsupportedFormat(path, "is the raw file of a camera; develop it to a TIFF, PNG or EXR first.")
    if photometric not in _SPACES or (photometric == _YCBCR and page.compression != _JPEG):
        name = _name(page.photometric)
        raise UnsupportedFormat(path, f"stores its pixels as {name}; expected grey, RGB, palette or CMYK.")
    space = _SPACES[photometric]
    if kind not in (*_INTEGERS, *_FLOATS) or (space == "CMYK" and kind not in ("uint8", "uint16")):
        raise UnsupportedFormat(path, f"stores its {space} samples as {kind}; save it as 8, 16 bit or float.")
    colors = 1 if photometric == _PALETTE else _COLORS[space]
    if page.axes not in ("YX", _CHUNKY, _PLANAR) or page.samplesperpixel < colors:
        raise UnsupportedFormat(
            path,
            f"has {page.samplesperpixel} samples per pixel along {page.axes}; expected one flat picture.",
        )
    extras = [] if photometric == _PALETTE else [int(extra) for extra in page.extrasamples]
    alphas = [colors + i for i, extra in enumerate(extras) if extra in (_ASSOCIATED, _UNASSOCIATED)]
    profile, tags = _profile(page, space)
    return _Header(space=space, alpha=alphas[0] if alphas else None, profile=profile, tags=tags)


def _check_complete(path: Path, page: "TiffPage") -> None:
    """Refuse a file that has not all of its strips or tiles; the decoder would make the others black."""
    present = sum(count > 0 for count in page.databytecounts)
    wanted = math.prod(page.chunked)
    if min(present, len(page.dataoffsets)) < wanted:
        raise UnreadableFile(path, f"is cut short or damaged: it has {present} of {wanted} strips or tiles.")


def _name(code: object) -> str:
    """What tifffile calls a code that it knows, else the number."""
    return str(getattr(code, "name", code))


def _profile(page: "TiffPage", space: str) -> tuple[icc.Profile, dict[str, str]]:
    tag = page.tags.get(_ICC_PROFILE)
    profile, tags = icc.interpret(tag.value if tag and isinstance(tag.value, bytes) else None, space=space)
    if str(page.dtype) not in _FLOATS:
        return profile, tags
    if not profile.description:
        profile = replace(profile, encoding=LINEAR_SCENE)
    elif profile.encoding.transfer == "linear" and profile.curves is None and profile.tables is None:
        profile = replace(profile, encoding=replace(profile.encoding, reference=Reference.SCENE))
    light = page.tags.get(_LIGHT)
    if light is not None and isinstance(light.value, str):
        profile = replace(profile, encoding=_light_from_json(light.value, profile.encoding))
    return profile, tags


def _light_to_json(encoding: Encoding) -> str:
    return json.dumps({"reference": encoding.reference.value, "white": encoding.white})


def _light_from_json(text: str, encoding: Encoding) -> Encoding:
    """The encoding with the reference and the white that the text gives; as it is if that is not ours."""
    try:
        light = json.loads(text[:_LONGEST_LIGHT])
        return replace(encoding, reference=Reference(light["reference"]), white=light["white"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return encoding


def _samples(page: "TiffPage", header: _Header) -> tuple[np.ndarray, float]:
    """Codes (height, width, colours and alpha) and the code of 1.0."""
    samples: np.ndarray = page.asarray()
    if page.axes == _PLANAR:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    if page.photometric == _PALETTE and page.colormap is not None:
        return _looked_up(samples[..., 0], page.colormap), 255.0
    colors = _COLORS[header.space]
    top = 1.0 if samples.dtype.kind == "f" else 2.0**page.bitspersample - 1.0
    if page.photometric == _WHITE_IS_ZERO:
        samples = (top - samples).astype(samples.dtype)
    if header.alpha is None:
        return samples[..., :colors], top
    straight = samples[..., [*range(colors), header.alpha]]
    if page.extrasamples[header.alpha - colors] == _ASSOCIATED:
        return _unassociated(straight, top), 1.0
    return straight, top


def _looked_up(indices: np.ndarray, colormap: np.ndarray) -> np.ndarray:
    """Colours of 8 bits; in the palette they stand in the upper byte, of some old writers in the lower."""
    colors = colormap if colormap.max() < 256 else colormap >> 8
    return np.take(colors.T.astype(np.uint8), indices.astype(np.intp), axis=0, mode="clip")


def _unassociated(samples: np.ndarray, top: float) -> np.ndarray:
    """Values of which the colours were multiplied by alpha before; where alpha is 0 there is no colour."""
    values = samples.astype(np.float32) / np.float32(top)
    alpha = values[..., -1:]
    np.divide(values[..., :-1], alpha, out=values[..., :-1], where=alpha > 0)
    return values


def _exif(path: Path) -> exif.Exif:
    """A TIFF is itself what EXIF is stored in."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as block:
        return exif.parse(block)


def _light(image: Image, rows: int) -> Iterator[np.ndarray]:
    """Linear light with alpha, as strips of that many rows."""
    for top in range(0, image.height, rows):
        strip = slice(top, top + rows)
        light = convert(image.pixels[:, strip], image.encoding, image.encoding.linear)
        planes = [*light] if image.alpha is None else [*light, *image.alpha[:, strip]]
        yield np.stack([plane.numpy() for plane in planes], axis=-1)


def _append_metadata(path: Path, image: Image) -> None:
    """Let a copy of the first directory, with the metadata in it, take its place from the end of the file.

    Files of more than 4 GiB, which are BigTIFF, go without.
    """
    with path.open("r+b") as file:
        magic, offset = struct.unpack("<2xHI", file.read(8))
        if magic != 42:
            return
        file.seek(offset)
        (count,) = struct.unpack("<H", file.read(2))
        entries = file.read(12 * count)
        end = file.seek(0, 2)
        end += end % 2
        file.seek(end)
        file.write(exif.directories(image.metadata, offset=end, existing=entries))
        file.seek(4)
        file.write(struct.pack("<I", end))


FORMAT = Format(
    name="TIFF",
    suffixes=(".tif", ".tiff"),
    signatures=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    depths=(16, 8, 32),
    hdr_depths=(32,),
    probe=probe,
    read=read,
    write=write,
)
