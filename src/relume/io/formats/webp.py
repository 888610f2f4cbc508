"""WebP: 8 bits, lossy or lossless, with transparency; SDR.

References:  RFC 9649 (WebP Image Format).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relume.errors import UnsupportedFormat
from relume.image import Image
from relume.io import exif, icc
from relume.io.formats.format import FileInfo, Format, WriteOptions

if TYPE_CHECKING:
    from PIL.WebPImagePlugin import WebPImageFile

_LONGEST_SIDE = 16_383


def probe(path: Path) -> FileInfo:
    """What the chunks beside the pixels say."""
    with _open(path) as file:
        about = exif.parse(file.info.get("exif", b""))
        profile, tags = icc.interpret(file.info.get("icc_profile"))
        if file.n_frames > 1:
            tags["animation"] = f"{file.n_frames} pictures, the first is read"
        return FileInfo(
            path=path,
            format=FORMAT.name,
            width=file.height if about.swaps_sides else file.width,
            height=file.width if about.swaps_sides else file.height,
            channels=file.mode,
            sample="8 bit",
            encoding=profile.encoding,
            metadata=about.metadata,
            tags=tags,
        )


def read(path: Path) -> Image:
    """Decode the first picture, upright, in the primaries of its profile."""
    with _open(path) as file:
        about = exif.parse(file.info.get("exif", b""))
        profile, _ = icc.interpret(file.info.get("icc_profile"))
        pixels, alpha = icc.decode(about.upright(np.asarray(file)), profile, top=255)
    return Image(pixels, profile.encoding, alpha, about.metadata)


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


def _open(path: Path) -> "WebPImageFile":
    with path.open("rb") as file:
        if file.read(12)[8:] != b"WEBP":
            raise UnsupportedFormat(path, "is a RIFF file, but no WebP; expected a picture.")
    # The plugin itself: Image.open would refuse, or warn of, what it holds to be too large; that we decide.
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(path)


FORMAT = Format(
    name="WebP",
    suffixes=(".webp",),
    signatures=(b"RIFF",),
    depths=(8,),
    probe=probe,
    read=read,
    write=write,
)
