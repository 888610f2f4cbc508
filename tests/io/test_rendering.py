"""What is put into files for HDR screens, before any format has its part in it."""

from dataclasses import replace

import pytest
import torch

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, SRGB, Encoding, Reference
from relume.color.primaries import BT2020, DISPLAY_P3
from relume.errors import EncodingError, ImageError
from relume.image import Image
from relume.io.rendering import light_level, peak_luminance, render

NITS_2020 = replace(LINEAR_NITS, primaries=BT2020)


def picture(*colors: tuple[float, float, float], encoding: Encoding = NITS_2020) -> Image:
    return Image(torch.tensor(colors).T.reshape(3, 1, -1), encoding)


def grey(*levels: float, encoding: Encoding = NITS_2020) -> Image:
    return picture(*((level,) * 3 for level in levels), encoding=encoding)


def test_light_level_is_of_the_largest_channel() -> None:
    level = light_level(picture((900.0, 1.0, 2.0), (0.0, 100.0, 20.0), (0.0, 0.0, 200.0), (0.0, 0.0, 0.0)))
    assert level.max_cll == pytest.approx(900.0)
    assert level.max_fall == pytest.approx((900 + 100 + 200 + 0) / 4)


def test_light_level_knows_curve_and_white() -> None:
    image = grey(0.0, 203.0, 1000.0)
    for transfer, white in (("pq", 10_000.0), ("hlg", 1000.0), ("linear", 203.0)):
        encoded = image.to(Encoding(BT2020, transfer, Reference.DISPLAY_ABSOLUTE, white))
        level = light_level(encoded)
        assert (level.max_cll, level.max_fall) == pytest.approx((1000.0, 401.0), rel=1e-4)


def test_light_level_counts_nan_as_black_and_every_strip() -> None:
    pixels = torch.full((3, 300, 200), 10.0)
    pixels[:, 299, 199] = 700.0
    pixels[:, 0, 0] = torch.nan
    level = light_level(Image(pixels, NITS_2020))
    assert level.max_cll == pytest.approx(700.0)
    assert level.max_fall == pytest.approx((10.0 * 59_998 + 700.0) / 60_000, rel=1e-6)


@pytest.mark.parametrize("faulty", [float("nan"), float("inf"), -float("inf")])
def test_the_peak_is_the_largest_finite_luminance_of_every_strip(faulty: float) -> None:
    pixels = torch.full((3, 300, 200), -1.0)
    encoding = replace(LINEAR_SCENE, white=203.0)
    assert peak_luminance(Image(pixels, encoding)) == 0.0
    pixels[:, 299, 199] = 3.0
    pixels[:, 299, 0] = pixels[0, 0, 0] = faulty
    assert peak_luminance(Image(pixels, encoding)) == pytest.approx(609.0)
    assert peak_luminance(Image(pixels, LINEAR_SCENE)) == pytest.approx(3.0)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_light_that_the_display_has_comes_back(transfer: str) -> None:
    image = grey(0.0, 0.005, 0.1, 1.0, 50.0, 203.0, 600.0, 1000.0)
    back = render(image, transfer=transfer, primaries=BT2020, peak=1000.0).to(NITS_2020)
    torch.testing.assert_close(back.pixels, image.pixels, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
@pytest.mark.parametrize("primaries", [BT2020, DISPLAY_P3])
def test_codes_lie_within_0_and_1_whatever_the_light(transfer: str, primaries, generator) -> None:
    pixels = 30_000.0 * torch.rand(3, 40, 50, generator=generator) ** 6 - 5.0
    image = render(Image(pixels, NITS_2020), transfer=transfer, primaries=primaries, peak=1000.0)
    assert image.pixels.min() >= 0.0
    assert image.pixels.max() <= 1.0 + 1e-6
    assert light_level(image).max_cll <= 1000.0 + 0.5
    assert (image.encoding.transfer, image.encoding.primaries) == (transfer, primaries)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_bright_saturated_colours_keep_their_ratios(transfer: str) -> None:
    image = picture((3000.0, 300.0, 30.0), (30.0, 900.0, 30.0), (10.0, 20.0, 2000.0))
    back = render(image, transfer=transfer, primaries=BT2020, peak=1000.0).to(NITS_2020).pixels
    torch.testing.assert_close(back / back.amax(0), image.pixels / image.pixels.amax(0), rtol=2e-3, atol=1e-5)


def test_white_of_an_sdr_picture_lies_at_203() -> None:
    image = render(grey(0.0, 1.0, encoding=SRGB), transfer="pq", primaries=BT2020, peak=1000.0)
    assert image.to(NITS_2020).pixels.max().item() == pytest.approx(203.0, rel=1e-4)


def test_linear_light_is_only_made_absolute() -> None:
    scene = Image(torch.tensor([-0.1, 2.0, 90.0]).view(3, 1, 1), replace(LINEAR_SCENE, white=203.0))
    image = render(scene, transfer="linear", primaries=scene.encoding.primaries, peak=1000.0)
    torch.testing.assert_close(image.pixels, 203.0 * scene.pixels)
    assert image.encoding == LINEAR_NITS


def test_relative_light_is_refused() -> None:
    with pytest.raises(EncodingError, match="reference-white"):
        render(grey(1.0, encoding=LINEAR_SCENE), transfer="pq", primaries=BT2020, peak=1000.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_light_is_refused(value: float) -> None:
    with pytest.raises(ImageError, match="NaN or infinite"):
        render(grey(1.0, value), transfer="pq", primaries=BT2020, peak=1000.0)
