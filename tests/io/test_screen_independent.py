"""Programs of others read our files for HDR screens: tags and pixels. Missing ones skip their tests."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.color.encoding import LINEAR_NITS, SRGB, Encoding, Reference
from relume.color.primaries import ADOBE_RGB, BT2020
from relume.color.transfer import pq
from relume.image import Image, Metadata
from relume.io import probe, read, write
from relume.io.formats import WriteOptions

LEVELS = (0.0, 1.0, 50.0, 203.0, 500.0, 1000.0)
SQUARE = 32
# What a display for SDR gets of those levels from Chromium, which leaves room above 203 cd/m².
CHROMIUM = (0, 8, 98, 187, 232, 255)


def strip() -> Image:
    levels = torch.tensor(LEVELS).repeat_interleave(SQUARE)
    pixels = levels.expand(3, SQUARE, -1).contiguous()
    metadata = Metadata(make="Maker", date=datetime(2024, 5, 1, 12, 30))
    return Image(pixels, replace(LINEAR_NITS, primaries=BT2020), metadata=metadata)


def run(program: str, *arguments: object, timeout: float = 120.0) -> str:
    """What a program says; the test is skipped where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [path, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def middles(samples: np.ndarray) -> np.ndarray:
    """The first channel in the middle of each square."""
    return samples[samples.shape[0] // 2, SQUARE // 2 :: SQUARE, 0].astype(float)


def pq_codes() -> np.ndarray:
    return pq.inverse_eotf(torch.tensor(LEVELS)).numpy()


@pytest.mark.parametrize(("transfer", "code"), [("pq", "16"), ("hlg", "18")])
@pytest.mark.parametrize(("primaries", "point"), [("bt2020", "9"), ("p3", "12")])
@pytest.mark.parametrize("depth", [10, 12])
def test_avifdec_sees_depth_and_code_points(transfer, code, primaries, point, depth, tmp_path: Path) -> None:
    options = WriteOptions(transfer=transfer, primaries=primaries, depth=depth)
    write(tmp_path / "a.avif", strip(), options=options)
    said = run("avifdec", "--info", tmp_path / "a.avif")
    for line in (
        f"Bit Depth      : {depth}",
        "Format         : YUV444",
        "Range          : Full",
        f"Color Primaries: {point}",
        f"Transfer Char. : {code}",
        "Exif Metadata  : Present",
    ):
        assert line in said


def test_avifdec_decodes_the_codes_of_pq(tmp_path: Path) -> None:
    write(tmp_path / "a.avif", strip())
    run("avifdec", "-d", "16", tmp_path / "a.avif", tmp_path / "a.png")
    codes = middles(imagecodecs.imread(tmp_path / "a.png")) / 65535
    np.testing.assert_allclose(codes, pq_codes(), atol=1 / 1023)


@pytest.mark.parametrize("suffix", [".avif", ".heic", ".png"])
def test_exiftool_names_curve_primaries_and_camera(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")
    write(tmp_path / f"a{suffix}", strip())
    [said] = json.loads(run("exiftool", "-json", tmp_path / f"a{suffix}"))
    assert "2084" in said["TransferCharacteristics"]
    assert "2020" in said["ColorPrimaries"]
    assert said["Make"] == "Maker"
    assert said["DateTimeOriginal"] == "2024:05:01 12:30:00"


def test_exiftool_finds_the_camera_in_jpeg_xl(tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    write(tmp_path / "a.jxl", strip())
    [said] = json.loads(run("exiftool", "-json", tmp_path / "a.jxl"))
    assert (said["Make"], said["DateTimeOriginal"]) == ("Maker", "2024:05:01 12:30:00")


@pytest.mark.parametrize(("transfer", "name"), [("pq", "smpte2084"), ("hlg", "arib-std-b67")])
def test_ffprobe_names_the_video_in_an_avif(transfer: str, name: str, tmp_path: Path) -> None:
    write(tmp_path / "a.avif", strip(), options=WriteOptions(transfer=transfer))
    said = run("ffprobe", "-v", "error", "-show_streams", "-of", "json", tmp_path / "a.avif")
    [stream] = json.loads(said)["streams"]
    assert stream["pix_fmt"] == "yuv444p10le"
    assert stream["color_transfer"] == name
    assert stream["color_primaries"] == "bt2020"
    assert stream["color_space"] == "bt2020nc"
    assert stream["color_range"] == "pc"


def test_libheif_reads_the_light_level_boxes_of_an_avif_it_did_not_write(tmp_path: Path) -> None:
    said = shutil.which("heif-info")
    if said is None:
        pytest.skip("heif-info is not installed")
    write(tmp_path / "a.avif", strip())
    text = run("heif-info", "-d", tmp_path / "a.avif")
    assert "clli" in text
    assert "mdcv" in text


@pytest.mark.parametrize(
    ("transfer", "named"), [("pq", "PQ transfer"), ("hlg", "HLG transfer"), ("linear", "Linear transfer")]
)
def test_jxlinfo_names_the_colour_of_jpeg_xl(transfer: str, named: str, tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    write(tmp_path / "a.jxl", strip(), options=WriteOptions(transfer=transfer))
    said = run("jxlinfo", tmp_path / "a.jxl")
    assert "Rec.2100 primaries" in said
    assert named in said


@pytest.mark.parametrize("quality", [95, 100])
def test_djxl_decodes_the_codes_of_pq(quality: int, tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    write(tmp_path / "a.jxl", strip(), options=WriteOptions(quality=quality))
    run("djxl", tmp_path / "a.jxl", tmp_path / "a.png")
    codes = middles(imagecodecs.imread(tmp_path / "a.png")) / 65535
    # Perceptual quantization spends little on black: 0.0025 cd/m² are enough for the first difference.
    np.testing.assert_allclose(codes[1:], pq_codes()[1:], atol=1e-5 if quality == 100 else 1e-3)
    assert codes[0] < (1e-5 if quality == 100 else 0.03)


def test_files_of_cjxl_mean_the_same_to_us(tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    codes = np.broadcast_to((pq_codes() * 65535 + 0.5).astype(np.uint16)[None, :, None], (16, 6, 3))
    tall = np.ascontiguousarray(codes.repeat(SQUARE, axis=1))
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(tall))
    run("cjxl", tmp_path / "a.png", tmp_path / "a.jxl", "-d", "0", "-x", "color_space=RGB_D65_202_Rel_PeQ")
    back = read(tmp_path / "a.jxl")
    assert (back.encoding.primaries, back.encoding.transfer) == (BT2020, "pq")
    nits = middles(back.to(replace(LINEAR_NITS, primaries=BT2020)).numpy())
    np.testing.assert_allclose(nits, LEVELS, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("primaries", ["bt2020", "p3", "aces-ap0"])
def test_oiiotool_reads_the_primaries_of_exr(primaries: str, tmp_path: Path) -> None:
    write(tmp_path / "a.exr", strip(), options=WriteOptions(primaries=primaries))
    said = run("oiiotool", "--info", "-v", tmp_path / "a.exr")
    red = {"bt2020": "0.708, 0.292", "p3": "0.68, 0.32", "aces-ap0": "0.7347, 0.2653"}[primaries]
    assert f"chromaticities: {red}" in said


def test_chromium_shows_all_of_them_alike(tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO")
    names = []
    for suffix, transfer in (
        (".avif", "pq"),
        (".avif", "hlg"),
        (".png", "pq"),
        (".png", "hlg"),
        (".jxl", "pq"),
    ):
        names.append(f"{transfer}{suffix}")
        write(tmp_path / names[-1], strip(), options=WriteOptions(transfer=transfer))
    pictures = "".join(f'<img src="{name}" style="display:block">' for name in names)
    (tmp_path / "page.html").write_text(f'<body style="margin:0;background:#00f">{pictures}')
    run(
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={SQUARE * len(LEVELS)},{max(500, SQUARE * len(names))}",
        f"--screenshot={tmp_path / 'shot.png'}",
        f"file://{tmp_path / 'page.html'}",
    )
    shot = imagecodecs.imread(tmp_path / "shot.png")[..., :3]
    for row, name in enumerate(names):
        shown = shot[SQUARE * row : SQUARE * (row + 1), : SQUARE * len(LEVELS)]
        np.testing.assert_allclose(middles(shown), CHROMIUM, atol=3, err_msg=name)


@pytest.mark.parametrize("arguments", [("--lossless_jpeg=1",), ("--lossless_jpeg=0", "-d", "0.3")])
def test_jpeg_xl_made_of_a_turned_photograph_is_upright(arguments: tuple[str, ...], tmp_path: Path) -> None:
    pixels = torch.zeros(3, 16, 48)
    pixels[0, :, :24] = 1.0
    exif = Pillow.Exif()
    exif[0x0112] = 6
    samples = (255 * pixels).byte().permute(1, 2, 0).numpy()
    Pillow.fromarray(samples).save(tmp_path / "a.jpg", exif=exif, quality=95)
    run("cjxl", tmp_path / "a.jpg", tmp_path / "a.jxl", *arguments)
    image, info = read(tmp_path / "a.jxl"), probe(tmp_path / "a.jxl")
    assert (info.width, info.height) == (image.width, image.height) == (16, 48)
    assert (image.pixels - read(tmp_path / "a.jpg").pixels).abs().mean() < 0.02
    assert info.encoding == image.encoding == SRGB


@pytest.mark.parametrize("distance", ["0", "0.5"])
def test_jpeg_xl_of_a_profile_means_the_light_that_it_was_made_of(distance: str, tmp_path: Path) -> None:
    pytest.importorskip("OpenImageIO", reason="profiles in JPEG XL are read by OpenImageIO")
    encoding = Encoding(ADOBE_RGB, "gamma2.2", Reference.DISPLAY_RELATIVE)
    pixels = torch.linspace(0.1, 0.9, 64).expand(3, 32, -1) * torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)
    write(tmp_path / "a.png", Image(pixels, encoding))
    run("cjxl", tmp_path / "a.png", tmp_path / "a.jxl", "-d", distance)
    back = read(tmp_path / "a.jxl").to(encoding)
    assert (back.pixels - pixels).abs().mean() < 0.01
