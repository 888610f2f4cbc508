"""Files for HDR screens: light, colour and what goes along come back, as exactly as each format can."""

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import torch

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, SRGB, Encoding, Reference
from relume.color.primaries import ADOBE_RGB, BT2020, PRIMARIES
from relume.errors import EncodingError, ImageError, UnsupportedFormat, UnwritableFile
from relume.image import Image, Metadata
from relume.io import probe, read, write
from relume.io.formats import FORMATS, WriteOptions
from relume.io.formats.format import SCREEN_PRIMARIES, Format
from relume.io.write import check_writable

pytest.importorskip("OpenImageIO", reason="JPEG XL is written by OpenImageIO, of the extra `jxl`")
pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif, of the extra `heic`")

NITS_2020 = replace(LINEAR_NITS, primaries=BT2020)
LEVELS = (0.0, 0.01, 0.1, 1.0, 10.0, 50.0, 100.0, 203.0, 400.0, 600.0, 800.0, 1000.0)
"""cd/m²; each a square, so that neighbours do not bleed into what is measured."""
RATIOS = ((1, 0.35, 0.35), (0.35, 1, 0.35), (0.35, 0.35, 1), (1, 1, 0.4), (0.4, 1, 1), (0.9, 0.6, 0.5))
"""Of colours that P3 has as well."""
COLORS = [tuple(203.0 * channel for channel in color) for color in RATIOS]
SQUARE = 32
METADATA = Metadata(date=datetime(2024, 5, 1, 12, 30), make="Maker", iso=400.0, description="a ramp")

# What of the light may be lost: relative, and cd/m² near black. Rows of the table in docs/formats.md.
QUANTIZATION = [
    (".png", WriteOptions(), 1e-4, 2e-5),
    (".png", WriteOptions(transfer="hlg"), 1e-4, 6e-5),
    (".png", WriteOptions(primaries="p3"), 1e-4, 2e-5),
    (".avif", WriteOptions(), 0.016, 1e-3),
    (".avif", WriteOptions(depth=12), 5e-3, 3e-4),
    (".avif", WriteOptions(transfer="hlg"), 0.01, 1.2e-3),
    (".avif", WriteOptions(primaries="p3"), 0.016, 1e-3),
    (".heic", WriteOptions(), 0.016, 1e-3),
    (".heic", WriteOptions(depth=12), 5e-3, 3e-4),
    (".heic", WriteOptions(transfer="hlg"), 0.01, 1.2e-3),
    (".jxl", WriteOptions(), 5e-3, 0.01),
    (".jxl", WriteOptions(quality=100), 1e-4, 2e-5),
    (".jxl", WriteOptions(transfer="hlg", quality=100), 1e-4, 6e-5),
    (".jxl", WriteOptions(transfer="linear"), 5e-3, 3e-3),
    (".jxl", WriteOptions(transfer="linear", quality=100), 1e-6, 1e-6),
    (".exr", WriteOptions(), 5e-4, 3e-5),
    (".exr", WriteOptions(primaries="aces-ap0"), 1e-3, 3e-5),
    (".tiff", WriteOptions(), 1e-6, 1e-6),
    (".tiff", WriteOptions(primaries="aces-ap1"), 2e-6, 1e-6),
]


def patches(*, metadata: Metadata = METADATA) -> Image:
    colors = torch.tensor([*((level,) * 3 for level in LEVELS), *COLORS]).T
    pixels = colors.repeat_interleave(SQUARE, dim=1).unsqueeze(1).expand(3, SQUARE, -1)
    return Image(pixels.contiguous(), NITS_2020, metadata=metadata)


def centres(image: Image) -> torch.Tensor:
    """The middle of each square, averaged: (3, squares), cd/m² in BT.2020."""
    pixels = image.to(NITS_2020).pixels
    third = SQUARE // 3
    squares = pixels[:, third:-third].unflatten(-1, (-1, SQUARE))[..., third:-third]
    return squares.mean((1, 3))


def name(row: tuple) -> str:
    suffix, options, *_ = row
    said = (options.transfer, options.primaries, options.depth, options.quality)
    return suffix + "-".join(str(one) for one in said if one not in (None, 95))


@pytest.mark.parametrize(
    ("suffix", "options", "relative", "absolute"), QUANTIZATION, ids=map(name, QUANTIZATION)
)
def test_a_ramp_and_patches_come_back(suffix, options, relative, absolute, tmp_path: Path) -> None:
    image = patches()
    write(tmp_path / f"a{suffix}", image, options=options)
    torch.testing.assert_close(
        centres(read(tmp_path / f"a{suffix}")), centres(image), rtol=relative, atol=absolute
    )


def screen_rows() -> list[Format]:
    return [row for row in FORMATS if row.transfers]


@pytest.mark.parametrize("row", screen_rows(), ids=lambda row: row.name)
@pytest.mark.parametrize("transfer", ["pq", "hlg"])
@pytest.mark.parametrize("primaries", SCREEN_PRIMARIES)
def test_tags_say_what_was_asked_for(row: Format, transfer: str, primaries: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{row.suffixes[0]}"
    write(path, patches(), options=WriteOptions(transfer=transfer, primaries=primaries, peak=800.0))
    info = probe(path)
    assert info.format == row.name
    assert (info.encoding.transfer, info.encoding.primaries) == (transfer, PRIMARIES[primaries])
    assert (info.width, info.height, info.channels) == (SQUARE * 18, SQUARE, "RGB")
    assert info.sample == f"{row.hdr_depths[0]} bit"
    assert read(path).encoding == info.encoding
    if row.name != "JPEG XL":
        assert info.tags["MaxCLL"].startswith(("800 ", "799."))
        assert info.tags["mastering display"] == f"{primaries}, 0.0001 to 800 cd/m²"


@pytest.mark.parametrize("row", screen_rows(), ids=lambda row: row.name)
def test_metadata_and_alpha_go_along(row: Format, tmp_path: Path) -> None:
    path = tmp_path / f"a{row.suffixes[0]}"
    alpha = torch.linspace(0, 1, SQUARE * 18).expand(1, SQUARE, -1).contiguous()
    write(path, replace(patches(), alpha=alpha))
    back = read(path)
    assert back.metadata == probe(path).metadata == METADATA
    assert probe(path).channels == "RGBA"
    assert back.alpha is not None
    assert (back.alpha - alpha).abs().max() < 0.02


@pytest.mark.parametrize("row", screen_rows(), ids=lambda row: row.name)
@pytest.mark.parametrize(
    "encoding", [SRGB, replace(SRGB, primaries=PRIMARIES["p3"]), replace(SRGB, primaries=ADOBE_RGB)], ids=str
)
def test_an_sdr_picture_stays_one(row: Format, encoding: Encoding, tmp_path: Path) -> None:
    path = tmp_path / f"a{row.suffixes[0]}"
    pixels = torch.linspace(0.1, 0.9, 64).expand(3, 48, -1) * torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1)
    write(path, Image(pixels, encoding))
    back = read(path)
    assert back.encoding == encoding
    assert probe(path).sample == "8 bit"
    assert (back.pixels - pixels).abs().mean() < 0.01


@pytest.mark.parametrize("row", screen_rows(), ids=lambda row: row.name)
def test_an_sdr_picture_becomes_one_for_hdr_screens_when_told_so(row: Format, tmp_path: Path) -> None:
    path = tmp_path / f"a{row.suffixes[0]}"
    write(path, Image(torch.ones(3, 32, 32), SRGB), options=WriteOptions(transfer="pq"))
    assert read(path).to(NITS_2020).pixels.mean().item() == pytest.approx(203.0, rel=0.01)


@pytest.mark.parametrize("row", screen_rows(), ids=lambda row: row.name)
def test_light_beyond_the_peak_rolls_off(row: Format, tmp_path: Path) -> None:
    path = tmp_path / f"a{row.suffixes[0]}"
    scene = Image(10.0 * patches().pixels / 203.0, replace(LINEAR_SCENE, primaries=BT2020, white=203.0))
    write(path, scene)
    ramp = centres(read(path))[1, : len(LEVELS)]
    assert 970.0 < ramp.max() < 1030.0
    assert (ramp.diff()[:-2] > 0).all()
    assert ramp[4].item() == pytest.approx(100.0, rel=0.02)


@pytest.mark.parametrize("suffix", [".png", ".avif", ".heic", ".jxl"])
def test_relative_light_is_refused(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="reference-white"):
        write(tmp_path / f"a{suffix}", patches().assume(LINEAR_SCENE))
    assert not list(tmp_path.iterdir())


def test_nan_is_refused_unless_it_may_be_clipped(tmp_path: Path) -> None:
    image = Image(torch.full((3, 16, 16), torch.nan), NITS_2020)
    with pytest.raises(ImageError, match="NaN"):
        write(tmp_path / "a.avif", image)
    write(tmp_path / "a.avif", image, options=WriteOptions(clip=True))
    assert read(tmp_path / "a.avif").to(NITS_2020).pixels.max() < 1e-3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.avif", WriteOptions(depth=32), "no depth of 32 bits"),
        ("a.avif", WriteOptions(primaries="aces-ap0"), "no primaries 'aces-ap0'; expected one of bt2020, p3"),
        ("a.avif", WriteOptions(transfer="linear"), "no transfer 'linear'; expected one of pq, hlg"),
        ("a.exr", WriteOptions(transfer="pq"), "not for HDR screens"),
        ("a.pfm", WriteOptions(primaries="p3"), "no primaries 'p3'"),
        ("a.png", WriteOptions(peak=20_000.0), "PQ holds 1 to 10000"),
        ("a.png", WriteOptions(peak=4000.0, transfer="hlg"), "HLG holds 1 to 1000"),
        ("a.png", WriteOptions(peak=float("nan")), "the peak is nan"),
        ("a.jxl", WriteOptions(transfer="linear", depth=16), "linear light needs 32"),
        ("a.jxl", WriteOptions(transfer="pq", depth=32), "linear light needs 32"),
    ],
)
def test_what_cannot_be_said_is_refused_before_the_work(
    name: str, options: WriteOptions, message: str, tmp_path: Path
) -> None:
    with pytest.raises((UnsupportedFormat, UnwritableFile), match=message):
        check_writable(tmp_path / name, options=options)


@pytest.mark.parametrize(
    ("suffix", "library", "extra"), [(".jxl", "OpenImageIO", "jxl"), (".heic", "pillow_heif", "heic")]
)
def test_a_missing_library_is_named(
    suffix: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UnsupportedFormat, match=rf"pip install 'relume\[{extra}\]'"):
        check_writable(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".exr", ".tiff"])
@pytest.mark.parametrize("primaries", ["aces-ap0", "aces-ap1", "bt2020", "p3"])
def test_primaries_of_files_of_light_are_those_asked_for(suffix: str, primaries: str, tmp_path: Path) -> None:
    write(tmp_path / f"a{suffix}", patches(), options=WriteOptions(primaries=primaries))
    assert probe(tmp_path / f"a{suffix}").encoding.primaries == PRIMARIES[primaries]


def test_encoding_of_linear_jpeg_xl_is_absolute(tmp_path: Path) -> None:
    write(tmp_path / "a.jxl", patches(), options=WriteOptions(depth=32))
    expected = Encoding(BT2020, "linear", Reference.DISPLAY_ABSOLUTE, 255.0)
    assert probe(tmp_path / "a.jxl").encoding == read(tmp_path / "a.jxl").encoding == expected
