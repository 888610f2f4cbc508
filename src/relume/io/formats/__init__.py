"""The table of file formats, and how a row is found: by what a file begins with, or by a suffix.

A new format is one module with a constant `FORMAT` and one row here.
"""

from relume.io.formats import avif, bmp, exr, heic, jpeg, jxl, pfm, png, radiance, tiff, webp
from relume.io.formats.format import FileInfo, Format, WriteOptions

__all__ = ["FORMATS", "FileInfo", "Format", "WriteOptions", "by_signature", "by_suffix", "known_suffixes"]

FORMATS: tuple[Format, ...] = (
    exr.FORMAT,
    radiance.FORMAT,
    pfm.FORMAT,
    jpeg.FORMAT,
    png.FORMAT,
    tiff.FORMAT,
    webp.FORMAT,
    avif.FORMAT,
    jxl.FORMAT,
    heic.FORMAT,
    bmp.FORMAT,
)


def by_signature(head: bytes) -> Format | None:
    """The format whose files begin like this, or None."""
    brands = _brands(head)
    return next(
        (row for row in FORMATS if head.startswith(row.signatures) or not brands.isdisjoint(row.brands)), None
    )


def _brands(head: bytes) -> set[bytes]:
    """What the first box of an ISO base media file says it can be read as; empty of other files."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def by_suffix(suffix: str) -> Format | None:
    """The format of files named so (`.exr`, any case), or None."""
    return next((row for row in FORMATS if suffix.lower() in row.suffixes), None)


def known_suffixes(*, writable: bool = False) -> str:
    """The suffixes of all formats, or of those that can be written, as a list for people."""
    return ", ".join(row.suffixes[0] for row in FORMATS if row.write or not writable)
