"""Radiance: all layouts and both run-length encodings, rounding without bias, what the header multiplies."""

from datetime import datetime
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch

from relume.color.encoding import LINEAR_SCENE, Encoding, Reference
from relume.color.primaries import ACES_AP0, BT709, BT2020, Primaries
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io import probe, read, write
from relume.io.formats.rgbe_runs import decode_pixels, decode_runs, encode_runs, has_runs

# Mantissas and exponents of a picture of 2 rows and 3 columns; exponent 136 makes a mantissa its own value.
QUADS = np.array(
    [
        [[128, 1, 2, 136], [200, 3, 4, 136], [255, 5, 6, 136]],
        [[7, 129, 8, 137], [9, 10, 250, 135], [0, 0, 0, 0]],
    ],
    np.uint8,
)
LIGHT = QUADS[:, :, :3] * np.exp2(QUADS[:, :, 3:].astype(np.float32) - 136)


def radiance(pixels: bytes, size: str, *lines: str, form: str = "32-bit_rle_rgbe") -> bytes:
    header = "\n".join(("#?RADIANCE", f"FORMAT={form}", *lines, "", size, ""))
    return header.encode() + pixels


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("size", "as_stored"),
    [
        ("-Y 2 +X 3", lambda upright: upright),
        ("-Y 2 -X 3", lambda upright: upright[:, ::-1]),
        ("+Y 2 +X 3", lambda upright: upright[::-1]),
        ("+Y 2 -X 3", lambda upright: upright[::-1, ::-1]),
        ("+X 3 -Y 2", lambda upright: upright.swapaxes(0, 1)),
        ("-X 3 -Y 2", lambda upright: upright[:, ::-1].swapaxes(0, 1)),
        ("+X 3 +Y 2", lambda upright: upright[::-1].swapaxes(0, 1)),
        ("-X 3 +Y 2", lambda upright: upright[::-1, ::-1].swapaxes(0, 1)),
    ],
)
def test_every_layout_is_read_upright(size: str, as_stored, tmp_path: Path) -> None:
    path = written(tmp_path / "a.hdr", radiance(as_stored(QUADS).tobytes(), size))
    np.testing.assert_array_equal(read(path).numpy(), LIGHT)
    info = probe(path)
    assert (info.width, info.height, info.tags["layout"]) == (3, 2, size)


def test_old_run_lengths_count_on_in_the_next_quad(tmp_path: Path) -> None:
    first, second = bytes((200, 100, 50, 130)), bytes((10, 20, 240, 128))
    row = first + bytes((1, 1, 1, 3)) + second + bytes((1, 1, 1, 40)) + bytes((1, 1, 1, 1))
    length = 1 + 3 + 1 + 40 + 256
    path = written(tmp_path / "a.hdr", radiance(row + row, f"-Y 2 +X {length}"))
    quads = np.frombuffer(first * 4 + second * 297, np.uint8).reshape(1, length, 4)
    light = quads[:, :, :3] * np.exp2(quads[:, :, 3:].astype(np.float32) - 136)
    np.testing.assert_array_equal(read(path).numpy(), np.repeat(light, 2, axis=0))


def test_new_run_lengths_by_hand(tmp_path: Path) -> None:
    row = bytes((2, 2, 0, 10))
    row += bytes((128 + 10, 200))  # red: ten times 200
    row += bytes((4, 1, 2, 3, 4, 128 + 6, 9))  # green: four as they stand, six times 9
    row += bytes((128 + 2, 5, 8, 0, 1, 2, 3, 4, 5, 6, 7))  # blue: twice 5, eight as they stand
    row += bytes((128 + 10, 136))
    path = written(tmp_path / "a.hdr", radiance(row, "-Y 1 +X 10"))
    red, green, blue = read(path).pixels[:, 0].tolist()
    assert red == [200.0] * 10
    assert green == [1, 2, 3, 4, 9, 9, 9, 9, 9, 9]
    assert blue == [5, 5, 0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("length", [8, 127, 128, 129, 255, 256, 257, 1000, 32767])
@pytest.mark.parametrize("values", [1, 2, 3, 256])
def test_run_lengths_round_trip_and_stay_small(length: int, values: int) -> None:
    samples = np.random.default_rng(length).integers(0, values, (3, 4, length), dtype=np.uint8)
    samples[1] = np.sort(samples[1])
    data = encode_runs(samples)
    assert has_runs(data, length)
    np.testing.assert_array_equal(np.concatenate(list(decode_runs(data, 3, length))), samples)
    assert len(data) <= 3 * (4 + 4 * (length + -(-length // 128)))
    if values == 1:
        assert len(data) == 3 * (4 + 4 * 2 * -(-length // 127))


@pytest.mark.parametrize("length", [1, 7, 32768])
def test_lengths_without_run_lengths_are_flat(length: int) -> None:
    samples = np.random.default_rng(1).integers(128, 256, (2, 4, length), dtype=np.uint8)
    data = encode_runs(samples)
    assert len(data) == samples.size
    np.testing.assert_array_equal(np.concatenate(list(decode_pixels(data, 2, length))), samples)


@pytest.mark.parametrize("width", [5, 8, 300])
def test_values_are_within_half_a_step_and_unbiased(
    width: int, tmp_path: Path, generator: torch.Generator
) -> None:
    exposures = torch.exp(6.0 * torch.randn(90_000 // width, width, generator=generator))
    pixels = exposures * (0.1 + torch.rand(3, *exposures.shape, generator=generator))
    path = tmp_path / "a.hdr"
    write(path, Image(pixels, LINEAR_SCENE))
    decoded = read(path).pixels
    peak = pixels.amax(0)
    step = 2.0 ** torch.floor(torch.log2(peak * (256 / 255.5))) / 128
    assert ((decoded - pixels).abs() <= step / 2 * (1 + 1e-6)).all()
    # The error of one sample has standard deviation 0.29 steps: 270 000 of them average to below 0.002.
    assert ((decoded - pixels) / step).mean().abs() < 0.002


def test_an_independent_reader_agrees(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.randn(3, 40, 200, generator=generator).exp()
    pixels[:, :, 50:120] = 0.5
    path = tmp_path / "a.hdr"
    write(path, Image(pixels, LINEAR_SCENE))
    np.testing.assert_array_equal(imagecodecs.rgbe_decode(path.read_bytes()), read(path).numpy())


def test_an_independent_writer_is_read(tmp_path: Path) -> None:
    light = np.random.default_rng(3).lognormal(size=(20, 50, 3)).astype(np.float32)
    path = written(tmp_path / "a.hdr", imagecodecs.rgbe_encode(light, header=True, rle=True))
    np.testing.assert_array_equal(read(path).numpy(), imagecodecs.rgbe_decode(path.read_bytes()))


def test_what_the_format_cannot_hold(tmp_path: Path) -> None:
    values = [-1.0, torch.nan, torch.inf, 3e38, 1e-33, 1e-31, 0.0, 255.7 / 256]
    pixels = torch.tensor(values).expand(3, 1, -1)
    path = tmp_path / "a.hdr"
    write(path, Image(pixels, LINEAR_SCENE))
    brightest = 255 / 256 * 2.0**127
    expected = torch.tensor([0.0, 0.0, brightest, brightest, 0.0, 1e-31, 0.0, 1.0])
    torch.testing.assert_close(read(path).pixels[0, 0], expected, rtol=1 / 256, atol=0)


def test_exposure_and_colour_correction_are_divided_out(tmp_path: Path) -> None:
    lines = ("EXPOSURE=2", "COLORCORR= 1 2 4", "EXPOSURE= 0.25", "\tEXPOSURE=1000", "GAMMA=2.2", "VIEW= -vtv")
    path = written(tmp_path / "a.hdr", radiance(QUADS.tobytes(), "-Y 2 +X 3", *lines))
    np.testing.assert_allclose(read(path).numpy(), LIGHT / (0.5 * np.array([1, 2, 4])), rtol=1e-6)
    assert probe(path).tags == {"view": "-vtv", "exposure": "0.5 1 2", "layout": "-Y 2 +X 3"}


def test_xyz_of_equal_energy_is_white_and_y_is_luminance(tmp_path: Path) -> None:
    quads = bytes((128, 128, 128, 136)) + bytes((120, 200, 40, 136))
    primaries = "PRIMARIES=.708 .292 .17 .797 .131 .046 .3127 .329"
    content = radiance(quads, "-Y 1 +X 2", primaries, form="32-bit_rle_xyze")
    path = written(tmp_path / "a.hdr", content)
    image = read(path)
    assert image.encoding.primaries == BT2020
    torch.testing.assert_close(image.pixels[:, 0, 0], torch.full((3,), 128.0))
    assert image.luminance()[0, 0, 1] == pytest.approx(200.0, rel=0.1)  # but for the adaptation of white
    assert probe(path).sample == "XYZE"


RADIANCE_PRIMARIES = Primaries((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), (0.333, 0.333))


@pytest.mark.parametrize("primaries", [BT709, BT2020, ACES_AP0, RADIANCE_PRIMARIES])
@pytest.mark.parametrize("white", [None, 203.0, 179.5])
def test_tags_round_trip(primaries: Primaries, white: float | None, tmp_path: Path) -> None:
    encoding = Encoding(primaries, "linear", Reference.SCENE, white)
    metadata = Metadata(date=datetime(2026, 1, 31, 18, 5, 9))
    path = tmp_path / "a.hdr"
    write(path, Image(torch.rand(3, 4, 9), encoding, metadata=metadata))
    assert probe(path).encoding == read(path).encoding == encoding
    assert probe(path).metadata == read(path).metadata == metadata


def test_a_curve_is_undone_before_writing(tmp_path: Path) -> None:
    encoding = Encoding(BT2020, "pq", Reference.DISPLAY_ABSOLUTE, 10_000.0)
    path = tmp_path / "a.hdr"
    write(path, Image(torch.full((3, 2, 9), 0.5806888), encoding))  # 203 cd/m² by BT.2408
    assert read(path).encoding == Encoding(BT2020, "linear", Reference.SCENE, 10_000.0)
    torch.testing.assert_close(read(path).pixels, torch.full((3, 2, 9), 0.0203), rtol=1 / 256, atol=0)


@pytest.mark.parametrize("first_line", ["#?RADIANCE", "#?RGBE", "#?AUTOPANO"])
def test_any_program_name_and_no_format_line(first_line: str, tmp_path: Path) -> None:
    header = f"{first_line}\n# a comment=1\n\n-Y 2 +X 3\n"
    path = written(tmp_path / "a.hdr", header.encode() + QUADS.tobytes())
    np.testing.assert_array_equal(read(path).numpy(), LIGHT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (radiance(QUADS.tobytes()[:-1], "-Y 2 +X 3"), "it holds 5 pixels rather than 6"),
        (radiance(b"", "-Y 2 +X 3"), "it holds 0 pixels rather than 6"),
        (radiance(bytes((1, 1, 1, 6)), "-Y 2 +X 3"), "a repetition is out of place"),
        (
            radiance(bytes((9, 9, 9, 9)) + bytes((1, 1, 1, 9)) * 5, "-Y 2 +X 3"),
            "a repetition is out of place",
        ),
        (radiance(bytes((9, 9, 9, 9, 1, 1, 1, 255)), "-Y 2 +X 3"), "it holds 256 pixels"),
        (radiance(bytes((2, 2, 0, 9)) + bytes((137, 1)) * 3, "-Y 1 +X 9"), "scanline 1 of 1 is not whole"),
        (radiance(bytes((2, 2, 0, 9)) + bytes((138, 1)) * 4, "-Y 1 +X 9"), "scanline 1 of 1 is not whole"),
        (radiance(bytes((2, 2, 0, 9)) + bytes((137, 1)) * 4, "-Y 2 +X 9"), "scanline 2 of 2 is not whole"),
        (radiance(bytes((2, 2, 0, 9)) + bytes((9, 1)), "-Y 1 +X 9"), "scanline 1 of 1 is not whole"),
        (radiance(QUADS.tobytes(), "-Y 2 +Y 3"), "expected a line such as"),
        (radiance(QUADS.tobytes(), "2 3"), "expected a line such as"),
        (radiance(QUADS.tobytes(), "-Y 0 +X 3"), "3 × 0 pixels"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "expected a line such as"),
        (radiance(QUADS.tobytes(), "-Y 2 +X 3", "EXPOSURE=bright"), "'bright' in its header line EXPOSURE"),
        (radiance(QUADS.tobytes(), "-Y 2 +X 3", "EXPOSURE=0"), "out of bounds"),
        (radiance(QUADS.tobytes(), "-Y 2 +X 3", "EXPOSURE=nan"), "out of bounds"),
        (radiance(QUADS.tobytes(), "-Y 2 +X 3", "COLORCORR=1 2"), "expected numbers, 3 of them"),
    ],
)
def test_damage_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=message):
        read(written(tmp_path / "a.hdr", content))


def test_unusable_colour_tags_count_as_absent(tmp_path: Path) -> None:
    lines = ("PRIMARIES=0 0 0 0 0 0 0 0", "WHITELUMINANCE=-3", "CAPDATE=yesterday")
    path = written(tmp_path / "a.hdr", radiance(QUADS.tobytes(), "-Y 2 +X 3", *lines))
    assert read(path).encoding == LINEAR_SCENE
    assert read(path).metadata.date is None


def test_spectral_pictures_are_refused_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a.hdr", radiance(b"", "-Y 2 +X 3", form="Radiance_spectra"))
    for look in (probe, read):
        with pytest.raises(UnsupportedFormat, match="'Radiance_spectra'; expected 32-bit_rle_rgbe"):
            look(path)


def test_transparency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="partly transparent, which Radiance cannot hold"):
        write(tmp_path / "a.hdr", Image(torch.rand(3, 4, 5), LINEAR_SCENE, torch.full((1, 4, 5), 0.5)))
