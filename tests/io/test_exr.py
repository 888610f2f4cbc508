"""OpenEXR: against the library itself, and against files made by hand."""

import multiprocessing
from datetime import datetime
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from exr_by_hand import attribute, exr_file

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE, SRGB, Encoding, Reference
from relume.color.luminance import luminance_weights
from relume.color.primaries import ACES_AP0, ACES_AP1, BT709, BT2020, DISPLAY_P3, Primaries
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io import WriteOptions, probe, read, write

FLOAT = WriteOptions(depth=32)


def lognormal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(size=shape).astype(np.float32)


def by_library(path: Path, channels: dict[str, np.ndarray], **header: object) -> Path:
    """A file that the OpenEXR library wrote."""
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


def seen_by_library(path: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}, dict(file.header())


def test_float_round_trip_is_exact(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.randn(3, 37, 53, generator=generator).exp() * 1e6
    pixels[0, 0, :5] = torch.tensor([torch.nan, torch.inf, -torch.inf, -1e-42, -3e38])
    path = tmp_path / "a.exr"
    write(path, Image(pixels, LINEAR_SCENE), options=FLOAT)
    torch.testing.assert_close(read(path).pixels, pixels, rtol=0, atol=0, equal_nan=True)
    assert probe(path).sample == "float"


def test_half_is_the_default_and_rounds_to_nearest(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.randn(3, 37, 53, generator=generator).exp()
    path = tmp_path / "a.exr"
    write(path, Image(pixels, LINEAR_SCENE))
    torch.testing.assert_close(read(path).pixels, pixels.half().float(), rtol=0, atol=0)
    assert probe(path).sample == "half"


def test_half_holds_finite_light_at_its_largest(tmp_path: Path) -> None:
    pixels = torch.tensor([1e5, -1e5, torch.inf, -torch.inf, 65504.0, torch.nan]).expand(3, 1, -1)
    path = tmp_path / "a.exr"
    write(path, Image(pixels, LINEAR_SCENE))
    expected = torch.tensor([65504.0, -65504.0, torch.inf, -torch.inf, 65504.0, torch.nan])
    torch.testing.assert_close(read(path).pixels[1, 0], expected, rtol=0, atol=0, equal_nan=True)


def test_the_library_sees_what_was_written(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.rand(3, 5, 7, generator=generator)
    encoding = Encoding(DISPLAY_P3, "linear", Reference.SCENE, 203.0)
    metadata = Metadata(
        date=datetime(2026, 1, 31, 18, 5, 9), make="Ricoh", model="Thêta", lens="7.3 mm",
        exposure_time=1 / 60, f_number=2.8, iso=100.0, focal_length=7.3,
        description="two\nlines", copyright="© nobody",
    )  # fmt: skip
    path = tmp_path / "ä b.exr"
    write(path, Image(pixels, encoding, metadata=metadata), options=FLOAT)
    channels, header = seen_by_library(path)
    assert {name: channels[name].tolist() for name in channels} == dict(
        zip("RGB", pixels.tolist(), strict=True)
    )
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert header["chromaticities"] == pytest.approx((0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329))
    assert header["whiteLuminance"] == 203.0
    assert header["capDate"] == "2026:01:31 18:05:09"
    assert (header["cameraMake"], header["cameraModel"], header["lensModel"]) == ("Ricoh", "Thêta", "7.3 mm")
    numbers = [header[name] for name in ("expTime", "aperture", "isoSpeed", "nominalFocalLength")]
    assert numbers == pytest.approx([1 / 60, 2.8, 100.0, 7.3])
    assert (header["comments"], header["owner"]) == ("two\nlines", "© nobody")
    again = read(path)
    assert again.encoding == encoding
    assert again.metadata.exposure_time == pytest.approx(1 / 60)
    assert again.metadata.f_number == 2.8
    assert probe(path).metadata == again.metadata


@pytest.mark.parametrize(
    "primaries",
    [
        BT709,
        BT2020,
        DISPLAY_P3,
        ACES_AP0,
        ACES_AP1,
        Primaries((0.7, 0.3), (0.2, 0.7), (0.1, 0.05), (0.34, 0.35)),
    ],
)
@pytest.mark.parametrize("white", [None, 1.0, 203.0, 179.36])
def test_encodings_round_trip(primaries: Primaries, white: float | None, tmp_path: Path) -> None:
    encoding = Encoding(primaries, "linear", Reference.SCENE, white)
    path = tmp_path / "a.exr"
    write(path, Image(torch.rand(3, 2, 2), encoding))
    assert read(path).encoding == probe(path).encoding == encoding


def test_other_roundings_of_a_standards_numbers_are_the_standard(tmp_path: Path) -> None:
    numbers = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.31271, 0.32902)
    path = by_library(tmp_path / "a.exr", {"RGB": lognormal(2, 2, 3)}, chromaticities=numbers)
    assert read(path).encoding.primaries == BT709


def test_a_curve_is_undone_before_writing(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write(path, Image(torch.full((3, 2, 2), 0.5), SRGB), options=FLOAT)
    assert read(path).encoding == LINEAR_SCENE
    torch.testing.assert_close(read(path).pixels, torch.full((3, 2, 2), 0.21404114))


def test_display_light_is_written_without_a_white_it_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    write(path, Image(torch.rand(3, 2, 2), LINEAR_DISPLAY))
    assert "whiteLuminance" not in seen_by_library(path)[1]


@pytest.mark.parametrize(
    "attributes", [{"whiteLuminance": 0.0}, {"whiteLuminance": -1.0}, {"chromaticities": (0.0,) * 8}]
)
def test_unusable_colour_tags_count_as_absent(attributes: dict[str, object], tmp_path: Path) -> None:
    path = by_library(tmp_path / "a.exr", {"RGB": lognormal(2, 2, 3)}, **attributes)
    assert read(path).encoding == LINEAR_SCENE


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.uint32])
@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "ZSTD"])
def test_reads_what_the_library_writes(kind: type, compression: str, tmp_path: Path) -> None:
    pixels = (lognormal(70, 41, 3) * 100).astype(kind)
    path = by_library(
        tmp_path / "a.exr", {"RGB": pixels}, compression=getattr(OpenEXR, f"{compression}_COMPRESSION")
    )
    expected = seen_by_library(path)[0]  # PXR24 rounds floats
    np.testing.assert_array_equal(
        read(path).numpy(), np.stack([expected[c] for c in "RGB"], -1).astype(np.float32)
    )


@pytest.mark.parametrize("compression", ["B44", "B44A", "DWAA", "DWAB", "HTJ2K32", "HTJ2K256"])
def test_reads_lossy_and_new_compressions(compression: str, tmp_path: Path) -> None:
    y, x = np.mgrid[0:300, 0:41] / 40
    pixels = np.stack([np.exp(x), np.exp(y / 8), x + y], -1).astype(np.float16)
    path = by_library(
        tmp_path / "a.exr", {"RGB": pixels}, compression=getattr(OpenEXR, f"{compression}_COMPRESSION")
    )
    np.testing.assert_allclose(read(path).numpy(), pixels, rtol=0.05, atol=0.05)
    assert probe(path).tags["compression"] == compression


def test_reads_tiles(tmp_path: Path) -> None:
    pixels = lognormal(70, 41, 3)
    tiles = OpenEXR.TileDescription()
    tiles.xSize, tiles.ySize = 16, 32
    path = by_library(tmp_path / "a.exr", {"RGB": pixels}, type=OpenEXR.tiledimage, tiles=tiles)
    np.testing.assert_array_equal(read(path).numpy(), pixels)
    assert probe(path).tags["tiles"] == "16 × 32"


def test_reads_the_first_part_of_several(tmp_path: Path) -> None:
    left, right = lognormal(8, 9, 3, seed=1), lognormal(8, 9, 3, seed=2)
    parts = [
        OpenEXR.Part({"name": name, "type": OpenEXR.scanlineimage}, {"RGB": pixels}, name)
        for name, pixels in (("left", left), ("right", right))
    ]
    path = tmp_path / "a.exr"
    with OpenEXR.File(parts) as file:
        file.write(str(path))
    np.testing.assert_array_equal(read(path).numpy(), left)
    assert probe(path).tags["parts"] == "2, the first is read"


def test_luminance_alone_becomes_grey(tmp_path: Path) -> None:
    light, alpha = lognormal(6, 7), np.full((6, 7), 0.5, np.float32)
    path = by_library(tmp_path / "a.exr", {"Y": light, "A": alpha})
    np.testing.assert_array_equal(read(path).numpy(), np.repeat(light[:, :, None] * 2, 3, axis=2))
    assert probe(path).channels == "YA"


def test_a_layer_is_read_where_no_plain_channels_are(tmp_path: Path) -> None:
    beauty = lognormal(6, 7, 3)
    channels = {f"beauty.{c}": np.ascontiguousarray(beauty[:, :, i]) for i, c in enumerate("RGB")}
    channels |= {"Z": lognormal(6, 7), "shadow.R": lognormal(6, 7)}
    path = by_library(tmp_path / "a.exr", channels)
    np.testing.assert_array_equal(read(path).numpy(), beauty)
    assert probe(path).tags["layer"] == "beauty"
    assert probe(path).tags["other channels"] == "Z, shadow.R"


def test_plain_channels_win_over_layers(tmp_path: Path) -> None:
    plain, layer = lognormal(6, 7, seed=1), lognormal(6, 7, seed=2)
    channels = dict.fromkeys("RGB", plain) | {f"a.{name}": layer for name in "RGB"}
    np.testing.assert_array_equal(read(by_library(tmp_path / "a.exr", channels)).numpy()[:, :, 1], plain)


def test_channels_that_are_no_picture_are_listed(tmp_path: Path) -> None:
    path = by_library(tmp_path / "a.exr", {"Z": lognormal(6, 7), "R": lognormal(6, 7)})
    for look in (probe, read):
        with pytest.raises(UnsupportedFormat, match="no channels R, G, B or Y to show; it has R, Z"):
            look(path)


def test_alpha_is_straight_in_memory_and_premultiplied_in_the_file(tmp_path: Path) -> None:
    stored = lognormal(1, 4, 4)
    stored[0, :, 3] = [1.0, 0.25, 0.0, 0.7]
    path = by_library(tmp_path / "a.exr", {"RGBA": stored})
    image = read(path)
    expected = stored[:, :, :3] / np.array([1.0, 0.25, 1.0, 0.7], np.float32)[:, None]  # glow stays
    np.testing.assert_allclose(image.numpy(), expected, rtol=1e-6)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha[0].numpy(), stored[:, :, 3])
    write(tmp_path / "b.exr", image, options=FLOAT)
    again, _ = seen_by_library(tmp_path / "b.exr")
    for index, name in enumerate("RGBA"):
        np.testing.assert_allclose(again[name], stored[:, :, index], rtol=2e-7)
    assert probe(path).channels == "RGBA"


@pytest.mark.parametrize(
    ("data", "display", "expected"),
    [
        ((0, 0, 3, 1), (0, 0, 3, 1), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        ((1, 1, 4, 2), (0, 0, 4, 3), [[0] * 5, [0, 0, 1, 2, 3], [0, 4, 5, 6, 7], [0] * 5]),
        ((-1, -1, 2, 0), (0, 0, 1, 1), [[5, 6], [0, 0]]),
        ((10, 20, 13, 21), (11, 20, 12, 21), [[1, 2], [5, 6]]),
        ((10, 10, 13, 11), (0, 0, 1, 1), [[0, 0], [0, 0]]),
    ],
)
def test_the_result_is_the_display_window(data, display, expected, tmp_path: Path) -> None:
    light = np.arange(8, dtype=np.float32).reshape(2, 4)
    path = tmp_path / "a.exr"
    path.write_bytes(exr_file({"Y": light}, data_window=data, display_window=display))
    assert read(path).pixels[0].tolist() == expected
    info = probe(path)
    assert (info.height, info.width) == np.shape(expected)
    assert ("data window" in info.tags) == (data != display)


@pytest.mark.parametrize("primaries", [BT709, BT2020])
def test_luminance_and_chroma_give_back_the_colours(primaries: Primaries, tmp_path: Path) -> None:
    height, width = 32, 48
    y, x = np.mgrid[0:height, 0:width]
    wave = np.stack([2 + np.sin(x / 9), 2 + np.cos(y / 8), 2 + np.sin((x + y) / 11)])
    light = np.tensordot(luminance_weights(primaries), wave, axes=1)
    channels = {
        "Y": light.astype(np.float32),
        "RY": (wave[0] / light - 1)[::2, ::2].astype(np.float32),
        "BY": (wave[2] / light - 1)[::2, ::2].astype(np.float32),
    }
    numbers = np.array([*primaries.red, *primaries.green, *primaries.blue, *primaries.white], "<f4")
    content = exr_file(
        channels,
        data_window=(2, 4, 1 + width, 3 + height),
        step={"RY": 2, "BY": 2},
        attributes=attribute("chromaticities", "chromaticities", numbers.tobytes()),
    )
    path = tmp_path / "a.exr"
    path.write_bytes(content)
    colours = read(path).numpy()
    np.testing.assert_allclose(colours[::2, ::2], wave.transpose(1, 2, 0)[::2, ::2], rtol=1e-5)
    inner = np.s_[6:-6, 6:-6]
    np.testing.assert_allclose(colours[inner], wave.transpose(1, 2, 0)[inner], rtol=2e-3)
    assert probe(path).channels == "YC"


def test_colours_at_less_than_full_size_are_refused(tmp_path: Path) -> None:
    channels = {"R": lognormal(4, 4), "G": lognormal(4, 4), "B": lognormal(2, 2)}
    path = tmp_path / "a.exr"
    path.write_bytes(exr_file(channels, data_window=(0, 0, 3, 3), step={"B": 2}))
    with pytest.raises(UnsupportedFormat, match="samples 'B' every 2 × 2 pixels; expected 1 × 1"):
        read(path)


def test_deep_pixels_are_refused(tmp_path: Path) -> None:
    samples = np.empty((2, 2), object)
    samples[:] = [[np.ones(2, np.float32)] * 2] * 2
    path = by_library(
        tmp_path / "a.exr", {"Z": samples}, type=OpenEXR.deepscanline, compression=OpenEXR.ZIPS_COMPRESSION
    )
    with pytest.raises(UnsupportedFormat, match="deep pixels"):
        probe(path)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    content = exr_file(
        {"Y": lognormal(2, 2)},
        data_window=(0, 0, 1, 1),
        attributes=attribute("owner", "string", "Jürgen".encode("latin-1")),
    )
    path = tmp_path / "a.exr"
    path.write_bytes(content)
    assert probe(path).metadata.copyright == "J\N{REPLACEMENT CHARACTER}rgen"
    with pytest.raises(UnsupportedFormat, match="not UTF-8"):
        read(path)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_file_cut_short_says_how_much_is_missing(keep: float, tmp_path: Path, capfd) -> None:
    path = by_library(tmp_path / "a.exr", {"RGB": lognormal(160, 40, 3)})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    for look in (probe, read):
        with pytest.raises(UnreadableFile, match=r"cut short: \d+ of its 10 blocks of lines are missing"):
            look(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"data_window": (0, 0, -1, 1)}, "its windows hold no pixels"),
        ({"data_window": (0, 0, 1, 1), "display_window": (5, 0, 0, 1)}, "its windows hold no pixels"),
        (
            {"data_window": (0, 0, 1, 1), "display_window": (0, 0, 40_000, 40_000)},
            "2 × 2 pixels in a frame of",
        ),
        ({"data_window": (-(2**31), 0, 2**31 - 1, 1)}, "blocks of lines|GiB"),
    ],
)
def test_impossible_windows_are_told_before_memory_is_taken(windows, message: str, tmp_path: Path) -> None:
    content = exr_file({"Y": np.zeros((2, 2), np.float32)}, **windows)
    path = tmp_path / "a.exr"
    path.write_bytes(content)
    with pytest.raises((UnreadableFile, MemoryError), match=message):
        read(path)


def _first_sample(path: Path) -> float:
    return float(read(path).pixels[0, 0, 0])


def test_a_forked_process_reads_too(tmp_path: Path) -> None:
    # Small enough for torch to work on one thread, whose own threads do not survive a fork either.
    path = by_library(tmp_path / "a.exr", {"RGB": np.full((80, 80, 3), 7.0, np.float32)})
    assert _first_sample(path) == 7.0
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_first_sample, (path,)).get(timeout=60) == 7.0


def test_reads_photographs(shared: Path) -> None:
    path = min((shared / "data" / "hdr").rglob("*.exr"))
    channels, _ = seen_by_library(path)
    np.testing.assert_array_equal(read(path).numpy()[:, :, 0], channels["R"].astype(np.float32))


def test_masks_become_layers_that_other_readers_pass_over(
    tmp_path: Path, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = torch.rand(3, 5, 7, generator=generator)
    mask = torch.linspace(0.0, 1.0, 35).view(5, 7)
    image = Image(pixels, LINEAR_SCENE, masks={"clipped": mask.half(), "confidence": 1.0 - mask})
    path = tmp_path / "a.exr"
    write(path, image)
    channels, _ = seen_by_library(path)
    assert sorted(channels) == ["B", "G", "R", "clipped.Y", "confidence.Y"]
    np.testing.assert_array_equal(channels["clipped.Y"], mask.half().numpy())
    np.testing.assert_array_equal(channels["confidence.Y"], (1.0 - mask).half().numpy())
    torch.testing.assert_close(read(path).pixels, pixels.half().float(), rtol=0, atol=0)
    assert probe(path).channels == "RGB"
    assert probe(path).tags["other channels"] == "clipped.Y, confidence.Y"
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    seen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(seen[..., ::-1], pixels.half().float().permute(1, 2, 0).numpy())


def test_peak_and_headroom_are_told_where_white_is_known(tmp_path: Path) -> None:
    pixels = torch.tensor([0.5, 1.0, 8.0, torch.inf, torch.nan]).expand(3, 1, 5)
    path = tmp_path / "a.exr"
    write(path, Image(pixels, Encoding(BT709, "linear", Reference.SCENE, 203.0)))
    _, header = seen_by_library(path)
    assert header["peakLuminance"] == pytest.approx(8 * 203.0, rel=1e-5)
    assert header["headroomStops"] == pytest.approx(3.0, rel=1e-5)
    assert (probe(path).tags["peak"], probe(path).tags["headroom"]) == ("1624 cd/m²", "3.0 stops above white")
    write(path, Image(pixels, LINEAR_SCENE), overwrite=True)
    assert "peakLuminance" not in seen_by_library(path)[1]


def test_half_floats_are_the_same_however_they_are_cut(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = 1e5 * torch.rand(3, 300, 700, generator=generator)
    pixels[:, :200] /= 1e3
    path = tmp_path / "a.exr"
    write(path, Image(pixels, LINEAR_SCENE))
    torch.testing.assert_close(read(path).pixels, pixels.clamp(max=65504.0).half().float(), rtol=0, atol=0)
