"""PIL images mean what they say: mode, palette, profile, orientation."""

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.color.encoding import DISPLAY_P3_ENCODED, SRGB
from relume.errors import ImageError
from relume.io import icc
from relume.io.pillow import from_pillow


@pytest.fixture
def picture() -> Pillow.Image:
    codes = np.random.default_rng(3).integers(0, 256, (10, 14, 3), dtype=np.uint8)
    return Pillow.fromarray(codes)


def _codes(image: torch.Tensor) -> np.ndarray:
    return (image * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P", "RGBX", "YCbCr"])
def test_modes_give_the_pixels_that_pillow_gives(picture: Pillow.Image, mode: str) -> None:
    converted = picture.convert(mode)
    image = from_pillow(converted)
    assert image.encoding == SRGB
    np.testing.assert_array_equal(_codes(image.pixels), np.asarray(converted.convert("RGB")))
    assert (image.alpha is not None) == (mode in ("RGBA", "LA"))


def test_palette_with_transparency(picture: Pillow.Image) -> None:
    palette = picture.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    image = from_pillow(palette)
    assert image.alpha is not None
    assert float(image.alpha[0, 0, 0]) == 0.0


def test_sixteen_bits() -> None:
    codes = np.arange(65536, step=256, dtype=np.uint16).reshape(16, 16)
    image = from_pillow(Pillow.fromarray(codes))
    torch.testing.assert_close(image.pixels[1], torch.from_numpy(codes.astype(np.float32)) / 65535)


def test_profile_and_orientation(picture: Pillow.Image) -> None:
    picture.info["icc_profile"] = icc.build(DISPLAY_P3_ENCODED)
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.info["exif"] = exif.tobytes()
    image = from_pillow(picture)
    assert image.encoding == DISPLAY_P3_ENCODED
    upright = picture.transpose(Pillow.Transpose.ROTATE_270)
    np.testing.assert_array_equal(_codes(image.pixels), np.asarray(upright))


def test_cmyk_without_profile(picture: Pillow.Image) -> None:
    image = from_pillow(picture.convert("CMYK"))
    assert np.abs(_codes(image.pixels).astype(int) - np.asarray(picture)).max() <= 1


@pytest.mark.parametrize("mode", ["LAB", "HSV", "I", "F"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ImageError, match=f"mode {mode}; expected one of L, LA, RGB"):
        from_pillow(Pillow.new(mode, (2, 2)))
