"""Ultra HDR: a JPEG file with an SDR picture and, behind it, a second JPEG that is its gain map.

The second picture is announced in three ways, all of which are written: an XMP directory of Google's
container, the index of CIPA's multi-picture format, and ISO 21496-1. One place and one meaning are enough to
be read.

References:  [ultrahdr]; [iso21496]; CIPA DC-007-2021 (multi-picture format), 5.2.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from itertools import takewhile
from pathlib import Path
from xml.sax.saxutils import quoteattr

from relume.color.encoding import REFERENCE_WHITE
from relume.errors import EncodingError, UnreadableFile
from relume.io import exif
from relume.io.formats import gain_map
from relume.io.formats.gain_map import GainMap
from relume.io.formats.jpeg_segments import (
    APP0,
    APP1,
    APP2,
    APP14,
    APPLICATION,
    COMMENT,
    MOST_PAYLOAD,
    Segment,
    end_of_picture,
    segment,
    segments,
)

ISO_PREFIX = b"urn:iso:std:iso:ts:21496:-1\0"
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION_PREFIX = b"http://ns.adobe.com/xmp/extension/\0"
_MPF_PREFIX = b"MPF\0"
_HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_ITEM = "http://ns.google.com/photos/1.0/container/item/"
_ANNOUNCEMENTS = (ISO_PREFIX, b"hdrgm:Version")
# The minimum version and the version of the writer.
_ISO_ANNOUNCEMENT = ISO_PREFIX + bytes(4)

_MP_VERSION, _MP_COUNT, _MP_ENTRIES = 0xB000, 0xB001, 0xB002
_MP_BASELINE_PRIMARY = 0x030000
_MP_ENTRY = "IIIHH"

# The head of a map, with all that is told of it; and more pictures than any camera puts into a file.
_MOST_HEAD = 1 << 18
_MOST_PICTURES = 16


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A gain map in a file."""

    meaning: GainMap
    offset: int
    length: int
    """Bytes of its JPEG, which the file may turn out not to have."""
    height: int
    width: int
    channels: int
    profile: bytes
    """ICC, or nothing."""
    form: str
    """"ISO 21496-1", "XMP" or both: how its meaning is told."""


def is_announced(head: Iterable[Segment]) -> bool:
    """Whether the segments of a picture say that a gain map belongs to it."""
    return any(
        part.marker in (APP1, APP2) and any(mark in part.payload for mark in _ANNOUNCEMENTS) for part in head
    )


def find(path: Path, file: BufferedIOBase, head: Sequence[Segment], *, height: int, width: int) -> Attached:
    """The gain map that a picture's segments announce.

    Args:
        file: of which some bytes at the places that are named are read.
        head: the segments before the picture.
        height: rows of the picture as it is stored.
        width: columns.

    Raises:
        EncodingError: it is not there, is larger than the picture, or says what is not credible.
    """
    size = file.seek(0, 2)
    problem = "there is none where the file says, nor a place that it says"
    for offset, length in [*_mp_places(head), *_container_places(head, size)]:
        if not 0 < offset < size or length < 4:
            continue
        file.seek(offset)
        try:
            found = _attached(path, file.read(min(length, _MOST_HEAD)), offset, length)
        except EncodingError as error:
            problem = str(error)
            continue
        if found is None:
            continue
        if found.height > height or found.width > width:
            raise EncodingError(
                f"its {found.width} × {found.height} values are more than the {width} × {height} pixels."
            )
        return found
    raise EncodingError(problem)


def _attached(path: Path, head: bytes, offset: int, length: int) -> Attached | None:
    """The map that begins like this; None where it is some other picture, or none."""
    iso, xmp, frame, profile = None, None, b"", b""
    try:
        for marker, payload, _ in segments(path, BytesIO(head)):
            if marker == APP2 and payload.startswith(ISO_PREFIX) and len(payload) > len(_ISO_ANNOUNCEMENT):
                iso = payload[len(ISO_PREFIX) :]
            elif marker == APP1 and payload.startswith(XMP_PREFIX):
                xmp = payload[len(XMP_PREFIX) :]
            elif marker == APP2 and payload.startswith(b"ICC_PROFILE\0\1\1"):
                profile = payload[14:]
            elif marker in (0xC0, 0xC1, 0xC2) and len(payload) >= 6:
                frame = payload
    except UnreadableFile:
        return None
    told = _told(iso, xmp)
    if not told:
        return None
    if len(frame) < 6 or frame[0] != 8 or frame[5] not in (1, 3):
        raise EncodingError("it is no JPEG of 8 bits in one channel or three.")
    return Attached(
        meaning=next(iter(told.values())),
        offset=offset,
        length=length,
        height=int.from_bytes(frame[1:3]),
        width=int.from_bytes(frame[3:5]),
        channels=frame[5],
        profile=profile,
        form=" and ".join(told),
    )


def _told(iso: bytes | None, xmp: bytes | None) -> dict[str, GainMap]:
    """What each form of the metadata says, the newer first; empty where there is none.

    Raises:
        EncodingError: there is one, and none that can be used.
    """
    told, problem = {}, None
    for name, parse, data in (("ISO 21496-1", gain_map.parse_iso, iso), ("XMP", gain_map.parse_xmp, xmp)):
        try:
            meaning = None if data is None else parse(data)
        except EncodingError as error:
            problem = problem or error
            continue
        if meaning is not None:
            told[name] = meaning
    if problem is not None and not told:
        raise problem
    return told


def _mp_places(head: Iterable[Segment]) -> Iterator[tuple[int, int]]:
    """Offset and length of the pictures in the multi-picture index, without the first."""
    for marker, payload, position in head:
        if marker != APP2 or not payload.startswith(_MPF_PREFIX):
            continue
        index = payload[len(_MPF_PREFIX) :]
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(index[:4])
        if order is None:
            continue
        try:
            rows = _mp_rows(index, order)
        except struct.error:  # an index that ends too early names no pictures
            continue
        for _, length, offset, _, _ in rows[1:]:
            yield position + len(_MPF_PREFIX) + offset, length


def _mp_rows(index: bytes, order: str) -> list[tuple[int, ...]]:
    (start,) = struct.unpack_from(order + "I", index, 4)
    (count,) = struct.unpack_from(order + "H", index, start)
    for at in range(start + 2, start + 2 + 12 * min(count, _MOST_PICTURES), 12):
        tag, _, length, place = struct.unpack_from(order + "HHII", index, at)
        if tag == _MP_ENTRIES:
            row = struct.calcsize(order + _MP_ENTRY)
            return [
                struct.unpack_from(order + _MP_ENTRY, index, place + row * number)
                for number in range(min(length // row, _MOST_PICTURES))
            ]
    return []


def _container_places(head: Iterable[Segment], size: int) -> Iterator[tuple[int, int]]:
    """Offset and length of what the container's directory calls a gain map; items lie at the file's end."""
    for marker, payload, _ in head:
        if marker != APP1 or not payload.startswith(XMP_PREFIX):
            continue
        items = []
        try:
            for element in gain_map.xmp_elements(payload[len(XMP_PREFIX) :]):
                if element.tag == f"{{{_CONTAINER}}}Item":
                    length = int(element.get(f"{{{_ITEM}}}Length", "0")[:12])
                    items.append((element.get(f"{{{_ITEM}}}Semantic"), length))
        except ValueError:  # damaged, or a length that is no number
            continue
        behind = 0
        for semantic, length in reversed(items[1:_MOST_PICTURES]):
            behind += length
            if semantic == "GainMap":
                yield size - behind, length


def tags(found: Attached) -> dict[str, str]:
    """What a person may want to know of a gain map (`FileInfo.tags`)."""
    meaning = found.meaning
    peak = REFERENCE_WHITE * 2**meaning.headroom
    colors = "those of the SDR picture" if meaning.in_base_colors else "those of the map's profile"
    channels = "1 channel" if found.channels == 1 else f"{found.channels} channels"
    return {
        "gain map": f"applied; {found.width} × {found.height}, {channels}, told as {found.form}",
        "gain": f"{_list(meaning.min_stops)} to {_list(meaning.max_stops)} stops",
        "gain map gamma": _list(meaning.gamma),
        "gain map offsets": f"{_list(meaning.base_offset)} (SDR), {_list(meaning.alternate_offset)} (HDR)",
        "gain map colours": colors,
        "headroom": (
            f"{meaning.headroom:.4g} stops: the full effect needs a screen of {peak:.0f} cd/m² "
            f"where white is {REFERENCE_WHITE:g}; none below {meaning.base_headroom:.4g} stops, "
            f"{REFERENCE_WHITE * 2**meaning.base_headroom:.0f} cd/m²"
        ),
    }


def _list(values: Sequence[float]) -> str:
    chosen = values[:1] if len(set(values)) == 1 else values
    return ", ".join(f"{value:.4g}" for value in chosen)


def assemble(path: Path, base: bytes, stored: bytes, meaning: GainMap, *, strip: bool = False) -> bytes:
    """The file of an SDR picture and its map.

    The base stays as it is, pixels, profile and metadata, but for a gain map that it had, other pictures
    behind it, and what tells of them.

    Args:
        path: for messages.
        base: a JPEG file.
        stored: the map, a JPEG file without metadata.
        meaning: what its values mean.
        strip: leave out what the base tells of the photograph, but for the orientation.

    Raises:
        UnreadableFile: the base is no JPEG, or cut short.
    """
    told = segment(APP1, XMP_PREFIX + gain_map.build_xmp(meaning))
    told += segment(APP2, ISO_PREFIX + gain_map.build_iso(meaning))
    second = stored[:2] + told + stored[2:]
    kept, packet, picture = _taken_apart(path, base)
    if strip:
        kept, packet = _stripped(kept), None
    head = base[:2] + b"".join(segment(marker, payload) for marker, payload, _ in kept)
    head += _announced(packet, len(second)) + segment(APP2, _ISO_ANNOUNCEMENT)
    index_at = len(head) + 4 + len(_MPF_PREFIX)
    first_length = len(head) + len(segment(APP2, _mp_index(0, 0, 0))) + len(picture)
    index = segment(APP2, _mp_index(first_length, len(second), first_length - index_at))
    return head + index + picture + second


def _taken_apart(path: Path, base: bytes) -> tuple[list[Segment], bytes | None, bytes]:
    """The segments to keep, the XMP packet to extend, and the picture with its tables."""
    file = BytesIO(base)
    head = list(segments(path, file))
    end = end_of_picture(base, file.tell())
    if end is None:
        raise UnreadableFile(path, "is cut short: its picture does not end; get a whole copy.")
    leading = list(takewhile(lambda part: part.marker in APPLICATION or part.marker == COMMENT, head))
    start = head[len(leading)].offset - 4
    packets = [part.payload for part in leading if part.payload.startswith(XMP_PREFIX)]
    packet = packets[0][len(XMP_PREFIX) :] if packets else None
    foreign = packet is not None and (_HDRGM.encode() in packet or _CONTAINER.encode() in packet)
    dropped: tuple[bytes, ...] = (XMP_PREFIX, ISO_PREFIX, _MPF_PREFIX)
    if foreign:
        dropped += (_XMP_EXTENSION_PREFIX,)
    kept = [
        part for part in leading if part.marker not in (APP1, APP2) or not part.payload.startswith(dropped)
    ]
    return kept, None if foreign else packet, base[start:end]


def _stripped(kept: Iterable[Segment]) -> list[Segment]:
    """The segments that say how to decode the picture, and an EXIF block with nothing but its orientation."""
    kept = list(kept)
    block = next((part.payload for part in kept if part.payload.startswith(exif.PREFIX)), b"")
    bare = exif.PREFIX + exif.build_orientation(exif.parse(block).orientation)
    # JFIF, ICC profiles, and Adobe's note on how colours are transformed.
    needed = [part for part in kept if part.marker in (APP0, APP2, APP14)]
    return [*needed, Segment(APP1, bare, 0)]


def _announced(packet: bytes | None, length: int) -> bytes:
    """The XMP segments that announce a map of that length, besides what the base's packet says.

    A packet without room for it, or that is no XMP, is kept and has to do without.
    """
    description = _directory(length)
    alone = segment(APP1, XMP_PREFIX + gain_map.xmp_packet(description))
    if packet is None:
        return alone
    before, close, after = packet.rpartition(b"</rdf:RDF>")
    joined = XMP_PREFIX + before + description.encode() + close + after
    if close and len(joined) <= MOST_PAYLOAD:
        return segment(APP1, joined)
    return segment(APP1, XMP_PREFIX + packet)


def _directory(length: int) -> str:
    items = ({"Semantic": "Primary"}, {"Semantic": "GainMap", "Length": str(length)})
    rows = "".join(
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg"'
        + "".join(f" Item:{name}={quoteattr(value)}" for name, value in item.items())
        + "/></rdf:li>"
        for item in items
    )
    return (
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{_HDRGM}" xmlns:Container="{_CONTAINER}" '
        f'xmlns:Item="{_ITEM}" hdrgm:Version="1.0">'
        f"<Container:Directory><rdf:Seq>{rows}</rdf:Seq></Container:Directory></rdf:Description>"
    )


def _mp_index(first_length: int, second_length: int, second_offset: int) -> bytes:
    """The multi-picture index of two pictures; the offset counts from its byte order mark."""
    rows = struct.pack(">" + _MP_ENTRY, _MP_BASELINE_PRIMARY, first_length, 0, 0, 0)
    rows += struct.pack(">" + _MP_ENTRY, 0, second_length, second_offset, 0, 0)
    entries = struct.pack(">HHI4s", _MP_VERSION, 7, 4, b"0100")
    entries += struct.pack(">HHII", _MP_COUNT, 4, 1, 2)
    entries += struct.pack(">HHII", _MP_ENTRIES, 7, len(rows), 8 + 2 + 3 * 12 + 4)
    return _MPF_PREFIX + b"MM\0*" + struct.pack(">IH", 8, 3) + entries + bytes(4) + rows
