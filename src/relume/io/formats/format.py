"""The row of the table of file formats, and what is known of a file before its pixels are decoded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from relume.color.encoding import Encoding
from relume.color.primaries import PRIMARIES
from relume.image import Image, Metadata

SCREEN_PEAK = 1000.0
"""cd/m², for which files for HDR screens are made unless told otherwise."""

SCREEN_PRIMARIES = ("bt2020", "p3", "bt709")
"""What code points can name for HDR screens, the default first."""


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
    PNG 8 (default) or 16 (default for HDR); AVIF 8 (default), 10 (default for HDR) or 12."""
    quality: int = 95
    """Of lossy formats, 1 to 100."""
    transfer: str | None = None
    """Of files for HDR screens: "pq" (default) or "hlg"; naming one makes an SDR picture such a file too."""
    primaries: str | None = None
    """A name in `relume.color.primaries.PRIMARIES`; None: BT.2020 for HDR screens, else the picture's own."""
    peak: float = SCREEN_PEAK
    """Of files for HDR screens: cd/m² that nothing exceeds; highlights roll off towards it."""
    clip: bool = False
    """Let light above white clip where the format has no room for it, rather than refuse."""
    base: Image | Path | None = None
    """The SDR picture that a file with a gain map shows on ordinary screens, of the same size. A JPEG file is
    taken as it is, if it is one of colours in 8 bits; None: the picture with its highlights rolled off."""
    gain_map_channels: int = 3
    """3, or 1 for a third of the data where hues are those of the SDR picture."""
    gain_map_scale: int = 1
    """Pixels each way that share a value of the gain map."""
    strip: bool = False
    """Leave out what a base that is a file tells of the photograph: EXIF, XMP, captions, comments."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One file format: how to know it, probe it, read it and write it."""

    name: str
    suffixes: tuple[str, ...]
    """Lower case, with the dot; the first is the one we write."""
    signatures: tuple[bytes, ...]
    """Any of these begins the file."""
    brands: tuple[bytes, ...] = ()
    """Of boxes (ISO base media): any of these brands in the first box."""
    depths: tuple[int, ...] = ()
    """The depths that can be written, the default first; empty: not written."""
    hdr_depths: tuple[int, ...] = ()
    """Those of them that hold light above white, the default for HDR first."""
    transfers: tuple[str, ...] = ()
    """Of formats for HDR screens: the curves that they can name, the default first."""
    primaries: tuple[str, ...] = tuple(PRIMARIES)
    """Those that can be asked for, and the format can name."""
    masks: bool = False
    """Whether it keeps the masks of a picture."""
    probe: Callable[[Path], FileInfo]
    read: Callable[[Path], Image]
    probe_base: Callable[[Path], FileInfo] | None = None
    """What the header says of the SDR picture of files that have a gain map."""
    read_base: Callable[[Path], Image] | None = None
    """Reads the SDR picture of files that have a gain map; None: the format knows none."""
    check: Callable[[Image], None] | None = None
    """Raises a ValueError for a picture that the format cannot hold, whatever its light; asked early."""
    check_installed: Callable[[Path], None] | None = None
    """Raises UnsupportedFormat where the library that writes, one installed on request, is missing."""
    write: Callable[[Path, Image, WriteOptions], None] | None = None
    """Writes to a temporary path that is moved into place afterwards; needs not care for atomicity.

    `relume.io.write` settles the depth before. Formats with `transfers` get HDR as PQ or HLG values within
    0..1. All that is not HDR or goes to a depth without room for it comes as a display-relative picture of
    encoded (never linear) values within 0..1. The path ends in a suffix of its own: name the format to
    libraries that guess it from there."""
    write_hdr: Callable[[Path, Image, WriteOptions], None] | None = None
    """Writes light above white in another way than `hdr_depths`: any picture of linear or encoded light."""
