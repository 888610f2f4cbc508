import math

import pytest
import torch
from torch.nn import functional

from relume.color.luminance import luminance
from relume.filters.gradient_fit import Edges
from relume.operators.tonemap.mantiuk2006 import (
    Mantiuk2006,
    importance,
    inverse_transducer,
    log_luminance,
    remap_contrasts,
    response_distribution,
    stretch,
    transducer,
)

GREY = torch.tensor([1.0, 1.0, 1.0]).view(1, 3, 1, 1)


def relief(height, width, generator, dtype=torch.float64):
    """Log10 luminance of fields four decades apart with a grain of a few per cent."""
    coarse = torch.rand(-(-height // 8), -(-width // 8), generator=generator, dtype=dtype)
    fields = coarse.repeat_interleave(8, 0).repeat_interleave(8, 1)[:height, :width]
    return 4.0 * fields + 0.02 * torch.randn(height, width, generator=generator, dtype=dtype)


def picture(logarithm):
    """A grey picture of that log10 luminance."""
    return (10.0**logarithm * GREY).to(logarithm.dtype)


def misfit(image, logarithm, remap):
    """The objective of the paper's section 5 by its definition, levels down to three pixels."""
    total = image.new_zeros(())
    while True:
        right, down = logarithm.diff(dim=1), logarithm.diff(dim=0)
        goals = remap(Edges(functional.pad(right, (0, 1)), functional.pad(down, (0, 0, 0, 1))))
        for found, goal in ((image.diff(dim=1), goals.right[:, :-1]), (image.diff(dim=0), goals.down[:-1])):
            threshold = 0.038737 * goal.abs().clamp(min=1e-3) ** 0.537756
            total = total + ((found - goal).square() / threshold).sum()
        if min(image.shape) // 2 < 3:
            return total
        image, logarithm = (
            functional.avg_pool2d(values[None], 2, ceil_mode=True, count_include_pad=False)[0]
            for values in (image, logarithm)
        )


def direct_solution(logarithm, remap):
    """The minimum of mean 0, from the Hessian of the objective by automatic differentiation, in float64."""
    zero = torch.zeros_like(logarithm)
    hessian = torch.autograd.functional.hessian(lambda x: misfit(x, logarithm, remap), zero)
    slope = torch.autograd.functional.jacobian(lambda x: misfit(x, logarithm, remap), zero)
    inverse = torch.linalg.pinv(hessian.view(zero.numel(), -1), rtol=1e-10, hermitian=True)
    return -(inverse @ slope.flatten()).view_as(zero)


def test_transducer_is_one_at_the_detection_threshold():
    contrast = torch.tensor([0.0, math.log10(1.01)], dtype=torch.float64)
    assert transducer(contrast).tolist() == pytest.approx([0.0, 1.0])


def test_transducer_is_the_integral_of_the_inverse_threshold():
    contrast = torch.logspace(-4, 0.7, 200, dtype=torch.float64)
    step = 1e-5 * contrast
    slope = (transducer(contrast + step) - transducer(contrast - step)) / (2.0 * step)
    threshold = torch.maximum(0.038737 * contrast**0.537756, torch.tensor(math.log10(1.01)))
    assert torch.allclose(slope * threshold, torch.ones_like(slope), rtol=0.0, atol=2e-5)


def test_transducer_is_near_the_table_of_the_implementations():
    """Its 106 steps of just noticeable difference end at W = 1.05e4, the ratio of luminances less one."""
    end = transducer(torch.tensor([math.log10(1.05e4 + 1.0)], dtype=torch.float64))
    assert float(end) == pytest.approx(106.0, rel=0.05)


def test_inverse_transducer_returns_the_contrast():
    contrast = torch.cat([torch.zeros(1), torch.logspace(-5, 1, 300)]).double()
    assert torch.allclose(inverse_transducer(transducer(contrast)), contrast, rtol=1e-12, atol=0.0)


def test_importance_is_the_inverse_threshold_of_either_sign():
    contrast = torch.tensor([0.0, 1e-3, -1.0, 1.0], dtype=torch.float64)
    least = 1.0 / (0.038737 * 1e-3**0.537756)
    assert importance(contrast).tolist() == pytest.approx([least, least, 1.0 / 0.038737, 1.0 / 0.038737])


@pytest.mark.parametrize("mode", ["mapping", "equalization"])
@pytest.mark.parametrize("size", [(12, 12), (11, 17)])
def test_is_within_a_thousandth_of_the_direct_solution(mode, size, generator):
    logarithm = relief(*size, generator)
    method = Mantiuk2006(mode=mode)
    remap = method._mapping if mode == "mapping" else method._equalization(logarithm)
    expected = direct_solution(logarithm, remap)
    for dtype in (torch.float32, torch.float64):
        found = remap_contrasts(logarithm.to(dtype, copy=True), remap).double()
        assert float((found - expected).abs().max()) < 1e-3 * float(expected.max() - expected.min())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_factor_1_returns_the_log_luminance(dtype, generator):
    logarithm = relief(45, 70, generator, dtype)
    found = remap_contrasts(logarithm.clone(), Mantiuk2006(factor=1.0)._mapping)
    assert torch.allclose(found, logarithm - logarithm.mean(), rtol=0.0, atol=1e-5)


def test_lower_factors_favour_detail_over_large_contrasts(generator):
    logarithm = 0.01 * torch.randn(32, 64, generator=generator)
    logarithm[:, 32:] += 3.0
    shares = []
    for factor in (1.0, 0.3, 0.1):
        found = remap_contrasts(logarithm.clone(), Mantiuk2006(factor=factor)._mapping)
        step = found[:, 33:].mean() - found[:, :31].mean()
        shares.append(float(found[:, :31].diff(dim=1).std() / step))
    assert shares[1] > 2.0 * shares[0]
    assert shares[2] > 2.0 * shares[1]


def test_distribution_is_the_share_of_weaker_responses(generator):
    logarithm = relief(40, 56, generator)
    strengths = []
    level = logarithm
    while min(level.shape) >= 3:
        right = functional.pad(transducer(level.diff(dim=1).abs()), (0, 1))
        down = functional.pad(transducer(level.diff(dim=0).abs()), (0, 0, 0, 1))
        strengths.append(torch.hypot(right, down).flatten())
        level = functional.avg_pool2d(level[None], 2, ceil_mode=True, count_include_pad=False)[0]
    strength = torch.cat(strengths)
    shares = response_distribution(logarithm)(strength)
    ranks = strength.argsort().argsort() / len(strength)
    assert float((shares - ranks).abs().max()) < 5e-3
    assert float(response_distribution(logarithm)(torch.zeros(1, dtype=torch.float64))) == 0.0


def test_distribution_is_linear_within_a_bin(generator):
    """Contrasts so weak that all of them fall into the first bin."""
    shares = response_distribution(1e-6 * torch.rand(9, 9, generator=generator, dtype=torch.float64))
    assert shares(torch.tensor([0.25, 0.5, 1.0]) / 32.0).tolist() == pytest.approx([0.25, 0.5, 1.0])


def test_equalization_gives_a_contrast_its_rank_and_keeps_its_direction(generator):
    logarithm = relief(24, 24, generator)
    contrasts = Edges(*torch.tensor([[[-0.3, 0.1]], [[0.4, 0.0]]], dtype=torch.float64))
    found = Mantiuk2006(mode="equalization", factor=0.5)._equalization(logarithm)(contrasts)
    before, after = ([transducer(part.abs()) * part.sign() for part in edges] for edges in (contrasts, found))
    rank = response_distribution(logarithm)(torch.hypot(*before))
    assert torch.allclose(torch.hypot(*after), 53.0 * rank)
    assert torch.allclose(after[0] * before[1], after[1] * before[0])
    assert torch.equal(found.right.sign(), contrasts.right.sign())


@pytest.mark.parametrize("mode", ["mapping", "equalization"])
def test_order_along_a_ramp_stays(mode):
    ramp = torch.linspace(0.0, 5.0, 60, dtype=torch.float64).square().expand(20, 60) / 5.0
    result = luminance(Mantiuk2006(mode=mode)(picture(ramp)))
    assert (result.diff(dim=-1)[..., 1:-1] > 0).all()


def test_result_spans_two_decades_and_a_third_below_white(generator):
    result = luminance(Mantiuk2006()(picture(relief(100, 120, generator)))).flatten().log10()
    assert (float(result.min()), float(result.max())) == pytest.approx((-2.3, 0.0), abs=1e-6)
    assert 0.0005 < float((result > -1e-6).double().mean()) < 0.0015
    assert 0.0005 < float((result < -2.3 + 1e-6).double().mean()) < 0.0015


def test_stretch_leaves_an_even_picture_in_the_middle():
    assert torch.allclose(stretch(torch.full((1, 1, 5, 5), 3.0)), torch.tensor(-1.15))


def test_log_luminance_is_relative_to_the_maximum_and_ends_at_seven_decades():
    light = torch.tensor([0.0, 1e-9, 1e-3, 2.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    assert log_luminance(light).flatten().tolist() == pytest.approx([-7.0, -7.0, math.log10(5e-4), 0.0])


@pytest.mark.parametrize(("saturation", "expected"), [(1.0, 4.0), (0.5, 2.0), (0.0, 1.0)])
def test_saturation_is_the_exponent_of_the_ratios(saturation, expected, generator):
    image = picture(relief(16, 16, generator)) * torch.tensor([1.0, 1.0, 0.25]).view(1, 3, 1, 1)
    red, _, blue = Mantiuk2006(saturation=saturation)(image).unbind(1)
    assert torch.allclose(red / blue, torch.full_like(red, expected))


@pytest.mark.parametrize("mode", ["mapping", "equalization"])
def test_exposure_does_not_matter(mode, generator):
    image = picture(relief(24, 30, generator))
    method = Mantiuk2006(mode=mode)
    assert torch.allclose(method(1000.0 * image), method(image), rtol=1e-3)


def test_black_is_black_and_one_bright_pixel_is_white():
    image = torch.zeros(1, 3, 40, 50)
    assert torch.equal(Mantiuk2006()(image), image)
    image[..., 11, 7] = 50.0
    result = Mantiuk2006()(image)
    assert result[..., 11, 7].flatten().tolist() == pytest.approx([1.0] * 3, rel=1e-5)
    assert float(result.sum()) == pytest.approx(3.0, rel=1e-5)


def test_gives_the_same_twice(generator):
    image = picture(relief(50, 61, generator, torch.float32))
    assert torch.equal(Mantiuk2006()(image), Mantiuk2006()(image))
