"""WebP and BMP: against Pillow's own reading, with profiles, transparency and EXIF."""

import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageOps

from relume.color.encoding import DISPLAY_P3_ENCODED, SRGB
from relume.errors import UnreadableFile, UnsupportedFormat, UnwritableFile
from relume.image import Image, Metadata
from relume.io import icc
from relume.io.formats import WriteOptions
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import write


def smooth(channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[:30, :40]
    return np.stack([x * 6, y * 8, 255 - 3 * (x + y), x + 5 * y], axis=-1)[..., :channels].astype(np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_of_every_mode(tmp_path: Path, mode: str):
    picture = Pillow.fromarray(smooth()).convert(mode)
    picture.save(tmp_path / "in.bmp")
    with Pillow.open(tmp_path / "in.bmp") as stored:
        expected = np.asarray(stored.convert("RGB"))
    image = read(tmp_path / "in.bmp")
    np.testing.assert_allclose(image.numpy(), expected / 255, atol=1e-6)
    assert image.encoding == SRGB
    assert image.alpha is None
    assert probe(tmp_path / "in.bmp").height == 30


def test_bmp_with_masks_for_four_channels(tmp_path: Path):
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, 2, 1, 1, 32, 3, 8, 0, 0, 0, 0) + masks + bytes(52)
    assert len(head) == 108
    pixels = bytes([30, 20, 10, 255, 60, 50, 40, 51])
    (tmp_path / "in.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 130, 0, 0, 122) + head + pixels)
    image = read(tmp_path / "in.bmp")
    assert (image.numpy()[0] * 255).round().tolist() == [[10, 20, 30], [40, 50, 60]]
    assert image.alpha is not None
    assert image.alpha.flatten().tolist() == pytest.approx([1.0, 0.2])
    assert probe(tmp_path / "in.bmp").channels == "RGBA"


def test_bmp_with_a_profile_of_its_own(tmp_path: Path):
    profile = icc.build(DISPLAY_P3_ENCODED)
    pixels = bytes([30, 20, 10, 0])  # blue, green, red, and padding to four bytes
    head = struct.pack("<IiiHHIIiiII", 124, 1, 1, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    head += bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 0, 124 + len(pixels), len(profile), 0)
    assert len(head) == 124
    start = 14 + len(head)
    file = b"BM" + struct.pack("<IHHI", start + len(pixels) + len(profile), 0, 0, start)
    (tmp_path / "in.bmp").write_bytes(file + head + pixels + profile)
    image = read(tmp_path / "in.bmp")
    assert image.encoding == probe(tmp_path / "in.bmp").encoding == DISPLAY_P3_ENCODED
    assert (image.pixels * 255).round().flatten().tolist() == [10, 20, 30]


def test_bmp_is_not_written(tmp_path: Path):
    with pytest.raises(UnsupportedFormat, match=r"\.bmp"):
        write(tmp_path / "out.bmp", Image(torch.rand(3, 2, 2), SRGB))


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_without_loss_is_exact(tmp_path: Path, channels: int):
    stored = smooth(channels)
    picture = Pillow.fromarray(stored)
    picture.save(tmp_path / "in.webp", lossless=True, exact=True, icc_profile=icc.build(DISPLAY_P3_ENCODED))
    image = read(tmp_path / "in.webp")
    assert image.encoding == probe(tmp_path / "in.webp").encoding == DISPLAY_P3_ENCODED
    np.testing.assert_allclose(image.numpy(), stored[..., :3] / 255, atol=1e-6)
    if channels == 4:
        assert image.alpha is not None
        np.testing.assert_allclose(image.alpha[0].numpy(), stored[..., 3] / 255, atol=1e-6)
    assert probe(tmp_path / "in.webp").channels == ("RGB" if channels == 3 else "RGBA")


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("channels", [3, 4])
def test_webp_without_comments(tmp_path: Path, channels: int, lossless: bool):
    Pillow.fromarray(smooth(channels)).save(tmp_path / "in.webp", lossless=lossless)
    image, info = read(tmp_path / "in.webp"), probe(tmp_path / "in.webp")
    assert (image.height, image.width) == (info.height, info.width) == (30, 40)
    assert (image.alpha is not None) == (info.channels == "RGBA") == (channels == 4)
    assert info.tags == {"compression": "lossless" if lossless else "lossy"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_webp_of_all_orientations_comes_out_upright(tmp_path: Path, orientation: int):
    block = Pillow.Exif()
    block[0x0112], block[0x0110] = orientation, "M11"
    Pillow.fromarray(smooth()).save(tmp_path / "in.webp", lossless=True, exif=block.tobytes())
    with Pillow.open(tmp_path / "in.webp") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    image = read(tmp_path / "in.webp")
    np.testing.assert_allclose(image.numpy(), expected / 255, atol=1e-6)
    assert image.metadata == probe(tmp_path / "in.webp").metadata == Metadata(model="M11")
    assert (probe(tmp_path / "in.webp").height, probe(tmp_path / "in.webp").width) == expected.shape[:2]


def test_an_animation_gives_its_first_picture(tmp_path: Path):
    frames = [Pillow.new("RGB", (8, 8), (value, value, value)) for value in (40, 200)]
    frames[0].save(tmp_path / "in.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert (read(tmp_path / "in.webp").pixels * 255).mean().item() == pytest.approx(40)
    assert probe(tmp_path / "in.webp").tags == {"compression": "animation, the first picture is read"}


def test_webp_that_is_written_is_read(tmp_path: Path):
    pixels = torch.from_numpy(smooth() / 255).permute(2, 0, 1).float()
    alpha = torch.linspace(0.5, 1, 40).expand(1, 30, 40)
    image = Image(pixels, DISPLAY_P3_ENCODED, alpha, Metadata(make="Canon"))
    write(tmp_path / "out.webp", image, options=WriteOptions(quality=95))
    found = read(tmp_path / "out.webp")
    assert (found.encoding, found.metadata) == (image.encoding, image.metadata)
    assert found.alpha is not None
    assert (found.alpha - alpha).abs().max() < 0.01
    assert (found.pixels - pixels).abs().mean() < 0.01


def test_a_side_that_webp_cannot_hold_is_refused(tmp_path: Path):
    with pytest.raises(UnwritableFile, match="16384 × 1 pixels"):
        write(tmp_path / "long.webp", Image(torch.zeros(3, 1, 16_384), SRGB))


def test_other_riff_files_are_no_pictures(tmp_path: Path):
    (tmp_path / "sound.webp").write_bytes(b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(28))
    with pytest.raises(UnsupportedFormat, match="no WebP"):
        probe(tmp_path / "sound.webp")


@pytest.mark.parametrize("suffix", [".bmp", ".webp"])
def test_large_pictures_are_not_pillow_s_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
):
    Pillow.fromarray(smooth()).save(tmp_path / f"in{suffix}")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    assert probe(tmp_path / f"in{suffix}").width == 40
    assert read(tmp_path / f"in{suffix}").width == 40


@pytest.mark.parametrize("suffix", [".bmp", ".webp"])
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"in{suffix}"
    Pillow.fromarray(smooth()).save(path)
    data = path.read_bytes()
    for length in (20, 40, len(data) // 2, len(data) - 20):
        path.write_bytes(data[:length])
        with pytest.raises(UnreadableFile):
            read(path)
