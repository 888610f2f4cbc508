"""JPEG XL: PQ or HLG of 16 bits, linear light of 32, and SDR; lossy, or lossless at quality 100.

Pixels are decoded by one library, which knows nothing of colour, and the head is read by us; another encodes,
which is installed on request.

References:  ISO/IEC 18181-1:2024, annex E for what 1.0 of linear light means.
"""

import io
import struct
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from relume.color.encoding import Encoding, Reference
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import cicp, exif, icc
from relume.io.formats.format import SCREEN_PRIMARIES, FileInfo, Format, WriteOptions
from relume.io.formats.jxl_header import CODESTREAM, CONTAINER, JxlHeader, boxes, read_file, read_header

_LINEAR_WHITE = 255.0
"""cd/m² of 1.0 in linear light, unless the head names another; what we write does not."""
_LOSSLESS = 100
# Of 1 to 9; what slower ones save of a photograph is a few per cent.
_EFFORT = 4
_KEPT_BOXES = (b"jxll", b"jxlc", b"jxlp")


def probe(path: Path) -> FileInfo:
    """What the head of the codestream says."""
    with path.open("rb") as file:
        found = read_file(file)
    header, about = read_header(found.head), exif.parse(found.exif)
    profile, tags = _profile(path, header)
    turned = header.orientation > 4
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.height if turned else header.width,
        height=header.width if turned else header.height,
        channels=("Y" if header.color.grey else "RGB") + "A" * header.alpha,
        sample={32: "float", 16: "half"}.get(header.bits, "float")
        if header.is_float
        else f"{header.bits} bit",
        encoding=profile.encoding,
        metadata=about.metadata,
        tags=tags,
    )


def read(path: Path) -> Image:
    """Decode the first picture, upright.

    Convention:  floats of linear light are absolute, with 1.0 at the intensity target of the file.

    Raises:
        UnreadableFile: truncated, corrupt or not JPEG XL.
        UnsupportedFormat: samples of a profile, and the library that reads it is missing.
    """
    import imagecodecs

    data = path.read_bytes()
    found = read_file(io.BytesIO(data))
    header = read_header(found.head)
    profile, _ = _profile(path, header)
    samples: np.ndarray = imagecodecs.jpegxl_decode(data, index=0)
    samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
    sides = (header.height, header.width)
    if samples.ndim != 3 or samples.shape[:2] != (sides[::-1] if header.orientation > 4 else sides):
        raise UnreadableFile(
            path, f"is damaged: its picture is of another size than it says {samples.shape}."
        )
    top = 1.0 if samples.dtype.kind == "f" else 2.0 ** min(header.bits, 8 * samples.itemsize) - 1.0
    pixels, alpha = icc.decode(samples, profile, top=top)
    return Image(pixels, profile.encoding, alpha, exif.parse(found.exif).metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write with code points, or a profile where those fail, and EXIF.

    Raises:
        UnsupportedFormat: the library that encodes is not installed.
    """
    oiio = _openimageio(path)
    depth = options.depth or 8
    samples = _light(image) if depth == 32 else icc.quantize(image, depth)
    spec = oiio.ImageSpec(
        image.width, image.height, samples.shape[2], {8: "uint8", 16: "uint16"}.get(depth, "float")
    )
    spec.attribute("compression", f"jpegxl:{options.quality}")
    spec.attribute("jpegxl:effort", _EFFORT)
    if image.alpha is not None:
        spec.alpha_channel = 3
        spec.attribute("oiio:UnassociatedAlpha", 1)
    points = cicp.to_points(image.encoding)
    if points is not None:
        spec.attribute("CICP", "int[4]", (*points, cicp.MATRIX_RGB, 1))
    else:
        profile = icc.build(image.encoding)
        spec.attribute("ICCProfile", f"uint8[{len(profile)}]", np.frombuffer(profile, np.uint8))
    _encode(oiio, path, spec, samples)
    path.write_bytes(_packed(path.read_bytes(), exif.build(image.metadata)))


def check_installed(path: Path) -> None:
    """Refuse before any work what `write` would for want of a library."""
    _openimageio(path)


def _openimageio(path: Path) -> ModuleType:
    try:
        import OpenImageIO
    except ImportError as error:
        raise UnsupportedFormat(
            path, "JPEG XL is written by a library that is not installed; pip install 'relume[jxl]'."
        ) from error
    return OpenImageIO


def _profile(path: Path, header: JxlHeader) -> tuple[icc.Profile, dict[str, str]]:
    """What the samples mean, and what to tell of it."""
    color = header.color
    space = "GRAY" if color.grey else "RGB"
    tags = {"compression": "lossless" if header.lossless else "lossy"}
    if header.animation:
        tags["animation"] = "the first picture is read"
    if color.icc:
        profile, told = icc.interpret(_icc_profile(path), space=space)
        return profile, {**tags, **told}
    if color.primaries is None:
        raise UnsupportedFormat(path, "has primaries that make no sense; save it as PNG first.")
    if color.gamma is not None:
        curve = icc.ParametricCurve(exponent=1.0 / color.gamma)
        return icc.from_curves("gamma", color.primaries, (curve,) * 3, space=space), tags
    encoding = cicp.from_points(1, color.transfer)
    if encoding is None:
        raise UnsupportedFormat(path, f"has the transfer function {color.transfer}; save it as PNG first.")
    encoding = replace(encoding, primaries=color.primaries)
    if header.is_float and encoding.transfer == "linear":
        encoding = Encoding(color.primaries, "linear", Reference.DISPLAY_ABSOLUTE, header.intensity_target)
    tags["light"] = f"{color.transfer} of H.273"
    if encoding.is_hdr or encoding.transfer == "linear":
        tags["intensity target"] = f"{header.intensity_target:g} cd/m²"
    return icc.Profile(space=space, encoding=encoding), tags


def _icc_profile(path: Path) -> bytes | None:
    """The profile of a file, which is compressed with its pixels."""
    oiio = _openimageio(path)
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise UnreadableFile(path, f"is damaged: {oiio.geterror()[:160]}")
    try:
        profile = file.spec().getattribute("ICCProfile")
    finally:
        file.close()
    return None if profile is None else np.asarray(profile, np.uint8).tobytes()


def _light(image: Image) -> np.ndarray:
    """Linear light (height, width, 3 or 4), 1.0 at 255 cd/m²."""
    light = image.to(Encoding(image.encoding.primaries, "linear", Reference.DISPLAY_ABSOLUTE, _LINEAR_WHITE))
    planes = [*light.pixels] if image.alpha is None else [*light.pixels, *image.alpha]
    return np.stack([plane.numpy() for plane in planes], axis=-1)


def _encode(oiio: ModuleType, path: Path, spec: Any, samples: np.ndarray) -> None:
    output = oiio.ImageOutput.create("jxl")
    if output is None or not output.open(str(path), spec):
        raise ValueError(output.geterror() if output else oiio.geterror())
    done = output.write_image(samples)
    if not (output.close() and done):
        raise ValueError(output.geterror())


def _packed(encoded: bytes, block: bytes) -> bytes:
    """The file with our EXIF in place of what the library says of itself there."""
    if encoded.startswith(CODESTREAM):
        parts = [_box(b"jxlc", encoded)]
    else:
        file = io.BytesIO(encoded)
        file.seek(len(CONTAINER))
        parts = [_box(kind, file.read(length)) for kind, length in boxes(file) if kind in _KEPT_BOXES]
    if block:
        # Behind the level, before the pixels: so that it is found without reading those.
        parts.insert(1 if parts[0][4:8] == b"jxll" else 0, _box(b"Exif", bytes(4) + block))
    return CONTAINER + _box(b"ftyp", b"jxl \0\0\0\0jxl ") + b"".join(parts)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


FORMAT = Format(
    name="JPEG XL",
    suffixes=(".jxl",),
    signatures=(CODESTREAM, CONTAINER),
    depths=(8, 16, 32),
    hdr_depths=(16, 32),
    transfers=("pq", "hlg", "linear"),
    primaries=SCREEN_PRIMARIES,
    probe=probe,
    read=read,
    check_installed=check_installed,
    write=write,
)
