"""JPEG, the format of nearly every photograph: 8 bits, lossy, SDR.

References:  ITU-T T.81, annex B (markers); ICC.1:2022, annex B.4 (profiles in APP2); CIPA DC-008-2023, 4.7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedIOBase, BytesIO
from pathlib import Path

import numpy as np

from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import exif, icc
from relume.io.formats.format import FileInfo, Format, WriteOptions

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_APP1, _APP2 = 0xE1, 0xE2
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_PROCESSES = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC9: "extended, arithmetic",
    0xCA: "progressive, arithmetic",
}
_ICC_PREFIX = b"ICC_PROFILE\0"
_GAIN_MAP_MARKS = (b"urn:iso:std:iso:ts:21496:-1", b"hdrgm:Version")
_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_CHANNELS = {1: "Y", 3: "RGB", 4: "CMYK"}

# In compressed data, 0xFF is followed by zero, a restart marker or another 0xFF unless a segment begins.
_NEXT_SEGMENT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# A block of 8 × 8 samples takes a bit at least: no picture has more pixels than that for a byte of its file.
_MOST_PIXELS_PER_BYTE = 2048
_LONGEST_SIDE = 65_500


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    components: int
    precision: int
    process: str
    profile: bytes
    exif: exif.Exif
    gain_map: bool
    scan: int
    """Where the compressed data of the first scan begins."""


def probe(path: Path) -> FileInfo:
    """What the segments before the pixels say."""
    with path.open("rb") as file:
        header = _header(path, file)
    profile, tags = icc.interpret(header.profile, space=_SPACES[header.components])
    gain_map = {"gain map": "present, not applied"} if header.gain_map else {}
    width, height = header.width, header.height
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=height if header.exif.swaps_sides else width,
        height=width if header.exif.swaps_sides else height,
        channels=_CHANNELS[header.components],
        sample=f"{header.precision} bit",
        encoding=profile.encoding,
        metadata=header.exif.metadata,
        tags={"process": header.process, **tags, **gain_map},
    )


def read(path: Path) -> Image:
    """Decode the picture, upright, in the primaries of its profile; a gain map is left aside.

    Raises:
        UnreadableFile: truncated, corrupt or not a JPEG.
        UnsupportedFormat: a number of components that is none of grey, RGB and CMYK.
    """
    data = path.read_bytes()
    header = _header(path, BytesIO(data))
    _check_complete(path, data, header)
    samples = header.exif.upright(_samples(path, data, header))
    profile, _ = icc.interpret(header.profile, space=_SPACES[header.components])
    pixels, _ = icc.decode(samples, profile, top=2**header.precision - 1)
    return Image(pixels, profile.encoding, metadata=header.exif.metadata)


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write 8 bits with profile and EXIF; from quality 90 on, colour has the full resolution.

    Raises:
        ValueError: transparency, or more rows or columns than a JPEG holds.
    """
    from PIL import Image as Pillow

    if image.alpha is not None and not bool((image.alpha > 1 - 1 / 512).all()):
        raise ValueError("it is partly transparent; write PNG or TIFF instead.")
    if max(image.width, image.height) > _LONGEST_SIDE:
        raise ValueError(
            f"it has {image.width} × {image.height} pixels, and {_LONGEST_SIDE} a side are the most; "
            "write PNG or TIFF instead."
        )
    block = exif.build(image.metadata)
    Pillow.fromarray(icc.quantize(replace(image, alpha=None), 8)).save(
        path,
        "JPEG",
        quality=options.quality,
        subsampling="4:4:4" if options.quality >= 90 else "4:2:0",
        icc_profile=icc.build(image.encoding),
        exif=exif.PREFIX + block if block else b"",
    )


def _header(path: Path, file: BufferedIOBase) -> _Header:
    frame, process, block, gain_map = b"", "", b"", False
    profile: dict[int, bytes] = {}
    for marker, payload in _segments(path, file):
        if marker in _PROCESSES:
            frame, process = payload, _PROCESSES[marker]
        elif marker == _APP1 and payload.startswith(exif.PREFIX):
            block = block or payload
        elif marker == _APP2 and payload.startswith(_ICC_PREFIX) and len(payload) > 14:
            profile[payload[12]] = payload[14:]
        gain_map = gain_map or (marker in (_APP1, _APP2) and any(mark in payload for mark in _GAIN_MAP_MARKS))
    if len(frame) < 6:
        raise UnreadableFile(
            path, "is damaged: it says nothing of its size, or has a process that is not in use."
        )
    header = _Header(
        precision=frame[0],
        height=int.from_bytes(frame[1:3]),
        width=int.from_bytes(frame[3:5]),
        components=frame[5],
        process=process,
        profile=b"".join(part for _, part in sorted(profile.items())),
        exif=exif.parse(block),
        gain_map=gain_map,
        scan=file.tell(),
    )
    if header.components not in _SPACES:
        raise UnsupportedFormat(
            path, f"has {header.components} components; expected 1 (grey), 3 (RGB) or 4 (CMYK)."
        )
    if not header.width or not header.height:
        raise UnreadableFile(
            path, f"is damaged: it says that it has {header.width} × {header.height} pixels."
        )
    return header


def _segments(path: Path, file: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of each segment, up to the head of the first scan."""
    if file.read(2) != bytes((0xFF, _START)):
        raise UnreadableFile(path, "is no JPEG: it does not begin like one.")
    marker = 0
    while marker != _SCAN:
        marker = _next_marker(file)
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(file.read(2))
        payload = file.read(max(length - 2, 0))
        if marker in (0, _END) or len(payload) != length - 2:
            raise UnreadableFile(path, "is cut short: it ends before its picture begins; get a whole copy.")
        yield marker, payload


def _next_marker(file: BufferedIOBase) -> int:
    """The code behind the next 0xFF bytes, skipping what does not belong there; 0 at the end of the file."""
    byte = file.read(1)
    while byte and byte != b"\xff":
        byte = file.read(1)
    while byte == b"\xff":
        byte = file.read(1)
    return byte[0] if byte else 0


def _check_complete(path: Path, data: bytes, header: _Header) -> None:
    """Refuse a file that ends before its picture; the decoder would fill the rest with grey."""
    position = header.scan
    while True:
        match = _NEXT_SEGMENT.search(data, position)
        if match is None:
            break
        if data[match.start() + 1] == _END:
            if header.width * header.height <= _MOST_PIXELS_PER_BYTE * len(data):
                return
            break
        position = match.end() + int.from_bytes(data[match.end() : match.end() + 2])
    raise UnreadableFile(path, "is cut short or damaged: its picture does not end; get a whole copy.")


def _samples(path: Path, data: bytes, header: _Header) -> np.ndarray:
    """Codes (height, width, components); of CMYK, ink."""
    import imagecodecs

    samples: np.ndarray = imagecodecs.jpeg8_decode(data)
    shape = (header.height, header.width, header.components)
    if samples.size != np.prod(shape):
        raise UnreadableFile(
            path, f"is damaged: it holds {samples.shape} samples where its head says {shape}."
        )
    samples = samples.reshape(shape)
    # Adobe began to store how much ink is not there; all that read and write CMYK followed.
    return ~samples if header.components == 4 else samples


FORMAT = Format(
    name="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    signatures=(b"\xff\xd8\xff",),
    depths=(8,),
    probe=probe,
    read=read,
    write=write,
)
