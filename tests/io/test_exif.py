"""EXIF: against Pillow, all orientations, and blocks that are broken."""

import io
import struct
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from relume.image import Metadata
from relume.io import exif

ORIENTATION = 0x0112
CAMERA_DIRECTORY = 0x8769
FULL = Metadata(
    date=datetime(2024, 2, 29, 23, 59, 58, 120_000),
    make="Leica Camera AG",
    model="M11",
    lens="Summilux-M 1:1.4/50",
    exposure_time=1 / 250,
    exposure_bias=-4 / 3,
    f_number=2.8,
    iso=400,
    focal_length=50.0,
    description="Grüße vom Fluß",
    copyright="© somebody",
)


def block_of(
    *, order: str = "<", picture: dict[int, object], camera: dict[int, object] | None = None
) -> bytes:
    """A block as Pillow writes it, in either order of bytes."""
    block = Pillow.Exif()
    block.endian = order
    block.update(picture)
    if camera:
        block.get_ifd(CAMERA_DIRECTORY).update(camera)
    return block.tobytes()


def entry(code: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI4s", code, kind, count, value)


def block_by_hand(*entries: bytes) -> bytes:
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_turned_as_pillow_turns_it(orientation: int):
    samples = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    file = io.BytesIO()
    Pillow.fromarray(samples).save(file, "PNG", exif=block_of(picture={ORIENTATION: orientation}))
    with Pillow.open(file) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    about = exif.parse(block_of(picture={ORIENTATION: orientation}))
    assert about.orientation == orientation
    upright = about.upright(samples)
    assert (upright == expected).all()
    assert about.swaps_sides == (upright.shape[:2] == (3, 2))


@pytest.mark.parametrize("order", ["<", ">"])
def test_pillow_s_blocks_are_understood(order: str):
    block = block_of(
        order=order,
        picture={0x010F: "Canon", 0x0110: "EOS R5", 0x010E: "a caption", 0x8298: "me", ORIENTATION: 6},
        camera={
            0x829A: 0.004,
            0x829D: 5.6,
            0x8827: 800,
            0x920A: 85.0,
            0xA434: "RF85mm F1.2",
            0x9003: "2023:10:06 19:25:15",
            0x9291: "144",
        },
    )
    assert exif.parse(block) == exif.Exif(
        metadata=Metadata(
            date=datetime(2023, 10, 6, 19, 25, 15, 144_000),
            make="Canon",
            model="EOS R5",
            lens="RF85mm F1.2",
            exposure_time=0.004,
            f_number=5.6,
            iso=800,
            focal_length=85.0,
            description="a caption",
            copyright="me",
        ),
        orientation=6,
    )


def test_pillow_understands_our_block():
    block = Pillow.Exif()
    block.load(exif.build(FULL))
    camera = block.get_ifd(CAMERA_DIRECTORY)
    assert block[0x0110] == "M11"
    assert block[ORIENTATION] == 1
    assert block[0x0132] == camera[0x9003] == "2024:02:29 23:59:58"
    assert camera[0x829A] == 0.004
    assert camera[0x829A].denominator == 250
    assert float(camera[0x9204]) == pytest.approx(-4 / 3)
    assert (camera[0x829D], camera[0x8827], camera[0x920A]) == (2.8, 400, 50.0)
    assert camera[0x9291] == "12"


@pytest.mark.parametrize(
    "metadata",
    [
        FULL,
        Metadata(iso=102_400),
        Metadata(exposure_time=1 / 32_000),
        Metadata(exposure_time=1e-8),
        Metadata(exposure_time=900.0),
        Metadata(exposure_bias=0.0),
        Metadata(exposure_bias=3.5),
        Metadata(focal_length=1_200.5),
        Metadata(description="x"),
        Metadata(date=datetime(1999, 12, 31)),
    ],
)
def test_what_is_built_is_parsed(metadata: Metadata):
    found = exif.parse(exif.build(metadata))
    assert found.orientation == 1
    assert replace(found.metadata, exposure_time=None) == replace(metadata, exposure_time=None)
    assert found.metadata.exposure_time == (
        metadata.exposure_time and pytest.approx(metadata.exposure_time, rel=1e-6)
    )


def test_nothing_known_is_no_block():
    assert exif.build(Metadata()) == b""
    assert exif.parse(b"") == exif.Exif()


def test_values_that_no_tag_holds_are_left_out():
    metadata = Metadata(
        model="M11", iso=-1.0, f_number=float("nan"), focal_length=1e12, description="x" * 20_000
    )
    assert exif.parse(exif.build(metadata)).metadata == Metadata(model="M11")


def test_all_texts_at_their_longest_fit_into_a_jpeg():
    long = "x" * 12_000
    metadata = Metadata(make=long, model=long, lens=long, description=long, copyright=long)
    block = exif.build(metadata)
    assert len(exif.PREFIX + block) < 65_533
    assert exif.parse(block).metadata == metadata


def test_the_date_of_the_file_serves_where_the_camera_gives_none():
    assert exif.parse(block_of(picture={0x0132: "2020:01:02 03:04:05"})).metadata.date == datetime(
        2020, 1, 2, 3, 4, 5
    )
    blank = block_of(picture={0x0132: "2020:01:02 03:04:05"}, camera={0x9003: "    :  :     :  :  "})
    assert exif.parse(blank).metadata.date == datetime(2020, 1, 2, 3, 4, 5)


def test_texts_of_other_encodings_and_of_two_parts():
    latin = block_by_hand(entry(0x010F, 2, 4, "é\0\0\0".encode("latin-1")))
    assert exif.parse(latin).metadata.make == "é"
    parts = block_by_hand(entry(0x8298, 2, 4, b"a\0b\0"))
    assert exif.parse(parts).metadata.copyright == "a, b"


@pytest.mark.parametrize(
    "block",
    [
        b"II*\0",
        b"II*\0" + struct.pack("<I", 4_000_000_000) + bytes(20),
        b"II+\0" + struct.pack("<HHQ", 8, 0, 2**63) + bytes(20),
        b"XX*\0" + bytes(40),
        block_by_hand(entry(ORIENTATION, 3, 1, struct.pack("<I", 9))),
        block_by_hand(entry(ORIENTATION, 3, 0, b"")),
        block_by_hand(entry(ORIENTATION, 2, 2, b"6\0")),
        block_by_hand(entry(ORIENTATION, 99, 1, b"\6")),
        block_by_hand(entry(0x010F, 2, 2**31, struct.pack("<I", 8))),
        block_by_hand(entry(0x010F, 2, 100, struct.pack("<I", 9))),
        block_by_hand(entry(CAMERA_DIRECTORY, 11, 1, struct.pack("<f", float("nan")))),
        block_by_hand(entry(CAMERA_DIRECTORY, 4, 1, struct.pack("<I", 2**32 - 1))),
        block_by_hand(entry(0x829A, 5, 1, struct.pack("<I", 26))) + struct.pack("<II", 1, 0),
    ],
)
def test_what_makes_no_sense_is_left_out(block: bytes):
    assert exif.parse(block) == exif.Exif()


def test_a_mutated_block_never_raises():
    block = exif.build(FULL)
    random = np.random.default_rng(7)
    different = 0
    for _ in range(400):
        mutated = bytearray(block[: random.integers(len(block))] if random.random() < 0.2 else block)
        for _ in range(min(4, len(mutated))):
            mutated[random.integers(len(mutated))] = random.choice([0, 1, 127, 128, 255])
        different += exif.parse(bytes(mutated)).metadata != FULL
    assert different > 250


def test_directories_keep_what_a_file_has_already():
    existing = entry(0x0110, 2, 4, b"own\0") + entry(0x0100, 3, 1, struct.pack("<I", 7))
    block = b"II*\0" + struct.pack("<I", 8) + exif.directories(FULL, offset=8, existing=existing)
    about = exif.parse(block)
    assert about.metadata.model == "own"
    assert about.metadata.lens == FULL.lens
    directory = Pillow.Exif()
    directory.load(block)
    assert directory[0x0100] == 7
