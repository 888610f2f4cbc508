"""PNG: every kind of sample, every way to say what colours mean, and files that are not whole."""

import logging
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.color.encoding import DISPLAY_P3_ENCODED, HLG_BT2020, PQ_BT2020, SRGB, Encoding
from relume.color.primaries import ADOBE_RGB, BT2020, DISPLAY_P3
from relume.errors import EncodingError, UnreadableFile
from relume.image import Image, Metadata
from relume.io import exif, icc
from relume.io.formats import WriteOptions
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import write

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = 33
GREY, RGB = 0, 2
SRGB_CORNERS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CORNERS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    rows: list[bytes], *, width: int, depth: int, color: int, before: bytes = b"", interlace: int = 0
) -> bytes:
    """A file from rows of packed samples, each with filter 0."""
    head = struct.pack(">IIBBBBB", width, len(rows), depth, color, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return SIGNATURE + chunk(b"IHDR", head) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def pixel(*codes: int, before: bytes = b"") -> bytes:
    """One RGB pixel of 8 bits."""
    return png([bytes(codes)], width=1, depth=8, color=RGB, before=before)


def smooth(height: int = 30, width: int = 40) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 6, y * 8, 255 - 3 * (x + y)], axis=-1).astype(np.uint8)


def open_png(tmp_path: Path, data: bytes) -> Image:
    (tmp_path / "in.png").write_bytes(data)
    return read(tmp_path / "in.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_modes_are_those_of_pillow(tmp_path: Path, mode: str):
    path = tmp_path / "in.png"
    if mode == "I;16":
        picture = Pillow.fromarray(smooth()[..., 0].astype(np.uint16) * 200)
        expected = np.asarray(picture)[..., None].repeat(3, axis=2) / 65535
    else:
        picture = Pillow.fromarray(smooth()).convert(mode)
        expected = np.asarray(picture.convert("RGB")) / 255
    picture.save(path)
    image = read(path)
    np.testing.assert_allclose(image.numpy(), expected, atol=1e-6)
    assert (image.alpha is not None) == mode.endswith("A")
    stored = {"RGB": "RGB", "RGBA": "RGBA", "LA": "YA", "P": "palette"}.get(mode, "Y")
    assert probe(path).channels == stored
    assert probe(path).sample == {"1": "1 bit", "I;16": "16 bit"}.get(mode, "8 bit")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_are_spread_over_the_whole_range(tmp_path: Path, depth: int):
    codes = [0b00011011, 0b11100100]
    image = open_png(tmp_path, png([bytes(codes)], width=16 // depth, depth=depth, color=GREY))
    bits = "".join(f"{code:08b}" for code in codes)
    expected = [int(bits[i : i + depth], 2) / (2**depth - 1) for i in range(0, 16, depth)]
    assert image.pixels[0, 0].tolist() == pytest.approx(expected)


def test_a_palette_with_transparency_and_four_bits(tmp_path: Path):
    palette = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60])) + chunk(b"tRNS", bytes([255, 51]))
    image = open_png(tmp_path, png([b"\x01"], width=2, depth=4, color=3, before=palette))
    assert (image.numpy()[0] * 255).round().tolist() == [[10, 20, 30], [40, 50, 60]]
    assert image.alpha is not None
    assert image.alpha.flatten().tolist() == pytest.approx([1.0, 0.2])


@pytest.mark.parametrize("depth", [8, 16])
def test_one_color_can_be_transparent(tmp_path: Path, depth: int):
    code = "B" if depth == 8 else "H"
    row = struct.pack(f">6{code}", 1, 2, 3, 4, 5, 6)
    before = chunk(b"tRNS", struct.pack(">3H", 4, 5, 6))
    image = open_png(tmp_path, png([row], width=2, depth=depth, color=RGB, before=before))
    assert image.alpha is not None
    assert image.alpha.flatten().tolist() == [1.0, 0.0]
    assert probe(tmp_path / "in.png").channels == "RGBA"


def test_interlaced_pictures_are_put_in_order(tmp_path: Path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = [bytes(row) for y, x, down, across in passes for row in grey[y::down, x::across]]
    data = png(rows, width=8, depth=8, color=GREY, interlace=1)
    head = struct.pack(">IIBBBBB", 8, 8, 8, GREY, 0, 0, 1)
    image = open_png(tmp_path, SIGNATURE + chunk(b"IHDR", head) + data[HEAD:])
    assert (image.pixels[0] * 255).round().byte().numpy().tolist() == grey.tolist()
    assert probe(tmp_path / "in.png").tags == {"interlaced": "yes"}


def test_16_bits_are_exact(tmp_path: Path):
    codes = np.random.default_rng(1).integers(0, 65536, (7, 9, 4), dtype=np.uint16)
    image = open_png(tmp_path, imagecodecs.png_encode(codes))
    assert image.alpha is not None
    stored = np.concatenate([image.numpy(), image.alpha.permute(1, 2, 0).numpy()], axis=-1)
    assert ((stored * np.float64(65535)).round() == codes).all()


def test_a_profile_gives_the_primaries(tmp_path: Path):
    Pillow.fromarray(smooth()).save(tmp_path / "in.png", icc_profile=icc.build(DISPLAY_P3_ENCODED))
    assert read(tmp_path / "in.png").encoding == probe(tmp_path / "in.png").encoding == DISPLAY_P3_ENCODED
    assert probe(tmp_path / "in.png").tags == {"icc": "Display P3"}


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


@pytest.mark.parametrize(
    ("chunks", "encoding", "value"),
    [
        ({}, SRGB, 102 / 255),
        ({b"sRGB": b"\0", b"gAMA": numbers(100_000)}, SRGB, 102 / 255),
        ({b"gAMA": numbers(45_455), b"cHRM": numbers(*SRGB_CORNERS)}, SRGB, 102 / 255),
        ({b"gAMA": numbers(45_455), b"cHRM": numbers(*P3_CORNERS)}, DISPLAY_P3_ENCODED, 102 / 255),
        ({b"cHRM": numbers(*P3_CORNERS)}, DISPLAY_P3_ENCODED, 102 / 255),
        ({b"gAMA": numbers(100_000)}, SRGB.linear, 102 / 255),
        ({b"gAMA": numbers(50_000)}, SRGB.linear, 0.16),
        ({b"gAMA": numbers(50_000), b"cHRM": numbers(*P3_CORNERS)}, DISPLAY_P3_ENCODED.linear, 0.16),
        ({b"gAMA": numbers(0)}, SRGB, 102 / 255),
        ({b"gAMA": b"abc", b"cHRM": numbers(*[0] * 8)}, SRGB, 102 / 255),
        ({b"cICP": bytes([1, 13, 0, 1])}, SRGB, 102 / 255),
        ({b"cICP": bytes([12, 13, 0, 1]), b"sRGB": b"\0"}, DISPLAY_P3_ENCODED, 102 / 255),
        ({b"cICP": bytes([9, 16, 0, 1]), b"gAMA": numbers(50_000)}, PQ_BT2020, 102 / 255),
        ({b"cICP": bytes([9, 18, 0, 1])}, HLG_BT2020, 102 / 255),
        ({b"cICP": bytes([9, 16, 0, 0])}, PQ_BT2020, (102 - 16) / 219),
        ({b"cICP": bytes([9, 99, 0, 1]), b"gAMA": numbers(50_000)}, SRGB.linear, 0.16),
        ({b"cICP": bytes([9, 16])}, SRGB, 102 / 255),
    ],
)
def test_what_colors_mean(tmp_path: Path, chunks: dict[bytes, bytes], encoding: Encoding, value: float):
    before = b"".join(chunk(kind, data) for kind, data in chunks.items())
    image = open_png(tmp_path, pixel(102, 102, 102, before=before))
    assert image.encoding == probe(tmp_path / "in.png").encoding == encoding
    assert image.pixels.flatten().tolist() == pytest.approx([value] * 3, abs=1e-6)


def test_narrow_range_of_16_bits(tmp_path: Path):
    row = struct.pack(">3H", 16 << 8, 235 << 8, 126 << 8)
    before = chunk(b"cICP", bytes([9, 16, 0, 0]))
    image = open_png(tmp_path, png([row], width=1, depth=16, color=RGB, before=before))
    assert image.pixels.flatten().tolist() == pytest.approx([0.0, 1.0, 110 / 219], abs=1e-6)


def test_cicp_comes_before_a_profile_and_light_levels_are_told(tmp_path: Path):
    before = (
        chunk(b"iCCP", b"x\0\0" + zlib.compress(icc.build(DISPLAY_P3_ENCODED)))
        + chunk(b"cICP", bytes([9, 16, 0, 1]))
        + chunk(b"cLLI", numbers(10_000_000, 4_000_000))
    )
    assert open_png(tmp_path, pixel(1, 2, 3, before=before)).encoding == PQ_BT2020
    tags = probe(tmp_path / "in.png").tags
    assert tags == {"cICP": "9-16-0-1", "MaxCLL": "1000 cd/m²", "MaxFALL": "400 cd/m²"}


@pytest.mark.parametrize(
    "before",
    [
        chunk(b"iCCP", b"x\0\0 not deflated"),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")),
        chunk(b"iCCP", b""),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(icc.build(DISPLAY_P3_ENCODED)))[:-1] + b"?",
        chunk(b"tRNS", b"")[:-1] + b"?",
        chunk(b"eXIf", b"broken"),
    ],
)
def test_broken_comments_leave_the_picture_readable_and_nothing_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], before: bytes
):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that does not care
    image = open_png(tmp_path, pixel(1, 2, 3, before=before))
    assert image.encoding == SRGB
    assert (image.pixels * 255).flatten().tolist() == pytest.approx([1, 2, 3])
    assert capfd.readouterr().err == ""


def test_exif_counts_also_behind_the_pixels(tmp_path: Path):
    block = Pillow.Exif()
    block[0x0112], block[0x010F] = 6, "Canon"
    data = png([bytes([0, 128]), bytes([255, 64])], width=2, depth=8, color=GREY)
    data = data[:-12] + chunk(b"eXIf", block.tobytes()[len(exif.PREFIX) :]) + data[-12:]
    image = open_png(tmp_path, data)
    assert (image.pixels[0] * 255).round().int().tolist() == [[255, 0], [64, 128]]
    assert image.metadata == Metadata(make="Canon")


def test_a_file_that_is_not_whole_is_refused(tmp_path: Path):
    data = imagecodecs.png_encode(smooth())
    for length in (9, HEAD - 1, HEAD + 4, len(data) // 2, len(data) - 30):
        with pytest.raises(UnreadableFile, match=r"in\.png: is "):
            open_png(tmp_path, data[:length])
    assert probe(tmp_path / "in.png").width == 40


@pytest.mark.parametrize("head", [(0, 1, 8, 2), (1, 0, 8, 2), (1, 1, 3, 0), (1, 1, 8, 5)])
def test_a_head_without_sense_is_refused(tmp_path: Path, head: tuple[int, int, int, int]):
    data = pixel(1, 2, 3)
    with pytest.raises(UnreadableFile, match="its head says"):
        open_png(tmp_path, SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBxxx", *head)) + data[HEAD:])


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("encoding", [SRGB, DISPLAY_P3_ENCODED, replace(SRGB, primaries=ADOBE_RGB)])
def test_what_is_written_is_read(tmp_path: Path, encoding: Encoding, depth: int):
    top = 2**depth - 1
    codes = torch.from_numpy(
        np.random.default_rng(2).integers(0, top + 1, (4, 20, 30)).astype(np.float64) / top
    )
    image = Image(codes[:3].float(), encoding, codes[3:].float(), Metadata(model="M11"))
    write(tmp_path / "out.png", image, options=WriteOptions(depth=depth))
    found = read(tmp_path / "out.png")
    assert found.encoding == encoding
    assert found.metadata == image.metadata
    assert (found.pixels - image.pixels).abs().max() < 1e-6
    assert found.alpha is not None
    assert image.alpha is not None
    assert (found.alpha - image.alpha).abs().max() < 1e-6
    assert probe(tmp_path / "out.png").sample == f"{depth} bit"


def test_srgb_has_its_chunk_and_other_colors_a_profile(tmp_path: Path):
    write(tmp_path / "srgb.png", Image(torch.rand(3, 4, 4), SRGB))
    write(tmp_path / "p3.png", Image(torch.rand(3, 4, 4), replace(SRGB.linear, primaries=DISPLAY_P3)))
    with Pillow.open(tmp_path / "srgb.png") as picture:
        assert picture.info["srgb"] == 0
        assert "icc_profile" not in picture.info
    with Pillow.open(tmp_path / "p3.png") as picture:
        assert picture.info["icc_profile"] == icc.build(DISPLAY_P3_ENCODED)
        assert "srgb" not in picture.info


def test_light_above_white_is_not_clipped_unasked(tmp_path: Path):
    with pytest.raises(EncodingError, match="0 to 1"):
        write(
            tmp_path / "out.png", Image(torch.full((3, 2, 2), 0.9), PQ_BT2020), options=WriteOptions(depth=8)
        )
    options = WriteOptions(depth=8, clip=True)
    write(tmp_path / "out.png", Image(torch.full((3, 2, 2), 0.9), PQ_BT2020), options=options)
    assert read(tmp_path / "out.png").encoding == replace(SRGB, primaries=BT2020)


def test_photographs_are_read_as_they_are(shared: Path):
    for path in sorted((shared / "data" / "sdr").glob("*.png")):
        image = read(path)
        assert image.encoding == SRGB
        with Pillow.open(path) as picture:
            np.testing.assert_allclose(image.numpy(), np.asarray(picture.convert("RGB")) / 255, atol=1e-6)
