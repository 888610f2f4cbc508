import pytest
import torch
from scipy import stats
from torch.nn import functional

from relume.camera.compression import FULL, HALVED, Jpeg, JpegDraw
from relume.camera.jpeg import jpeg_round_trip, quantization_tables
from relume.errors import MethodError


def picture(generator, batch=2, height=70, width=51):
    """Smooth shapes, an edge, and grain: something of all that JPEG treats differently."""
    coarse = torch.rand(batch, 3, 6, 5, generator=generator)
    smooth = functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    smooth[..., width // 2 :] *= 0.4
    grain = 0.05 * torch.randn(batch, 3, height, width, generator=generator)
    return (smooth + grain).clamp(0.0, 1.0)


def fixed(batch, quality, subsampling):
    return JpegDraw(torch.full((batch,), quality), torch.full((batch,), subsampling == HALVED))


def test_tables_are_those_that_libjpeg_scales():
    tables = quantization_tables(torch.tensor([50, 75, 100, 10, 1]))
    assert tables[0, 0, 0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]
    assert tables[0, 1, :, 0].tolist() == [17, 18, 24, 47, 99, 99, 99, 99]
    assert tables[1, 0, 0].tolist() == [8, 6, 5, 8, 12, 20, 26, 31]
    assert (tables[2] == 1).all()
    assert tables[3, 0, 0].tolist() == [80, 55, 50, 80, 120, 200, 255, 255]
    assert (tables[4] == 255).all()


@pytest.mark.parametrize("subsampling", [FULL, HALVED])
@pytest.mark.parametrize("quality", [5, 50, 70, 85, 95, 100])
@pytest.mark.parametrize("size", [(64, 64), (70, 51), (9, 17), (1, 1)])
def test_tensors_give_the_codes_of_libjpeg(generator, subsampling, quality, size):
    encoded = picture(generator, 2, *size)
    drawn = fixed(2, quality, subsampling)
    ours = Jpeg(subsampling=(subsampling,), real=False).apply(encoded, drawn)
    libjpeg = Jpeg(subsampling=(subsampling,), real=True).apply(encoded, drawn)
    assert torch.equal((ours * 255).round(), (libjpeg * 255).round())


def test_saturated_colours_and_noise_give_the_codes_of_libjpeg(generator):
    noise = torch.rand(1, 3, 40, 40, generator=generator).round()
    colours = torch.eye(3).repeat_interleave(16, 1).view(1, 3, 1, 48).expand(-1, -1, 40, -1)
    for encoded in (noise, colours):
        drawn = fixed(1, 90, HALVED)
        jpeg = [Jpeg(subsampling=(HALVED,), real=real).apply(encoded, drawn) for real in (False, True)]
        assert torch.equal((jpeg[0] * 255).round(), (jpeg[1] * 255).round())


@pytest.mark.parametrize("real", [True, False])
def test_each_picture_has_its_own_quality_and_subsampling(generator, real):
    encoded = picture(generator, batch=4)
    drawn = JpegDraw(torch.tensor([30, 95, 30, 95]), torch.tensor([True, True, False, False]))
    together = Jpeg(real=real).apply(encoded, drawn)
    for index in range(4):
        alone = JpegDraw(drawn.quality[index : index + 1], drawn.halved[index : index + 1])
        assert torch.equal(together[index : index + 1], Jpeg(real=real).apply(encoded[index][None], alone))
    errors = (together - encoded).abs().mean((1, 2, 3))
    assert errors[1] < errors[0]
    assert errors[3] < errors[2]


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_are_codes_in_the_precision_of_the_picture(generator, real, dtype):
    decoded = Jpeg(real=real).apply(picture(generator).to(dtype), fixed(2, 80, HALVED))
    assert decoded.dtype == dtype
    codes = (decoded * 255).round()
    assert torch.equal(decoded, codes / 255)
    assert codes.min() >= 0
    assert codes.max() <= 255


def test_quality_100_at_full_chroma_changes_little(generator):
    encoded = picture(generator)
    decoded = Jpeg(real=False).apply(encoded, fixed(2, 100, FULL))
    assert (decoded - encoded).abs().mean() < 1.0 / 255
    assert (decoded - encoded).abs().max() < 6.0 / 255


def test_the_gradient_of_libjpeg_is_exactly_that_of_nothing(generator):
    encoded = (picture(generator) * 1.4 - 0.2).requires_grad_()
    weights = torch.rand(encoded.shape, generator=generator)
    (Jpeg(real=True).apply(encoded, fixed(2, 50, HALVED)) * weights).sum().backward()
    inside = (encoded >= 0) & (encoded <= 1)
    assert torch.equal(encoded.grad, torch.where(inside, weights, 0.0))


def test_the_gradient_in_tensors_is_that_of_nothing_but_for_what_chroma_shares(generator):
    encoded = (picture(generator) * 0.6 + 0.2).double().requires_grad_()
    weights = torch.rand(encoded.shape, generator=generator, dtype=torch.float64)
    (Jpeg(real=False).apply(encoded, fixed(2, 90, FULL)) * weights).sum().backward()
    torch.testing.assert_close(encoded.grad, weights, rtol=0, atol=2e-3)
    encoded.grad = None
    grey = weights[:, :1].expand(-1, 3, -1, -1)
    (Jpeg(real=False).apply(encoded, fixed(2, 90, HALVED)) * grey).sum().backward()
    # The gradient of luma passes whole; what is spread over neighbours is that of colour, none in sum.
    torch.testing.assert_close(encoded.grad.sum(1), grey.sum(1), rtol=0, atol=0.5)
    torch.testing.assert_close(encoded.grad.sum((1, 2, 3)), grey.sum((1, 2, 3)), rtol=1e-3, atol=0)


def test_quality_and_subsampling_are_uniform(generator):
    light = torch.ones(4000, 3, 1, 1)
    quality, halved = Jpeg(quality=(90, 99)).draw(light, generator)
    assert sorted(set(quality.tolist())) == list(range(90, 100))
    assert stats.chisquare(quality.bincount()[90:].numpy()).pvalue > 1e-3
    assert stats.binomtest(int(halved.sum()), 4000, 0.5).pvalue > 1e-3
    assert Jpeg(subsampling=(HALVED,)).draw(light, generator).halved.all()
    assert not Jpeg(subsampling=(FULL,)).draw(light, generator).halved.any()


def test_qualities_above_100_count_as_100(generator):
    quality = Jpeg(quality=(30, 104)).draw(torch.ones(7500, 3, 1, 1), generator).quality
    assert quality.max() == 100
    assert stats.binomtest(int((quality == 100).sum()), 7500, 5 / 75).pvalue > 1e-3


def test_tensors_do_not_need_the_values(generator):
    """On a device whose values cannot be looked at nothing may wait for them: a GPU would stand still."""
    encoded = torch.rand(2, 3, 24, 24, device="meta")
    drawn = Jpeg().draw(encoded, generator)
    assert Jpeg().apply(encoded, drawn).shape == encoded.shape
    assert Jpeg().apply(encoded, drawn).device.type == "meta"


def test_autocast_does_not_change_the_codes(generator):
    pixels = picture(generator) * 255
    quality, halved = fixed(2, 80, HALVED)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = jpeg_round_trip(pixels, quality, halved)
    assert torch.equal(under, jpeg_round_trip(pixels, quality, halved))


def test_mistakes_are_refused():
    with pytest.raises(MethodError, match="limits from 1 up"):
        Jpeg(quality=(90, 70))
    with pytest.raises(MethodError, match="'4:4:4', '4:2:0' or both"):
        Jpeg(subsampling=("4:1:1",))
