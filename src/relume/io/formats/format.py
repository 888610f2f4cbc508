"""The row of the table of file formats, and what is known of a file before its pixels are decoded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from relume.color.encoding import Encoding
from relume.image import Image, Metadata


@dataclass(frozen=True, kw_only=True)
class FileInfo:
    """What the header of a picture file says; cheap to get, also of files too large to decode."""

    path: Path
    format: str
    """Name of the row, "OpenEXR"."""
    width: int
    """Columns after orientation, as a viewer shows the picture."""
    height: int
    channels: str
    """What the file stores: "RGB", "RGBA", "Y", "YA", "CMYK", "palette"."""
    sample: str
    """How it stores it: "8 bit", "16 bit", "half", "float", "RGBE"."""
    encoding: Encoding
    """What `read` will report."""
    metadata: Metadata = field(default_factory=Metadata)
    tags: dict[str, str] = field(default_factory=dict)
    """Whatever else the file says that a person may want to see: compression, profile name, layers."""


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """How to write, for those formats that leave a choice; None means the format's default."""

    depth: int | None = None
    """Bits per channel: EXR 16 (half, default) or 32; TIFF 8, 16 or 32 (float, default for HDR);
    PNG 8 (default) or 16."""
    quality: int = 95
    """Of lossy formats, 1 to 100."""
    clip: bool = False
    """Let light above white clip where the format has no room for it, rather than refuse."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One file format: how to know it, probe it, read it and write it."""

    name: str
    suffixes: tuple[str, ...]
    """Lower case, with the dot; the first is the one we write."""
    signatures: tuple[bytes, ...]
    """Any of these begins the file."""
    depths: tuple[int, ...] = ()
    """The depths that can be written, the default first; empty: not written."""
    hdr_depths: tuple[int, ...] = ()
    """Those of them that hold light above white, the default for HDR first."""
    probe: Callable[[Path], FileInfo]
    read: Callable[[Path], Image]
    write: Callable[[Path, Image, WriteOptions], None] | None = None
    """Writes to a temporary path that is moved into place afterwards; needs not care for atomicity.

    `relume.io.write` settles the depth before and, where that depth is not among `hdr_depths`, hands over a
    display-relative picture of encoded (never linear) values within 0..1, in its own primaries. The path ends
    in a suffix of its own: name the format to libraries that guess it from there."""
