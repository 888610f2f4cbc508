"""Boxes of AVIF and HEIC: what is built is read again, turns and crops are applied, damage is told."""

import io
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from relume.color.encoding import PQ_BT2020, SRGB
from relume.color.primaries import BT2020, DISPLAY_P3
from relume.image import Metadata
from relume.io import exif, icc, probe, read
from relume.io.formats.heif_header import read_header
from relume.io.formats.isobmff import Container, Item, Property, Reference, build, read_container
from relume.io.formats.mastering import mastering_fields, mastering_text

SIZE = Property(b"ispe", struct.pack(">4xII", 6, 4))
DEPTH = Property(b"pixi", bytes((0, 0, 0, 0, 3, 10, 10, 10)))


def container(*properties: Property) -> Container:
    return Container(
        brands=b"avif\0\0\0\0avifmif1",
        primary=1,
        items={
            1: Item(kind=b"av01", properties=(SIZE, DEPTH, *properties), name=b"Color"),
            2: Item(kind=b"av01", properties=(SIZE, Property(b"auxC", bytes(4) + ALPHA)), hidden=True),
            7: Item(kind=b"Exif", name=b"Exif"),
        },
        references=(Reference(b"auxl", 2, (1,)), Reference(b"cdsc", 7, (1,))),
    )


ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
PAYLOADS = {1: b"pixels", 2: b"", 7: bytes(4) + exif.build(Metadata(make="Maker"))}


def opened(found: Container, payloads: Mapping[int, bytes] = PAYLOADS) -> tuple[Container, io.BytesIO]:
    file = io.BytesIO(build(found, payloads))
    return read_container(file), file


def nclx(primaries: int, transfer: int, full: bool = True) -> Property:
    return Property(b"colr", b"nclx" + struct.pack(">3HB", primaries, transfer, 9, full << 7))


def test_what_is_built_is_read_again() -> None:
    back, file = opened(container(nclx(9, 16), Property(b"av1C", b"\x81\0\x0c\0", essential=True)))
    expected = container(nclx(9, 16), Property(b"av1C", b"\x81\0\x0c\0", essential=True))
    for number, item in expected.items.items():
        assert replace(back.items[number], extents=()) == item
        assert back.data(file, number, most=1000) == PAYLOADS[number]
    assert (back.primary, back.references, back.brands) == (1, expected.references, expected.brands)


def test_an_item_larger_than_allowed_or_cut_short_is_refused() -> None:
    back, file = opened(container())
    with pytest.raises(ValueError, match="larger than 3 bytes"):
        back.data(file, 1, most=3)
    short = io.BytesIO(file.getvalue()[:-1])
    with pytest.raises(ValueError, match="ends within item 7"):
        back.data(short, 7, most=1000)


def test_the_description_may_stand_behind_other_boxes_of_any_length() -> None:
    data = build(container(), PAYLOADS)
    start = struct.unpack(">I", data[:4])[0]
    wide = struct.pack(">I4sQ", 1, b"free", 16 + 30) + bytes(30)
    assert read_container(io.BytesIO(data[:start] + wide + data[start:])).items.keys() == {1, 2, 7}


def test_header_of_an_hdr_picture() -> None:
    mastering = mastering_fields(BT2020, peak=1000.0, black=0.005, order="GBR")
    light = (Property(b"clli", struct.pack(">HH", 900, 120)), Property(b"mdcv", mastering))
    header = read_header(*opened(container(nclx(9, 16), *light)))
    assert (header.size, header.depth, header.channels) == ((6, 4), 10, "RGBA")
    assert header.profile.encoding == PQ_BT2020
    assert header.exif.metadata.make == "Maker"
    assert header.tags == {
        "CICP": "9/16/9, full range",
        "MaxCLL": "900 cd/m²",
        "MaxFALL": "120 cd/m²",
        "mastering display": "bt2020, 0.005 to 1000 cd/m²",
    }


def test_a_profile_tells_of_sdr_and_code_points_of_hdr() -> None:
    p3 = replace(SRGB, primaries=DISPLAY_P3)
    profile = Property(b"colr", b"prof" + icc.build(p3))
    assert read_header(*opened(container(nclx(1, 13), profile))).profile.encoding == p3
    assert read_header(*opened(container(nclx(9, 16), profile))).profile.encoding == PQ_BT2020
    assert read_header(*opened(container())).profile.encoding == SRGB


TURNS = {
    "quarter": ((Property(b"irot", b"\1", essential=True),), lambda a: np.rot90(a)),
    "half": ((Property(b"irot", b"\2", essential=True),), lambda a: a[::-1, ::-1]),
    "top to bottom": ((Property(b"imir", b"\0", essential=True),), lambda a: a[::-1]),
    "left to right": ((Property(b"imir", b"\1", essential=True),), lambda a: a[:, ::-1]),
    "both": (
        (Property(b"irot", b"\1", essential=True), Property(b"imir", b"\1", essential=True)),
        lambda a: np.rot90(a)[:, ::-1],
    ),
    "crop": (
        (Property(b"clap", struct.pack(">IIIIiIiI", 4, 1, 3, 1, 1, 1, -1, 2), essential=True),),
        lambda a: a[:3, 2:],
    ),
}


@pytest.mark.parametrize("name", TURNS)
def test_turns_and_crops_are_applied(name: str, tmp_path: Path) -> None:
    turns, expected = TURNS[name]
    samples = np.zeros((4, 6, 3), np.uint8)
    samples[..., 0], samples[..., 1] = np.mgrid[0:4, 0:6] * 40
    encoded = io.BytesIO(imagecodecs.avif_encode(samples, level=100, speed=8, pixelformat="yuv444", matrix=0))
    found = read_container(encoded)
    payloads = {number: found.data(encoded, number, most=10_000) for number in found.items}
    main = found.items[found.primary]
    turned = replace(found, items={found.primary: replace(main, properties=main.properties + turns)})
    (tmp_path / "a.avif").write_bytes(build(turned, payloads))
    image, info = read(tmp_path / "a.avif"), probe(tmp_path / "a.avif")
    np.testing.assert_allclose(image.numpy() * 255, expected(samples), atol=2.0)
    assert (info.width, info.height) == (image.width, image.height)


def test_mastering_display_in_both_orders() -> None:
    for order in ("GBR", "RGB"):
        fields = mastering_fields(DISPLAY_P3, peak=600.0, black=0.0001, order=order)
        assert mastering_text(fields, order=order) == "p3, 0.0001 to 600 cd/m²"
    assert mastering_text(b"short", order="RGB") == ""
    assert struct.unpack(">8HII", mastering_fields(BT2020, peak=1000.0, black=0.0, order="GBR")) == (
        *(8500, 39850, 6550, 2300, 35400, 14600),
        *(15635, 16450, 10_000_000, 0),
    )
