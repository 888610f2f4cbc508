"""Boxes of the ISO base media file format, as far as still pictures use them: AVIF and HEIC.

A file is a `meta` box, which lists items (coded pictures, EXIF) with their properties (size, colour) and the
relations between them, and the items' bytes elsewhere. `read_container` reads the former, `build` writes all.

References:  ISO/IEC 14496-12 for boxes; ISO/IEC 23008-12 (HEIF), sections 6 and 9, for items and properties.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedIOBase

# More than these no picture has: a grid of 64 Mpx in tiles of 512 is 256 items.
_LARGEST_META = 1 << 22
_MOST_BOXES = 1 << 14
_MOST_ITEMS = 1 << 12
_MOST_EXTENTS = 1 << 13
_MOST_ASSOCIATIONS = 1 << 15

_LARGEST_FILE = 1 << 40

_FILE_OFFSET, _IDAT_OFFSET = 0, 1


@dataclass(frozen=True)
class Property:
    """What is said of an item: the kind and the payload of a box."""

    kind: bytes
    data: bytes
    essential: bool = False


@dataclass(frozen=True, kw_only=True)
class Item:
    """One coded picture, or a block of metadata."""

    kind: bytes
    properties: tuple[Property, ...] = ()
    extents: tuple[tuple[int, int], ...] = ()
    """Offset and length of its parts; from the start of the file, or of the container's `idat`."""
    in_idat: bool = False
    hidden: bool = False
    name: bytes = b""

    def property(self, kind: bytes) -> bytes | None:
        """The payload of the first property of that kind."""
        return next((row.data for row in self.properties if row.kind == kind), None)


@dataclass(frozen=True)
class Reference:
    """A relation: `auxl` (is the alpha of), `cdsc` (describes), `dimg` (is made of), `prem`, `thmb`."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Container:
    """What the boxes before the pixels say."""

    brands: bytes
    """The payload of `ftyp`."""
    primary: int
    items: Mapping[int, Item]
    references: tuple[Reference, ...] = ()
    idat: bytes = b""

    def data(self, file: BufferedIOBase, number: int, *, most: int) -> bytes:
        """The bytes of an item.

        Raises:
            ValueError: there are more than `most`, or fewer than it says.
        """
        item = self.items[number]
        if sum(length for _, length in item.extents) > most:
            raise ValueError(f"item {number} is larger than {most} bytes")
        parts = []
        for offset, length in item.extents:
            if item.in_idat:
                part = self.idat[offset : offset + length]
            else:
                file.seek(offset)
                part = file.read(length)
            if len(part) != length:
                raise ValueError(f"the file ends within item {number}")
            parts.append(part)
        return b"".join(parts)

    def describing(self, number: int, kind: bytes) -> int | None:
        """The first item of that kind that describes another."""
        found = (
            row.source
            for row in self.references
            if row.kind == b"cdsc" and number in row.targets and row.source in self.items
        )
        return next((source for source in found if self.items[source].kind == kind), None)


def read_container(file: BufferedIOBase) -> Container:
    """What `ftyp` and `meta` say, wherever they stand at the top of the file.

    Raises:
        ValueError, struct.error: there is none, or it is damaged or absurdly large.
    """
    brands = b""
    for _ in range(_MOST_BOXES):
        kind, length = _box_head(file)
        if kind == b"ftyp":
            brands = _read_exactly(file, min(length, 1024))
            file.seek(length - len(brands), 1)
        elif kind == b"meta":
            if length > _LARGEST_META:
                raise ValueError(f"its description is {length} bytes long")
            return _meta(_read_exactly(file, length), brands)
        else:
            file.seek(length, 1)
    raise ValueError("it has no end of boxes")


def _box_head(file: BufferedIOBase) -> tuple[bytes, int]:
    """Kind and length of the payload of the box that begins here."""
    head = file.read(8)
    if len(head) < 8:
        raise ValueError("it has no description of its pictures")
    length, kind = struct.unpack(">I4s", head)
    here = file.tell() - 8
    if length == 0:
        length = file.seek(0, 2) - here
        file.seek(here + 8)
    elif length == 1:
        (length,) = struct.unpack(">Q", _read_exactly(file, 8))
    payload = length - (file.tell() - here)
    if not 0 <= payload < _LARGEST_FILE:
        raise ValueError(f"a box says that it is {length} bytes long")
    return kind, payload


def _read_exactly(file: BufferedIOBase, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise ValueError("it ends within its description")
    return data


def _boxes(data: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of the boxes that follow each other; not of those within."""
    for _ in range(_MOST_BOXES):
        if start >= len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        if length == 0:
            length = len(data) - start
        if not 8 <= length <= len(data) - start:
            raise ValueError(f"the box {kind!r} does not fit into the one around it")
        yield kind, data[start + 8 : start + length]
        start += length
    raise ValueError("it has too many boxes")


class _Cursor:
    """Big-endian numbers read one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> int:
        """The next number of that many bytes; of none, 0."""
        return int.from_bytes(self.take_bytes(size))

    def take_bytes(self, size: int) -> bytes:
        """The next bytes."""
        if self.at + size > len(self.data):
            raise ValueError("a box is cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> bytes:
        """The next bytes up to a NUL, or to the end."""
        end = self.data.find(b"\0", self.at)
        end = len(self.data) if end < 0 else end
        found, self.at = self.data[self.at : end], min(end + 1, len(self.data))
        return found


def _meta(data: bytes, brands: bytes) -> Container:
    boxes: dict[bytes, bytes] = {}
    for kind, payload in _boxes(data, 4):
        boxes.setdefault(kind, payload)
    if b"pitm" not in boxes or b"iinf" not in boxes or b"iloc" not in boxes:
        raise ValueError("its description names no picture")
    places = _locations(boxes[b"iloc"])
    properties = _properties(boxes.get(b"iprp", b""))
    items = {}
    for number, kind, hidden, name in _infos(boxes[b"iinf"]):
        in_idat, extents = places.get(number, (False, ()))
        items[number] = Item(
            kind=kind,
            properties=properties.get(number, ()),
            extents=extents,
            in_idat=in_idat,
            hidden=hidden,
            name=name,
        )
    primary = _Cursor(boxes[b"pitm"])
    number = primary.take(4 if primary.take(4) >> 24 else 2)
    if number not in items:
        raise ValueError(f"its main picture, item {number}, is missing")
    return Container(
        brands=brands,
        primary=number,
        items=items,
        references=_references(boxes.get(b"iref", b"")),
        idat=boxes.get(b"idat", b""),
    )


def _infos(data: bytes) -> Iterator[tuple[int, bytes, bool, bytes]]:
    """Number, kind, hidden and name of each item; versions of the box that only say less are left out."""
    version = data[0] if data else 0
    for count, (kind, payload) in enumerate(_boxes(data, 6 if version == 0 else 8)):
        if count >= _MOST_ITEMS:
            raise ValueError("it has too many items")
        if kind != b"infe" or not payload or payload[0] not in (2, 3):
            continue
        cursor = _Cursor(payload)
        head = cursor.take(4)
        number = cursor.take(2 if head >> 24 == 2 else 4)
        cursor.take(2)
        yield number, cursor.take_bytes(4), bool(head & 1), cursor.text()


def _locations(data: bytes) -> dict[int, tuple[bool, tuple[tuple[int, int], ...]]]:
    """Item → whether it lies in `idat`, and offset and length of its parts."""
    cursor = _Cursor(data)
    version = cursor.take(4) >> 24
    sizes = cursor.take(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    long = version == 2
    places = {}
    total = 0
    for _ in range(cursor.take(4 if long else 2)):
        number = cursor.take(4 if long else 2)
        method = cursor.take(2) & 15 if version in (1, 2) else _FILE_OFFSET
        cursor.take(2)
        base = cursor.take(base_size)
        extents = []
        count = cursor.take(2)
        total += count
        if total > _MOST_EXTENTS:
            raise ValueError("its items are in too many parts")
        for _ in range(count):
            cursor.take(index_size if version in (1, 2) else 0)
            offset = base + cursor.take(offset_size)
            extents.append((offset, cursor.take(length_size)))
        if method in (_FILE_OFFSET, _IDAT_OFFSET):
            places[number] = (method == _IDAT_OFFSET, tuple(extents))
    return places


def _properties(data: bytes) -> dict[int, tuple[Property, ...]]:
    """Item → its properties, in their order."""
    listed: list[tuple[bytes, bytes]] = []
    found: dict[int, tuple[Property, ...]] = {}
    for kind, payload in _boxes(data):
        if kind == b"ipco":
            listed = list(_boxes(payload))
    for kind, payload in _boxes(data):
        if kind != b"ipma":
            continue
        for number, associations in _associations(payload):
            found[number] = found.get(number, ()) + tuple(
                Property(*listed[index - 1], essential)
                for index, essential in associations
                if 1 <= index <= len(listed)
            )
    return found


def _associations(data: bytes) -> Iterator[tuple[int, list[tuple[int, bool]]]]:
    """Item, and the place in the list and the mark "essential" of each of its properties."""
    cursor = _Cursor(data)
    head = cursor.take(4)
    width, mark = (2, 1 << 15) if head & 1 else (1, 1 << 7)
    entries = cursor.take(4)
    if entries > _MOST_ITEMS:
        raise ValueError("it has too many items with properties")
    total = 0
    for _ in range(entries):
        number = cursor.take(4 if head >> 24 else 2)
        count = cursor.take(1)
        total += count
        if total > _MOST_ASSOCIATIONS:
            raise ValueError("its items have too many properties")
        codes = [cursor.take(width) for _ in range(count)]
        yield number, [(code & (mark - 1), bool(code & mark)) for code in codes]


def _references(data: bytes) -> tuple[Reference, ...]:
    rows = []
    wide = 4 if data[:1] == b"\1" else 2
    for kind, payload in _boxes(data, 4) if data else ():
        cursor = _Cursor(payload)
        source, count = cursor.take(wide), cursor.take(2)
        rows.append(Reference(kind, source, tuple(cursor.take(wide) for _ in range(count))))
        if len(rows) > _MOST_ITEMS:
            raise ValueError("its items have too many relations")
    return tuple(rows)


def build(container: Container, payloads: Mapping[int, bytes]) -> bytes:
    """A file with these items, whose bytes are `payloads`; where they lie is found anew.

    Convention:  numbers of items fit 16 bits, the file is smaller than 4 GiB.
    """
    start = 0
    for _ in range(2):  # the description is as long whatever the offsets in it are
        description = _described(container, payloads, start)
        start = len(description) + 8
    if start + sum(map(len, payloads.values())) >= 1 << 32:
        raise ValueError("it would be larger than 4 GiB")
    return description + _box(b"mdat", b"".join(payloads[number] for number in container.items))


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def _full_box(kind: bytes, payload: bytes, *, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + payload)


def _described(container: Container, payloads: Mapping[int, bytes], start: int) -> bytes:
    """`ftyp` and `meta` of a file whose items lie one after the other from `start` on."""
    items = container.items
    infos = b"".join(
        _full_box(
            b"infe",
            struct.pack(">HH4s", number, 0, item.kind) + item.name + b"\0",
            version=2,
            flags=int(item.hidden),
        )
        for number, item in items.items()
    )
    places = b""
    for number in items:
        size = len(payloads[number])
        places += struct.pack(">HHHII", number, 0, 1, start, size)
        start += size
    relations = b"".join(
        _box(row.kind, struct.pack(f">HH{len(row.targets)}H", row.source, len(row.targets), *row.targets))
        for row in container.references
    )
    meta = (
        _full_box(b"hdlr", struct.pack(">I4s12xx", 0, b"pict"))
        + _full_box(b"pitm", struct.pack(">H", container.primary))
        + _full_box(b"iloc", struct.pack(">HH", 0x4400, len(items)) + places)
        + _full_box(b"iinf", struct.pack(">H", len(items)) + infos)
        + (_full_box(b"iref", relations) if relations else b"")
        + _property_boxes(items)
    )
    return _box(b"ftyp", container.brands) + _full_box(b"meta", meta)


def _property_boxes(items: Mapping[int, Item]) -> bytes:
    """`iprp`: each property once, and which item has which."""
    places: dict[tuple[bytes, bytes], int] = {}
    rows = b""
    described = {number: item for number, item in items.items() if item.properties}
    for number, item in described.items():
        rows += struct.pack(">HB", number, len(item.properties))
        for row in item.properties:
            index = places.setdefault((row.kind, row.data), len(places) + 1)
            rows += struct.pack(">H", index | row.essential << 15)
    listed = b"".join(_box(kind, data) for kind, data in places)
    associations = _full_box(b"ipma", struct.pack(">I", len(described)) + rows, flags=1)
    return _box(b"iprp", _box(b"ipco", listed) + associations)
