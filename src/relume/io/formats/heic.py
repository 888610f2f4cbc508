"""HEIC: HEVC in HEIF, the format of telephones. 8, 10 or 12 bits, PQ or HLG for HDR screens, and SDR.

The head is read by us; pixels need a library that is installed on request.

References:  ISO/IEC 23008-12 (HEIF), annex B.
"""

import io
from pathlib import Path
from types import ModuleType

import numpy as np

from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import cicp, icc
from relume.io.formats.format import SCREEN_PRIMARIES, FileInfo, Format, WriteOptions
from relume.io.formats.heif_completion import completed
from relume.io.formats.heif_header import read_header
from relume.io.formats.isobmff import read_container

_LONGEST_SIDE = 16_384


def probe(path: Path) -> FileInfo:
    """What the boxes before the pixels say."""
    with path.open("rb") as file:
        header = read_header(read_container(file), file)
    width, height = header.size
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=width,
        height=height,
        channels=header.channels,
        sample=f"{header.depth} bit",
        encoding=header.profile.encoding,
        metadata=header.exif.metadata,
        tags=header.tags,
    )


def read(path: Path) -> Image:
    """Decode the main picture, upright, by its profile or its code points.

    Raises:
        UnreadableFile: truncated, corrupt or not HEIC.
        UnsupportedFormat: the library that decodes is not installed.
    """
    library = _pillow_heif(path)
    with path.open("rb") as file:
        header = read_header(read_container(file), file)
    picture = library.open_heif(path, convert_hdr_to_8bit=False)
    if picture.size != header.size:
        raise UnreadableFile(path, f"is damaged: its picture is of another size than it says {picture.size}.")
    samples = np.asarray(picture)
    samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
    depth = 8
    if samples.dtype == np.uint16:  # the codes stand in the upper bits
        depth = header.depth
        samples = samples >> (16 - depth)
    pixels, alpha = icc.decode(samples, header.profile, top=2**depth - 1)
    return Image(pixels, header.profile.encoding, alpha, header.exif.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write full range and full colour resolution, with EXIF and code points, or a profile where those fail.

    For HDR screens MaxCLL, MaxFALL and the mastering display go along.

    Raises:
        UnsupportedFormat: the library that encodes is not installed.
        ValueError: more rows or columns than decoders take.
    """
    library = _pillow_heif(path)
    if max(image.width, image.height) > _LONGEST_SIDE:
        raise ValueError(
            f"it has {image.width} × {image.height} pixels, and {_LONGEST_SIDE} a side are the most; "
            "write PNG or TIFF instead."
        )
    depth = options.depth or 8
    samples = icc.quantize(image, depth)
    mode = "RGB" if image.alpha is None else "RGBA"
    if depth > 8:
        mode, samples = f"{mode};16", samples << (16 - depth)
    primaries, transfer = cicp.points_or_unspecified(image.encoding)
    matrix = cicp.matrix_of(image.encoding)
    library.options.SAVE_HDR_TO_12_BIT = depth == 12
    encoded = io.BytesIO()
    library.from_bytes(mode=mode, size=(image.width, image.height), data=samples.tobytes()).save(
        encoded,
        format="HEIF",
        quality=options.quality,
        chroma=444,
        save_nclx_profile=True,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=matrix,
        full_range_flag=1,
    )
    path.write_bytes(completed(encoded.getvalue(), image, matrix=matrix, peak=options.peak))


def check_installed(path: Path) -> None:
    """Refuse before any work what `write` would for want of a library."""
    _pillow_heif(path)


def _pillow_heif(path: Path) -> ModuleType:
    try:
        import pillow_heif
    except ImportError as error:
        raise UnsupportedFormat(
            path, "HEIC needs a library that is not installed; pip install 'relume[heic]'."
        ) from error
    return pillow_heif


FORMAT = Format(
    name="HEIC",
    suffixes=(".heic", ".heif"),
    signatures=(),
    brands=(b"heic", b"heix", b"heim", b"heis", b"mif1"),
    depths=(8, 10, 12),
    hdr_depths=(10, 12),
    transfers=("pq", "hlg"),
    primaries=SCREEN_PRIMARIES,
    probe=probe,
    read=read,
    check_installed=check_installed,
    write=write,
)
