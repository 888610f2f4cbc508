"""AVIF: AV1 in HEIF. 8, 10 or 12 bits, PQ or HLG for HDR screens, and SDR.

The library codes the pixels; what they mean is written and read by us, since it has no light level, no EXIF
and tells nothing of colour.

References:  AV1 Image File Format 1.1; ISO/IEC 23000-22 (MIAF) for the order of turns.
"""

import io
from pathlib import Path

import numpy as np

from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import cicp, icc
from relume.io.formats.format import SCREEN_PRIMARIES, FileInfo, Format, WriteOptions
from relume.io.formats.heif_completion import completed
from relume.io.formats.heif_header import HeifHeader, read_header
from relume.io.formats.isobmff import Container, read_container

_BRANDS = (b"avif", b"avis")
_LONGEST_SIDE = 16_384
# Of libavif: the fastest at which quality still counts; slower ones save little of the size of a photograph.
_SPEED = 8


def probe(path: Path) -> FileInfo:
    """What the boxes before the pixels say."""
    with path.open("rb") as file:
        header = _header(path, read_container(file), file)
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
        UnreadableFile: truncated, corrupt or not an AVIF.
    """
    import imagecodecs

    data = path.read_bytes()
    file = io.BytesIO(data)
    header = _header(path, read_container(file), file)
    samples: np.ndarray = imagecodecs.avif_decode(data, index=0)
    samples = samples[..., np.newaxis] if samples.ndim == 2 else samples
    if samples.shape[:2] != (header.stored_height, header.stored_width):
        raise UnreadableFile(
            path, f"is damaged: its picture is of another size than it says {samples.shape}."
        )
    depth = header.depth if samples.dtype == np.uint16 else 8
    pixels, alpha = icc.decode(header.upright(samples), header.profile, top=2**depth - 1)
    return Image(pixels, header.profile.encoding, alpha, header.exif.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write full range and full colour resolution, with EXIF and code points, or a profile where those fail.

    For HDR screens MaxCLL, MaxFALL and the mastering display go along.

    Raises:
        ValueError: more rows or columns than the format's profiles allow.
    """
    if max(image.width, image.height) > _LONGEST_SIDE:
        raise ValueError(
            f"it has {image.width} × {image.height} pixels, and {_LONGEST_SIDE} a side are the most; "
            "write PNG or TIFF instead."
        )
    depth = options.depth or 8
    points, matrix = cicp.points_or_unspecified(image.encoding), cicp.matrix_of(image.encoding)
    encoded = _encoded(image, depth, options.quality, (*points, matrix))
    path.write_bytes(completed(encoded, image, matrix=matrix, peak=options.peak))


def _header(path: Path, container: Container, file: io.BufferedIOBase) -> HeifHeader:
    if not any(brand in container.brands for brand in _BRANDS):
        raise UnsupportedFormat(path, f"holds {container.brands[:4]!r}, not AVIF; expected a picture.")
    return read_header(container, file)


def _encoded(image: Image, depth: int, quality: int, points: tuple[int, int, int]) -> bytes:
    import imagecodecs

    primaries, transfer, matrix = points
    return bytes(
        imagecodecs.avif_encode(
            icc.quantize(image, depth),
            level=quality,
            speed=_SPEED,
            bitspersample=depth,
            pixelformat="yuv444",
            primaries=primaries,
            transfer=transfer,
            matrix=matrix,
            numthreads=_threads(),
        )
    )


def _threads() -> int:
    import torch

    return torch.get_num_threads()


FORMAT = Format(
    name="AVIF",
    suffixes=(".avif",),
    signatures=(),
    brands=_BRANDS,
    depths=(8, 10, 12),
    hdr_depths=(10, 12),
    transfers=("pq", "hlg"),
    primaries=SCREEN_PRIMARIES,
    probe=probe,
    read=read,
    write=write,
)
