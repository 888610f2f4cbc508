"""JPEG: colours against colour-science, layouts against Pillow, and files that are not whole."""

import io
import struct
import warnings
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageOps
from test_icc import HALF_INK, MATRIX_TAGS, curve_tag, profile_of, table_profile

from relume.color.encoding import DISPLAY_P3_ENCODED, SRGB
from relume.color.primaries import ADOBE_RGB, BT2020
from relume.errors import UnreadableFile, UnsupportedFormat, UnwritableFile
from relume.image import Image, Metadata
from relume.io import exif
from relume.io.formats import WriteOptions
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import write

PATCHES = np.array(
    [[250, 10, 10], [10, 250, 10], [10, 10, 250], [128, 128, 128], [30, 200, 180], [255, 255, 255]], np.uint8
)
METADATA = Metadata(
    date=datetime(2024, 5, 6, 7, 8, 9),
    make="Canon",
    model="EOS R5",
    lens="RF50mm F1.2",
    exposure_time=1 / 250,
    f_number=2.8,
    iso=400,
    focal_length=50.0,
    description="a caption",
    copyright="me",
)


def smooth(height: int = 40, width: int = 56) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 5, 255 - 2 * (x + y)], axis=-1).astype(np.uint8)


def patches() -> np.ndarray:
    """Each colour as a square of 16 pixels, so that it survives compression."""
    return PATCHES[np.newaxis].repeat(16, axis=0).repeat(16, axis=1)


def save(path: Path, samples: np.ndarray, mode: str = "RGB", **options: object) -> Path:
    Pillow.fromarray(samples).convert(mode).save(
        path, "JPEG", **{"quality": 100, "subsampling": 0, **options}
    )
    return path


def centres(image: Image) -> np.ndarray:
    return image.numpy()[8, 8::16]


@pytest.fixture(scope="module")
def colour() -> ModuleType:
    """colour-science, which warns of matplotlib being absent when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("colour", reason="needs colour-science, which is in the extra `dev`")


def test_display_p3_comes_out_in_the_right_colours(tmp_path: Path, colour: ModuleType):
    p3 = colour.RGB_COLOURSPACES["Display P3"]
    data = imagecodecs.cms_profile(
        "rgb",
        whitepoint=(0.3127, 0.3290, 1.0),
        primaries=(0.680, 0.320, 1.0, 0.265, 0.690, 1.0, 0.150, 0.060, 1.0),
        transferfunction=colour.models.eotf_sRGB(np.linspace(0, 1, 1024)).astype(np.float32),
    )
    image = read(save(tmp_path / "p3.jpg", patches(), icc_profile=data))
    assert image.encoding == DISPLAY_P3_ENCODED
    light = colour.RGB_to_RGB(
        colour.models.eotf_sRGB(PATCHES / 255),
        p3,
        colour.RGB_COLOURSPACES["sRGB"],
        chromatic_adaptation_transform=None,
    )
    np.testing.assert_allclose(centres(image.to(SRGB.linear)), light, atol=0.02)


def test_adobe_rgb_is_linearised_with_its_own_gamma(tmp_path: Path):
    image = read(save(tmp_path / "adobe.jpg", patches(), icc_profile=imagecodecs.cms_profile("adobergb")))
    assert image.encoding == replace(SRGB.linear, primaries=ADOBE_RGB)
    np.testing.assert_allclose(centres(image), (PATCHES / 255) ** (563 / 256), atol=0.02)


def test_without_a_profile_it_is_srgb_and_the_samples_are_those_of_pillow(tmp_path: Path):
    path = save(tmp_path / "plain.jpg", smooth(), quality=80, subsampling=2)
    image = read(path)
    assert image.encoding == SRGB
    assert image.alpha is None
    np.testing.assert_allclose(image.numpy(), np.asarray(Pillow.open(path)) / 255, atol=3 / 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_come_out_upright(tmp_path: Path, orientation: int):
    block = Pillow.Exif()
    block[0x0112] = orientation
    path = save(tmp_path / "turned.jpg", smooth(), exif=block.tobytes())
    with Pillow.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture)) / 255
    image = read(path)
    np.testing.assert_allclose(image.numpy(), expected, atol=3 / 255)
    assert (probe(path).height, probe(path).width) == (image.height, image.width) == expected.shape[:2]


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}, {"optimize": True}]
)
def test_grey_pictures_have_three_equal_planes(tmp_path: Path, options: dict[str, object]):
    path = save(tmp_path / "grey.jpg", smooth(), "L", **options)
    image = read(path)
    assert (image.pixels == image.pixels[:1]).all()
    np.testing.assert_allclose(image.numpy()[..., 0], np.asarray(Pillow.open(path)) / 255, atol=2 / 255)
    assert probe(path).channels == "Y"


@pytest.mark.parametrize(
    ("bits", "options"), [(12, {"level": 100}), (12, {"lossless": True}), (16, {"lossless": True})]
)
def test_more_than_8_bits(tmp_path: Path, bits: int, options: dict[str, object]):
    codes = smooth().astype(np.uint16) << (bits - 8)
    data = imagecodecs.jpeg8_encode(codes, bitspersample=bits, subsampling="444", **options)
    (tmp_path / "deep.jpg").write_bytes(data)
    image = read(tmp_path / "deep.jpg")
    np.testing.assert_allclose(
        image.numpy(), codes / (2**bits - 1), atol=1e-3 if "level" in options else 1e-6
    )
    assert probe(tmp_path / "deep.jpg").sample == f"{bits} bit"


def test_a_grey_profile_is_applied(tmp_path: Path):
    data = profile_of({b"kTRC": curve_tag(512)}, space=b"GRAY")
    image = read(save(tmp_path / "grey.jpg", np.full((16, 16, 3), 51, np.uint8), "L", icc_profile=data))
    assert image.encoding == SRGB.linear
    assert image.pixels.mean().item() == pytest.approx(0.04, abs=2e-3)


def test_cmyk_is_stored_as_the_ink_that_is_missing(tmp_path: Path):
    path = tmp_path / "cmyk.jpg"
    ink = Pillow.fromarray(patches()).convert("CMYK")
    ink.save(path, "JPEG", quality=100, subsampling=0)
    image = read(path)
    np.testing.assert_allclose(image.numpy(), np.asarray(ink.convert("RGB")) / 255, atol=0.02)
    assert probe(path).channels == "CMYK"


def test_ycck_is_cmyk(tmp_path: Path):
    path = tmp_path / "ycck.jpg"
    # Adobe's marker with transform 2 (YCCK) around samples that are transformed already.
    missing = np.concatenate([patches(), np.full((*patches().shape[:2], 1), 204, np.uint8)], axis=-1)
    luma = np.asarray(Pillow.fromarray(255 - missing[..., :3]).convert("YCbCr"))
    ycck = np.concatenate([luma, missing[..., 3:]], axis=-1)
    file = io.BytesIO()
    Pillow.frombytes("CMYK", ycck.shape[1::-1], (255 - ycck).tobytes()).save(
        file, "JPEG", quality=100, subsampling=0
    )
    data = file.getvalue()
    assert data.count(b"Adobe\0\x64\0\0\0\0\0") == 1
    path.write_bytes(data.replace(b"Adobe\0\x64\0\0\0\0\0", b"Adobe\0\x64\0\0\0\0\2"))
    np.testing.assert_allclose(centres(read(path)), PATCHES / 255 * 0.8, atol=0.02)


def test_a_cmyk_profile_goes_through_its_tables(tmp_path: Path):
    path = tmp_path / "cmyk.jpg"
    data = table_profile(b"CMYK", 4)
    Pillow.new("CMYK", (16, 16), (0, 0, 0, 128)).save(path, "JPEG", quality=100, icc_profile=data)
    image = read(path)
    assert image.encoding == replace(SRGB.linear, primaries=BT2020)
    assert image.pixels.mean().item() == pytest.approx(HALF_INK, abs=4e-3)
    assert probe(path).tags["icc"] == "tables"


def test_a_profile_in_many_parts_is_put_together(tmp_path: Path):
    data = profile_of({b"junk": bytes(200_000), **MATRIX_TAGS, b"gTRC": curve_tag(512)})
    path = save(tmp_path / "long.jpg", np.full((16, 16, 3), 51, np.uint8), icc_profile=data)
    assert path.read_bytes().count(b"ICC_PROFILE\0") == 4
    assert read(path).pixels.mean((1, 2)).tolist() == pytest.approx([0.2, 0.04, 0.2], abs=5e-3)


def test_a_broken_profile_and_broken_exif_leave_the_picture_readable(tmp_path: Path):
    broken = exif.PREFIX + b"II*\0" + bytes([255]) * 60
    path = save(tmp_path / "broken.jpg", smooth(), icc_profile=b"no profile", exif=broken)
    image = read(path)
    assert image.encoding == SRGB
    assert not image.metadata
    assert probe(path).tags == {"process": "baseline", "icc": "unreadable"}


def test_bytes_between_segments_are_skipped(tmp_path: Path):
    path = save(tmp_path / "padded.jpg", smooth())
    data = path.read_bytes()
    assert data[20:22] == b"\xff\xdb"
    path.write_bytes(data[:20] + b"\0junk\xff\xff" + data[20:])
    assert read(path).width == 56


def test_a_file_of_padding_is_given_up_soon(tmp_path: Path):
    path = save(tmp_path / "padded.jpg", smooth())
    data = path.read_bytes()
    for junk in (b"\0", b"\xff"):
        path.write_bytes(data[:20] + junk * (1 << 17) + data[20:])
        with pytest.raises(UnreadableFile, match="ends before its picture begins"):
            read(path)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, options: dict[str, object]):
    data = save(tmp_path / "whole.jpg", smooth(), **options).read_bytes()
    path = tmp_path / "cut.jpg"
    for length in (3, 20, 200, len(data) // 2, len(data) - 2):
        path.write_bytes(data[:length])
        with pytest.raises(UnreadableFile, match=r"cut\.jpg: is (cut short|damaged)"):
            read(path)
    path.write_bytes(data + b"what follows the picture")
    assert read(path).width == 56


def test_a_small_file_that_claims_to_be_a_huge_picture_is_refused(tmp_path: Path):
    data = bytearray(save(tmp_path / "bomb.jpg", smooth(), "L").read_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 9_000, 9_000)
    (tmp_path / "bomb.jpg").write_bytes(data)
    with pytest.raises(UnreadableFile, match="does not end"):
        read(tmp_path / "bomb.jpg")


def test_two_components_are_no_known_colours(tmp_path: Path):
    data = bytearray(save(tmp_path / "two.jpg", smooth()).read_bytes())
    data[data.index(b"\xff\xc0") + 9] = 2
    (tmp_path / "two.jpg").write_bytes(data)
    with pytest.raises(UnsupportedFormat, match="has 2 components"):
        probe(tmp_path / "two.jpg")


@pytest.mark.parametrize("encoding", [SRGB, DISPLAY_P3_ENCODED, replace(SRGB, primaries=BT2020)])
def test_what_is_written_is_read(tmp_path: Path, encoding: object):
    pixels = torch.from_numpy(smooth() / 255).permute(2, 0, 1).float()
    write(tmp_path / "out.jpg", Image(pixels, encoding, metadata=METADATA))
    image = read(tmp_path / "out.jpg")
    assert image.encoding == encoding
    assert image.metadata == METADATA
    assert (image.pixels - pixels).abs().max() < 0.03


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_date_and_camera_survive_from_jpeg(tmp_path: Path, suffix: str):
    path = save(tmp_path / "in.jpg", smooth(), exif=exif.PREFIX + exif.build(METADATA))
    write(tmp_path / f"out{suffix}", read(path))
    assert read(tmp_path / f"out{suffix}").metadata == METADATA
    assert probe(tmp_path / f"out{suffix}").metadata == METADATA


@pytest.mark.parametrize(("quality", "components"), [(95, (1, 1)), (90, (1, 1)), (89, (2, 2))])
def test_from_quality_90_on_colour_has_the_full_resolution(
    tmp_path: Path, quality: int, components: tuple[int, int]
):
    image = Image(torch.rand(3, 32, 32), SRGB)
    write(tmp_path / "out.jpg", image, options=WriteOptions(quality=quality))
    with Pillow.open(tmp_path / "out.jpg") as picture:
        assert picture.layer[0][1:3] == components


def test_transparency_is_refused_and_opaque_alpha_is_not_missed(tmp_path: Path):
    pixels = torch.full((3, 8, 8), 0.5)
    write(tmp_path / "opaque.jpg", Image(pixels, SRGB, torch.ones(1, 8, 8)))
    assert read(tmp_path / "opaque.jpg").alpha is None
    with pytest.raises(UnwritableFile, match=r"glass\.jpg: .* partly transparent; write PNG or TIFF"):
        write(tmp_path / "glass.jpg", Image(pixels, SRGB, torch.full((1, 8, 8), 0.99)))
    assert not (tmp_path / "glass.jpg").exists()


def test_a_side_that_jpeg_cannot_hold_is_refused(tmp_path: Path):
    with pytest.raises(UnwritableFile, match="65501 × 1 pixels"):
        write(tmp_path / "long.jpg", Image(torch.zeros(3, 1, 65_501), SRGB))


@pytest.mark.parametrize("name", ["01.jpg", "02.jpg", "04.jpg"])
def test_photographs_with_a_gain_map_can_be_read_without_it(shared: Path, name: str):
    path = shared / "data" / "ultrahdr" / name
    info, image = probe(path, gain_map=False), read(path, gain_map=False)
    assert info.encoding == image.encoding == DISPLAY_P3_ENCODED
    assert (info.height, info.width) == (image.height, image.width)
    assert info.metadata.make == "Google"
    with Pillow.open(path) as picture:
        expected = np.asarray(picture.convert("RGB"))[::50, ::50] / 255
    np.testing.assert_allclose(image.numpy()[::50, ::50], expected, atol=3 / 255)


_ATTRIBUTES = 'GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="8000"{}/>'
_ELEMENTS = "><GPano:ProjectionType>equirectangular</GPano:ProjectionType></rdf:Description>"


@pytest.mark.parametrize(
    ("described", "panorama"),
    [
        (_ATTRIBUTES.format(' GPano:CroppedAreaImageWidthPixels="8000"'), True),
        (_ATTRIBUTES.format(' GPano:CroppedAreaImageWidthPixels="4000"'), None),
        (_ATTRIBUTES.format(""), True),
        (_ELEMENTS, True),
        ('GPano:ProjectionType="cylindrical"/>', None),
        ("/>", None),
    ],
)
def test_panoramas_that_go_all_the_way_round_are_known(
    described: str, panorama: bool | None, tmp_path: Path
) -> None:
    packet = f"<x:xmpmeta><rdf:RDF><rdf:Description {described}</rdf:RDF></x:xmpmeta>"
    path = save(tmp_path / "a.jpg", smooth(), xmp=packet.encode())
    assert read(path).metadata.panorama is panorama
    assert probe(path).metadata.panorama is panorama
