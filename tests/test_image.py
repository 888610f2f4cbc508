from dataclasses import replace
from datetime import datetime

import jaxtyping
import numpy as np
import pytest
import torch

import relume.image
from relume.color import primaries
from relume.color.encoding import (
    HLG_BT2020,
    LINEAR_DISPLAY,
    LINEAR_NITS,
    LINEAR_SCENE,
    PQ_BT2020,
    REFERENCE_WHITE,
    SRGB,
    Encoding,
    Reference,
)
from relume.color.luminance import luminance_weights
from relume.color.primaries import ACES_AP1, BT709, BT2020, DISPLAY_P3
from relume.color.transfer import bt709, gamma, hlg, pq, srgb
from relume.errors import EncodingError, ImageError
from relume.image import Image, Metadata, convert

LINEAR_203 = Encoding(BT709, "linear", Reference.SCENE, REFERENCE_WHITE)
PQ_P3 = replace(PQ_BT2020, primaries=DISPLAY_P3)
HLG_P3 = replace(HLG_BT2020, primaries=DISPLAY_P3)
HLG_400 = replace(HLG_BT2020, white=400.0)
ABSOLUTE = [LINEAR_203, LINEAR_NITS, PQ_BT2020, PQ_P3, HLG_BT2020, HLG_P3, HLG_400]


@pytest.fixture
def pixels(generator):
    return torch.rand(3, 13, 17, generator=generator)


@pytest.fixture
def unchecked(monkeypatch):
    """As for users: without the check of shapes at run time, which comes before ours."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def pixel(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None, None]


# What an image is


@pytest.mark.parametrize(
    "shape", [(1, 4, 4), (4, 4, 4), (3, 4), (2, 3, 4, 4), (4, 4, 3), (3, 0, 4), (3, 4, 0)]
)
def test_refuses_other_shapes(shape, unchecked):
    with pytest.raises(ImageError, match=r"expected floats \(3, height, width\)|the picture is empty"):
        Image(torch.zeros(shape), SRGB)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_refuses_integers(dtype, unchecked):
    with pytest.raises(ImageError, match="expected floats"):
        Image(torch.zeros(3, 2, 2, dtype=dtype), SRGB)


@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 2, 2), (2, 2)])
def test_refuses_alpha_of_another_shape(shape, unchecked):
    with pytest.raises(ImageError, match="alpha has shape"):
        Image(torch.zeros(3, 2, 2), SRGB, torch.zeros(shape))


def test_size_and_array(pixels):
    image = Image(pixels, SRGB)
    assert (image.height, image.width) == (13, 17)
    array = image.numpy()
    assert array.shape == (13, 17, 3)
    assert np.array_equal(array[2, 5], pixels[:, 2, 5].numpy())
    assert not image.is_hdr
    assert Image(pixels, LINEAR_SCENE).is_hdr


def test_metadata_is_false_where_nothing_is_known():
    assert not Metadata()
    assert Metadata(iso=100.0)
    assert Metadata(date=datetime(2026, 1, 2))


def test_assume_changes_the_meaning_and_no_number(pixels):
    image = Image(pixels, LINEAR_SCENE).assume(LINEAR_203)
    assert image.encoding == LINEAR_203
    assert image.pixels is pixels


@pytest.mark.parametrize("encoding", [SRGB, LINEAR_203, PQ_BT2020, replace(LINEAR_NITS, primaries=ACES_AP1)])
def test_luminance_is_in_units_of_white(encoding, pixels):
    linear = convert(pixels, encoding, encoding.linear)
    weights = torch.tensor(luminance_weights(encoding.primaries))[:, None, None]
    expected = (linear * weights).sum(0, keepdim=True)
    torch.testing.assert_close(Image(pixels, encoding).luminance(), expected, rtol=2e-6, atol=1e-12)


# Conversions


@pytest.mark.parametrize("white", [None, 203.0])
def test_srgb_to_linear(pixels, white):
    image = Image(pixels, replace(SRGB, white=white)).to(LINEAR_SCENE)
    assert image.encoding == replace(LINEAR_SCENE, white=white)
    torch.testing.assert_close(image.pixels, srgb.eotf(pixels))


def test_white_of_the_target_scales_the_light():
    """Diffuse white of a photograph, told to be at 203 cd/m², is 203 where 1.0 is 1 cd/m²."""
    photograph = Image(torch.ones(3, 1, 1), replace(SRGB, white=203.0))
    torch.testing.assert_close(photograph.to(LINEAR_NITS).pixels, torch.full((3, 1, 1), 203.0))
    assert photograph.to(PQ_BT2020).pixels.mean().item() == pytest.approx(0.5807, abs=5e-5)
    assert photograph.to(HLG_BT2020).pixels.mean().item() == pytest.approx(0.75, abs=5e-4)


def test_pq_to_linear_with_white_at_203():
    code = pixel(0.58069, 0.58069, 0.58069)
    image = Image(code, PQ_BT2020).to(LINEAR_203)
    assert image.encoding == LINEAR_203
    torch.testing.assert_close(image.pixels, torch.ones(3, 1, 1).double(), rtol=1e-4, atol=0)


def test_a_target_without_white_keeps_that_of_the_source():
    image = Image(torch.full((3, 1, 1), 0.5), PQ_BT2020).to(LINEAR_SCENE)
    assert image.encoding == replace(LINEAR_SCENE, white=10_000.0)
    assert (image.pixels * 10_000).mean().item() == pytest.approx(92.2457, rel=1e-4)


@pytest.mark.parametrize("target", [PQ_BT2020, HLG_BT2020, LINEAR_NITS, LINEAR_203])
@pytest.mark.parametrize("source", [SRGB, LINEAR_SCENE, LINEAR_DISPLAY])
def test_relative_to_absolute_is_refused_with_the_way_out(source, target, pixels):
    with pytest.raises(
        EncodingError, match=r"the picture is relative .* wanted; say .*--reference-white 203"
    ):
        Image(pixels, source).to(target)
    with pytest.raises(EncodingError, match="the picture is relative"):
        convert(pixels, source, target)


@pytest.mark.parametrize("target", ABSOLUTE)
@pytest.mark.parametrize("source", ABSOLUTE)
def test_there_and_back(source, target, generator):
    """Colours of BT.709 up to 400 cd/m², which every one of these encodings holds."""
    light = Image(torch.rand(3, 8, 8, generator=generator, dtype=torch.float64) * 400, LINEAR_NITS)
    first = light.to(source)
    back = first.to(target).to(source).to(LINEAR_NITS)
    torch.testing.assert_close(back.pixels, light.pixels, rtol=1e-9, atol=1e-9)


def test_there_and_back_in_float32(generator):
    """To 5e-6 of the brightest channel of each pixel, since primaries mix the channels."""
    light = Image(torch.rand(3, 64, 64, generator=generator) * 400, LINEAR_NITS)
    for target in ABSOLUTE:
        error = (light.to(target).to(LINEAR_NITS).pixels - light.pixels).abs() / light.pixels.amax(0)
        assert error.max() < 5e-6


def test_every_step_in_order(generator):
    """Decode, scale, change primaries, encode: each by hand."""
    code = torch.rand(3, 4, 4, generator=generator, dtype=torch.float64)
    nits = primaries.convert(pq.eotf(code), DISPLAY_P3, BT709)
    target = Encoding(BT709, "gamma2.2", Reference.DISPLAY_RELATIVE, 500.0)
    torch.testing.assert_close(Image(code, PQ_P3).to(target).pixels, gamma.inverse_eotf(nits / 500, 2.2))
    target = Encoding(BT709, "bt709", Reference.SCENE, 500.0)
    torch.testing.assert_close(Image(code, PQ_P3).to(target).pixels, bt709.oetf(nits / 500))


@pytest.mark.parametrize("peak", [400.0, 1000.0, 4000.0])
def test_hlg_knows_the_peak_of_its_display(peak):
    encoding = replace(HLG_BT2020, white=peak)
    code = pixel(0.75, 0.5, 0.3)
    light = Image(code, encoding).to(replace(LINEAR_NITS, primaries=BT2020))
    torch.testing.assert_close(light.pixels, hlg.eotf(code, peak=peak) * peak)
    torch.testing.assert_close(light.to(encoding).pixels, code)


def test_hlg_in_other_primaries_weighs_luminance_with_theirs():
    scene = pixel(0.4, 0.2, 0.1)
    image = Image(hlg.oetf(scene), HLG_P3).to(HLG_P3.linear)
    luminance = sum(w * v for w, v in zip(luminance_weights(DISPLAY_P3), (0.4, 0.2, 0.1), strict=True))
    torch.testing.assert_close(image.pixels, scene * luminance**0.2)


def test_relative_hlg_is_shown_on_a_display_of_1000():
    encoding = Encoding(BT2020, "hlg", Reference.DISPLAY_RELATIVE)
    code = pixel(0.75, 0.5, 0.3)
    image = Image(code, encoding).to(LINEAR_DISPLAY)
    assert image.encoding.white is None
    torch.testing.assert_close(image.pixels, primaries.convert(hlg.eotf(code, peak=1000.0), BT2020, BT709))


def test_colours_out_of_gamut_go_negative_and_come_back():
    green = Image(pixel(0.0, 1.0, 0.0), replace(LINEAR_SCENE, primaries=BT2020))
    narrow = green.to(LINEAR_SCENE)
    assert narrow.pixels.min() < -0.1
    torch.testing.assert_close(narrow.to(green.encoding).pixels, green.pixels)
    coded = green.to(replace(SRGB, primaries=BT709))
    assert coded.pixels.min() < -0.1
    torch.testing.assert_close(coded.to(green.encoding).pixels, green.pixels)


def test_other_reference_alone_keeps_the_pixels(pixels):
    image = Image(pixels, LINEAR_SCENE).to(LINEAR_DISPLAY)
    assert image.encoding == LINEAR_DISPLAY
    assert image.pixels is pixels


def test_same_encoding_is_the_same_image(pixels):
    image = Image(pixels, LINEAR_203)
    assert image.to(LINEAR_203) is image
    assert image.to(LINEAR_SCENE) is image


def test_alpha_and_metadata_go_along_and_the_input_is_left_alone(pixels):
    before = pixels.clone()
    alpha = torch.rand(1, 13, 17)
    image = Image(pixels, SRGB, alpha, Metadata(make="Lumen", iso=200.0))
    converted = image.to(Encoding(BT2020, "linear"))
    assert converted.alpha is alpha
    assert converted.metadata == image.metadata
    assert torch.equal(pixels, before)


# How it is done


@pytest.mark.parametrize("target", [LINEAR_203, PQ_BT2020, HLG_BT2020])
@pytest.mark.parametrize("rows", [1, 4, 12, 13])
def test_strips_are_the_whole(target, rows, pixels, monkeypatch):
    source = replace(SRGB, white=203.0)
    whole = convert(pixels, source, target)
    monkeypatch.setattr(relume.image, "_STRIP_PIXELS", rows * 17 + 5)
    torch.testing.assert_close(Image(pixels, source).to(target).pixels, whole, rtol=1e-6, atol=0)


def test_an_image_wider_than_a_strip(monkeypatch, pixels):
    monkeypatch.setattr(relume.image, "_STRIP_PIXELS", 3)
    torch.testing.assert_close(Image(pixels, SRGB).to(LINEAR_SCENE).pixels, srgb.eotf(pixels))


@pytest.mark.parametrize("target", [LINEAR_203, PQ_BT2020, HLG_BT2020])
def test_channels_last_pixels_stay_so(target, pixels):
    source = replace(SRGB, white=203.0)
    array = pixels.permute(1, 2, 0).contiguous()
    converted = Image(array.permute(2, 0, 1), source).to(target)
    torch.testing.assert_close(converted.pixels, Image(pixels, source).to(target).pixels, rtol=1e-6, atol=0)
    assert converted.pixels.stride() == (1, 17 * 3, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_half_precision_is_converted_in_float32(dtype, pixels):
    converted = Image(pixels.to(dtype), replace(SRGB, white=203.0)).to(PQ_BT2020).pixels
    assert converted.dtype is (torch.float64 if dtype is torch.float64 else torch.float32)
    exact = convert(pixels.to(dtype).double(), replace(SRGB, white=203.0), PQ_BT2020)
    torch.testing.assert_close(converted.double(), exact, rtol=0, atol=1e-6)


def test_convert_takes_batches_and_gives_gradients(generator):
    batch = torch.rand(2, 3, 4, 5, generator=generator, requires_grad=True)
    whole = convert(batch, replace(SRGB, white=203.0), HLG_BT2020)
    for image, expected in zip(batch, whole, strict=True):
        torch.testing.assert_close(convert(image, replace(SRGB, white=203.0), HLG_BT2020), expected)
    (slope,) = torch.autograd.grad(whole.sum(), batch)
    assert slope.isfinite().all()


def test_gradients_flow_through_the_strips(pixels, monkeypatch):
    monkeypatch.setattr(relume.image, "_STRIP_PIXELS_ELSEWHERE", 40)
    at = pixels.clone().requires_grad_()
    (slope,) = torch.autograd.grad(Image(at, SRGB).to(LINEAR_SCENE).pixels.sum(), at)
    (expected,) = torch.autograd.grad(srgb.eotf(at).sum(), at)
    torch.testing.assert_close(slope, expected)
