"""TIFF: layouts and samples as tifffile and Pillow write them, light that keeps its meaning, broken files."""

import logging
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from test_icc import HALF_INK, curve_tag, matrix_profile, table_profile

from relume.color.encoding import (
    DISPLAY_P3_ENCODED,
    HLG_BT2020,
    LINEAR_DISPLAY,
    LINEAR_NITS,
    LINEAR_SCENE,
    PQ_BT2020,
    SRGB,
    Encoding,
    Reference,
)
from relume.color.primaries import ACES_AP1, BT2020
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io import exif, icc
from relume.io.formats import WriteOptions
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import write

METADATA = Metadata(
    date=datetime(2024, 5, 6, 7, 8, 9),
    make="Canon",
    model="EOS R5",
    lens="RF50mm F1.2",
    exposure_time=1 / 250,
    f_number=2.8,
    iso=400,
    focal_length=50.0,
    description="Grüße",
    copyright="me",
)


def codes(dtype: str, channels: int = 3) -> np.ndarray:
    """Samples over the whole range of the type; floats go beyond 1."""
    random = np.random.default_rng(11)
    if dtype.startswith("float"):
        return random.uniform(0, 4, (37, 29, channels)).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, (37, 29, channels), dtype=dtype, endpoint=True)


def save(path: Path, samples: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, samples, **{"photometric": "rgb", "metadata": None, **options})
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"compression": "lzw", "rowsperstrip": 8},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
        {"compression": "packbits"},
        {"tile": (16, 32), "compression": "zlib"},
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float16", "float32", "float64"])
def test_samples_are_those_that_were_stored(tmp_path: Path, dtype: str, options: dict[str, object]):
    stored = codes(dtype)
    path = save(tmp_path / "in.tif", stored, **options)
    image = read(path)
    top = np.iinfo(dtype).max if dtype.startswith("u") else 1
    np.testing.assert_allclose(image.numpy(), stored / top, rtol=1e-6)
    assert image.encoding == probe(path).encoding == (SRGB if dtype.startswith("u") else LINEAR_SCENE)
    names = {"uint8": "8 bit", "uint16": "16 bit", "uint32": "32 bit", "float16": "half", "float32": "float"}
    assert probe(path).sample == names.get(dtype, "double")


def test_planes_may_be_stored_apart(tmp_path: Path):
    stored = codes("uint16")
    path = save(tmp_path / "in.tif", np.moveaxis(stored, -1, 0), planarconfig="separate")
    np.testing.assert_allclose(read(path).numpy(), stored / 65535, rtol=1e-6)


@pytest.mark.parametrize("bits", [1, 2, 4, 12])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_of_any_number_of_bits(tmp_path: Path, bits: int, photometric: str):
    stored = (
        np.random.default_rng(3).integers(0, 2**bits, (9, 16)).astype(np.uint8 if bits < 8 else np.uint16)
    )
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, stored, photometric=photometric, bitspersample=bits, metadata=None)
    expected = stored / (2**bits - 1)
    image = read(path)
    assert (image.pixels == image.pixels[:1]).all()
    np.testing.assert_allclose(
        image.numpy()[..., 0], expected if photometric == "minisblack" else 1 - expected, atol=1e-6
    )
    assert probe(path).channels == "Y"


@pytest.mark.parametrize("compression", [None, "group4"])
def test_a_page_of_black_and_white(tmp_path: Path, compression: str | None):
    picture = Pillow.fromarray(codes("uint8")).convert("1")
    picture.save(tmp_path / "in.tif", compression=compression)
    assert (read(tmp_path / "in.tif").numpy()[..., 0] == np.asarray(picture)).all()


def test_a_palette_is_looked_up(tmp_path: Path):
    picture = Pillow.fromarray(codes("uint8")).quantize(16)
    picture.save(tmp_path / "in.tif")
    np.testing.assert_allclose(
        read(tmp_path / "in.tif").numpy(), np.asarray(picture.convert("RGB")) / 255, atol=1e-6
    )
    assert probe(tmp_path / "in.tif").channels == "palette"


@pytest.mark.parametrize("mode", ["RGB", "YCbCr"])
def test_jpeg_inside(tmp_path: Path, mode: str):
    y, x = np.mgrid[:48, :64]
    picture = Pillow.fromarray(np.stack([x * 3, y * 4, x + y], axis=-1).astype(np.uint8))
    picture.convert(mode).save(tmp_path / "in.tif", compression="jpeg", quality=95)
    np.testing.assert_allclose(read(tmp_path / "in.tif").numpy(), np.asarray(picture) / 255, atol=0.05)


def test_cmyk_with_and_without_tables(tmp_path: Path):
    ink = np.zeros((4, 4, 4), np.uint8)
    ink[..., 3] = 128
    path = save(tmp_path / "in.tif", ink, photometric="separated")
    assert read(path).encoding == SRGB
    assert read(path).pixels.mean().item() == pytest.approx(127 / 255)
    path = save(tmp_path / "in.tif", ink, photometric="separated", iccprofile=table_profile(b"CMYK", 4))
    assert read(path).encoding == replace(SRGB.linear, primaries=BT2020)
    assert read(path).pixels.mean().item() == pytest.approx(HALF_INK, abs=4e-3)


def test_straight_alpha_is_taken_as_it_is(tmp_path: Path):
    stored = codes("uint16", 4)
    image = read(save(tmp_path / "in.tif", stored, extrasamples=["unassalpha"]))
    assert image.alpha is not None
    np.testing.assert_allclose(image.numpy(), stored[..., :3] / 65535, rtol=1e-6)
    np.testing.assert_allclose(image.alpha[0].numpy(), stored[..., 3] / 65535, rtol=1e-6)


def test_premultiplied_alpha_is_divided_out(tmp_path: Path):
    stored = np.array([[[0.5, 1.0, 0.25, 0.5], [0.0, 0.0, 0.0, 0.0]]], np.float32)
    image = read(save(tmp_path / "in.tif", stored, extrasamples=["assocalpha"]))
    assert image.alpha is not None
    assert image.numpy()[0].tolist() == [[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]]
    assert image.alpha.flatten().tolist() == [0.5, 0.0]


def test_the_alpha_among_several_more_channels_is_found(tmp_path: Path):
    stored = codes("uint8", 5)
    path = save(tmp_path / "in.tif", stored, extrasamples=["unspecified", "unassalpha"])
    image = read(path)
    assert image.alpha is not None
    np.testing.assert_allclose(image.alpha[0].numpy(), stored[..., 4] / 255, rtol=1e-6)
    assert probe(path).channels == "RGBA"
    assert read(save(tmp_path / "in.tif", codes("uint8", 4), extrasamples=["unspecified"])).alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bigtiff", [False, True])
def test_all_orientations_come_out_upright(tmp_path: Path, orientation: int, bigtiff: bool):
    stored = codes("uint8")
    tag = (0x0112, "H", 1, orientation, True)
    path = save(tmp_path / "in.tif", stored, bigtiff=bigtiff, extratags=[tag])
    block = Pillow.Exif()
    block[0x0112] = orientation
    Pillow.fromarray(stored).save(tmp_path / "same.png", exif=block)
    with Pillow.open(tmp_path / "same.png") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    image = read(path)
    np.testing.assert_allclose(image.numpy(), expected / 255, rtol=1e-6)
    assert (probe(path).height, probe(path).width) == expected.shape[:2]


def test_the_first_of_several_pages_is_read(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        for value in (10, 20, 30):
            file.write(np.full((4, 4, 3), value, np.uint8), photometric="rgb", metadata=None)
    assert (read(tmp_path / "in.tif").pixels * 255).mean().item() == pytest.approx(10)
    assert probe(tmp_path / "in.tif").tags["pages"] == "3, the first is read"


def test_profiles_of_integers_and_of_floats(tmp_path: Path):
    p3 = icc.build(DISPLAY_P3_ENCODED)
    assert read(save(tmp_path / "in.tif", codes("uint16"), iccprofile=p3)).encoding == DISPLAY_P3_ENCODED
    assert read(save(tmp_path / "in.tif", codes("float32"), iccprofile=p3)).encoding == DISPLAY_P3_ENCODED
    assert read(save(tmp_path / "in.tif", codes("float32"), iccprofile=b"broken")).encoding == LINEAR_SCENE
    linear = icc.build(Encoding(ACES_AP1, "linear", Reference.DISPLAY_RELATIVE))
    image = read(save(tmp_path / "in.tif", codes("float32"), iccprofile=linear))
    assert image.encoding == Encoding(ACES_AP1, "linear", Reference.SCENE)
    assert image.pixels.max() > 3
    square = matrix_profile(curve_tag(512))
    image = read(save(tmp_path / "in.tif", np.full((2, 2, 3), 0.5, np.float32), iccprofile=square))
    assert image.encoding == LINEAR_DISPLAY
    assert image.pixels.mean().item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("photometric", "samples"),
    [
        ("logluv", codes("uint16")),
        ("cielab", codes("uint8")),
        ("ycbcr", codes("uint8")),
        ("cfa", codes("uint16", 1)[..., 0]),
        ("rgb", codes("uint8").view(np.int8)),
        ("rgb", codes("float32").astype(np.complex64)),
        ("separated", codes("float32", 4)),
    ],
)
def test_what_is_not_known_is_refused_by_name(tmp_path: Path, photometric: str, samples: np.ndarray):
    path = save(tmp_path / "in.tif", samples, photometric=photometric)
    for function in (probe, read):
        with pytest.raises(UnsupportedFormat, match="stores its"):
            function(path)


def test_raw_files_of_cameras_are_refused(tmp_path: Path):
    dng = save(tmp_path / "in.tif", codes("uint8"), extratags=[(50706, "B", 4, (1, 4, 0, 0), True)])
    with pytest.raises(UnsupportedFormat, match="raw file of a camera"):
        read(dng)
    thumbnail = save(tmp_path / "in.tif", codes("uint8"), subfiletype=1)
    with pytest.raises(UnsupportedFormat, match="raw file of a camera"):
        read(thumbnail)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "rowsperstrip": 5}, {"tile": (16, 16)}])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, options: dict[str, object]):
    data = save(tmp_path / "whole.tif", codes("uint8"), **options).read_bytes()
    for length in (9, 60, len(data) // 2, len(data) - 40):
        (tmp_path / "cut.tif").write_bytes(data[:length])
        with pytest.raises(UnreadableFile, match=r"cut\.tif: is "):
            read(tmp_path / "cut.tif")


def test_what_tifffile_dislikes_is_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a program that does not care
    data = bytearray(save(tmp_path / "in.tif", codes("uint8")).read_bytes())
    resolution = data.index(struct.pack("<HH", 282, 5))
    data[resolution + 2] = 99
    (tmp_path / "in.tif").write_bytes(data)
    assert read(tmp_path / "in.tif").width == 29
    assert capfd.readouterr().err == ""


def test_missing_strips_are_not_read_as_black(tmp_path: Path):
    path = save(tmp_path / "in.tif", codes("uint8"), compression="zlib", rowsperstrip=10)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(3_000)
    with pytest.raises(UnreadableFile, match="4 of 300 strips"):
        read(path)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_integers_that_are_written_are_read(tmp_path: Path, depth: int, alpha: bool):
    stored = torch.from_numpy(codes(f"uint{depth}", 4) / (2**depth - 1)).permute(2, 0, 1).float()
    image = Image(stored[:3], DISPLAY_P3_ENCODED, stored[3:] if alpha else None, METADATA)
    write(tmp_path / "out.tif", image, options=WriteOptions(depth=depth))
    found = read(tmp_path / "out.tif")
    assert found.encoding == image.encoding
    assert found.metadata == METADATA
    assert (found.pixels - image.pixels).abs().max() < 1e-6
    assert (found.alpha is None) == (image.alpha is None)
    if found.alpha is not None and image.alpha is not None:
        assert (found.alpha - image.alpha).abs().max() < 1e-6
    assert probe(tmp_path / "out.tif").sample == f"{depth} bit"


@pytest.mark.parametrize(
    "encoding",
    [
        LINEAR_SCENE,
        replace(LINEAR_SCENE, white=203.0),
        Encoding(ACES_AP1, "linear", Reference.SCENE),
        LINEAR_NITS,
        LINEAR_DISPLAY,
        replace(LINEAR_DISPLAY, white=100.0),
        SRGB,
        PQ_BT2020,
        HLG_BT2020,
    ],
)
def test_light_keeps_its_meaning(tmp_path: Path, encoding: Encoding):
    pixels = torch.rand(3, 300, 1000, generator=torch.Generator().manual_seed(1))
    image = Image(pixels if encoding.transfer != "linear" else pixels * 50 - 1, encoding, metadata=METADATA)
    write(tmp_path / "out.tif", image, options=WriteOptions(depth=32))
    found = read(tmp_path / "out.tif")
    assert found.encoding == probe(tmp_path / "out.tif").encoding == encoding.linear
    assert found.metadata == METADATA
    assert torch.equal(found.pixels, image.to(encoding.linear).pixels)


def test_light_is_written_as_floats_unless_asked_otherwise(tmp_path: Path):
    light = Image(torch.full((3, 4, 4), 7.0), LINEAR_SCENE, torch.full((1, 4, 4), 0.5))
    write(tmp_path / "light.tif", light)
    assert (probe(tmp_path / "light.tif").sample, probe(tmp_path / "light.tif").channels) == ("float", "RGBA")
    assert tifffile.imread(tmp_path / "light.tif")[0, 0].tolist() == [7.0, 7.0, 7.0, 0.5]
    write(tmp_path / "sdr.tif", Image(torch.rand(3, 4, 4), SRGB))
    assert probe(tmp_path / "sdr.tif").sample == "16 bit"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"reference": "no", "white": 1}', '{"reference": "scene-referred", "white": -1}']
)
def test_a_tag_that_is_not_ours_changes_nothing(tmp_path: Path, text: str):
    path = save(tmp_path / "in.tif", codes("float32"), extratags=[(65000, "s", 0, text, True)])
    assert read(path).encoding == LINEAR_SCENE


def test_others_read_what_is_written(tmp_path: Path):
    image = Image(
        torch.from_numpy(codes("uint8") / 255).permute(2, 0, 1).float(), DISPLAY_P3_ENCODED, metadata=METADATA
    )
    write(tmp_path / "out.tif", image, options=WriteOptions(depth=8))
    with Pillow.open(tmp_path / "out.tif") as picture:
        assert (np.asarray(picture) == codes("uint8")).all()
        assert picture.info["icc_profile"] == icc.build(DISPLAY_P3_ENCODED)
        tags = picture.getexif()
        assert (tags[0x010F], tags[0x0112]) == ("Canon", 1)
        assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


def test_exif_of_a_tiff_is_that_of_the_file(tmp_path: Path):
    path = save(
        tmp_path / "in.tif", codes("uint8"), byteorder=">", extratags=[(0x010F, "s", 0, "Leica", True)]
    )
    assert read(path).metadata == exif.parse(path.read_bytes()).metadata == Metadata(make="Leica")
    assert struct.unpack(">H", path.read_bytes()[2:4]) == (42,)
