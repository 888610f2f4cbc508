"""NaN, infinities and negative light are refused in a sentence, or repaired when forced."""

import math

import pytest
import torch

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.errors import ImageError
from relume.image import Image
from relume.inference.light import checked_light


def _image(*values: float) -> Image:
    pixels = torch.full((3, 2, 4), 0.5)
    pixels[:, 1, : len(values)] = torch.tensor(values)
    return Image(pixels, LINEAR_SCENE)


def test_good_light_passes_as_it_is() -> None:
    image = _image(0.0, 1e-30, 6e4)
    assert checked_light(image, name="x") is image


@pytest.mark.parametrize(("values", "count"), [((math.nan,), 1), ((math.inf, -math.inf), 2)])
def test_unusable_values_are_counted(values: tuple[float, ...], count: int) -> None:
    with pytest.raises(ImageError, match=rf"^x: {count} of 8 pixels are NaN or infinite; .*--force"):
        checked_light(_image(*values), name="x")


def test_negative_luminance_is_refused() -> None:
    with pytest.raises(ImageError, match=r"^x: 1 of 8 pixels have negative luminance"):
        checked_light(_image(-0.5), name="x")


def test_colours_outside_the_gamut_pass() -> None:
    image = _image()
    image.pixels[0, 0, 0] = -0.1  # a green that BT.709 cannot show; its luminance is positive
    assert checked_light(image, name="x") is image


def test_repair() -> None:
    repaired = checked_light(_image(math.nan, math.inf, -math.inf, -0.5), name="x", repair=True)
    assert repaired.pixels[:, 1].tolist() == [[0.0, 0.5, 0.0, 0.0]] * 3
    assert bool((repaired.pixels[:, 0] == 0.5).all())


def test_repair_of_nothing_but_nan_is_black() -> None:
    image = Image(torch.full((3, 1, 1), math.nan), SRGB)
    assert checked_light(image, name="x", repair=True).pixels.tolist() == [[[0.0]]] * 3


def test_the_original_is_not_touched() -> None:
    image = _image(math.nan)
    checked_light(image, name="x", repair=True)
    assert math.isnan(float(image.pixels[0, 1, 0]))
