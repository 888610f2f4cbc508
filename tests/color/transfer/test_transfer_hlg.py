import math

import numpy as np
import pytest
import torch

from relume.color.transfer import hlg
from relume.errors import EncodingError

PEAKS = [100.0, 203.0, 400.0, 600.0, 1000.0, 2000.0, 4000.0]


@pytest.fixture
def picture(generator):
    """Colours of a wide gamut, dark and light, as scene light and as code."""
    return torch.rand(2, 3, 8, 16, generator=generator, dtype=torch.float64).pow(3) + 1e-6


def last(image):
    """Channels last, as colour-science wants them."""
    return image.movedim(-3, -1).numpy()


def first(array):
    return torch.from_numpy(array).movedim(-1, -3)


def test_oetf_agrees_with_colour_science(colour):
    values = torch.linspace(0, 1.2, 20001, dtype=torch.float64)
    with np.errstate(invalid="ignore"):  # it takes the logarithm of the square-root part as well
        code = torch.from_numpy(colour.models.oetf_BT2100_HLG(values.numpy()))
    torch.testing.assert_close(hlg.oetf(values), code, rtol=0, atol=1e-14)
    light = torch.from_numpy(colour.models.oetf_inverse_BT2100_HLG(values.numpy()))
    torch.testing.assert_close(hlg.inverse_oetf(values), light, rtol=1e-13, atol=0)


@pytest.mark.parametrize("peak", PEAKS)
def test_ootf_agrees_with_colour_science(colour, picture, peak):
    exponent = hlg.system_gamma(peak)
    expected = first(colour.models.ootf_BT2100_HLG(last(picture), L_W=peak, gamma=exponent)) / peak
    torch.testing.assert_close(hlg.ootf(picture, peak=peak), expected, rtol=1e-12, atol=0)
    expected = first(colour.models.ootf_inverse_BT2100_HLG(last(picture) * peak, L_W=peak, gamma=exponent))
    torch.testing.assert_close(hlg.inverse_ootf(picture, peak=peak), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("peak", PEAKS)
def test_eotf_agrees_with_colour_science(colour, picture, peak):
    exponent = hlg.system_gamma(peak)
    expected = first(colour.models.eotf_BT2100_HLG(last(picture), L_W=peak, gamma=exponent)) / peak
    torch.testing.assert_close(hlg.eotf(picture, peak=peak), expected, rtol=1e-12, atol=0)
    with np.errstate(invalid="ignore"):
        expected = first(
            colour.models.eotf_inverse_BT2100_HLG(last(picture) * peak, L_W=peak, gamma=exponent)
        )
    torch.testing.assert_close(hlg.inverse_eotf(picture, peak=peak), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("peak", [400.0, 700.0, 1000.0, 2000.0])
def test_system_gamma_within_the_range_of_the_standard(colour, peak):
    gamma = colour.models.rgb.transfer_functions.itur_bt_2100.gamma_function_BT2100_HLG(peak)
    assert hlg.system_gamma(peak) == pytest.approx(gamma)


@pytest.mark.parametrize(
    ("peak", "gamma"), [(250.0, 1.2 / 1.111**2), (125.0, 1.2 / 1.111**3), (4000.0, 1.2 * 1.111**2)]
)
def test_system_gamma_outside_is_the_extended_one(peak, gamma):
    assert hlg.system_gamma(peak) == pytest.approx(gamma)


def test_the_two_forms_of_the_system_gamma_nearly_meet():
    for inside, outside in ((400.0, 399.999), (2000.0, 2000.001)):
        assert hlg.system_gamma(inside) == pytest.approx(hlg.system_gamma(outside), abs=0.012)


@pytest.mark.parametrize("peak", [0.0, -1.0, math.inf, math.nan])
def test_refuses_a_peak_that_is_none(peak):
    with pytest.raises(EncodingError, match="peak of an HLG display"):
        hlg.system_gamma(peak)


@pytest.mark.parametrize(("code", "luminance"), [(0.75, 203.0), (0.38, 26.0), (0.5, 50.7), (1.0, 1000.0)])
def test_known_levels_on_a_display_of_1000(code, luminance):
    """75 % is diffuse white and 38 % the grey card in table 1 of BT.2408; half the code is (1/12)^1.2."""
    grey = torch.full((1, 3, 1, 1), code)
    assert (hlg.eotf(grey) * 1000).mean().item() == pytest.approx(luminance, rel=1e-2)


def test_half_the_code_is_a_twelfth_of_the_scene():
    assert hlg.inverse_oetf(torch.tensor([0.5], dtype=torch.float64)).item() == pytest.approx(
        1 / 12, rel=1e-15
    )
    assert hlg.oetf(torch.tensor([1 / 12], dtype=torch.float64)).item() == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("peak", PEAKS)
def test_round_trips_of_colours(picture, peak, dtype):
    light = picture.to(dtype)
    limit = 2e-6 if dtype is torch.float32 else 1e-12
    for there, back in ((hlg.ootf, hlg.inverse_ootf), (hlg.inverse_eotf, hlg.eotf)):
        torch.testing.assert_close(back(there(light, peak=peak), peak=peak), light, rtol=limit, atol=0)


@pytest.mark.parametrize("peak", PEAKS)
def test_near_black(peak):
    """The OOTF and its inverse stay inverse to each other where luminance to a power would not."""
    light = torch.tensor([0.0, 1e-15, 1e-12, 1e-9, 1e-8, 2e-8, 1e-6], dtype=torch.float64).expand(3, 1, -1)
    torch.testing.assert_close(
        hlg.inverse_ootf(hlg.ootf(light, peak=peak), peak=peak), light, rtol=1e-12, atol=0
    )
    torch.testing.assert_close(
        hlg.ootf(hlg.inverse_ootf(light, peak=peak), peak=peak), light, rtol=1e-12, atol=0
    )
    at = light.float().contiguous().requires_grad_()
    for curve in (hlg.ootf, hlg.inverse_ootf, hlg.eotf, hlg.inverse_eotf):
        (slope,) = torch.autograd.grad(curve(at, peak=peak).sum(), at)
        assert slope.isfinite().all()


def test_the_ootf_keeps_colours_and_raises_luminance():
    scene = torch.tensor([0.4, 0.2, 0.1], dtype=torch.float64)[:, None, None]
    display = hlg.ootf(scene)
    luminance = 0.2627 * 0.4 + 0.6780 * 0.2 + 0.0593 * 0.1
    torch.testing.assert_close(display / scene, torch.full_like(scene, luminance**0.2))


def test_weights_of_other_primaries():
    scene = torch.tensor([0.4, 0.2, 0.1], dtype=torch.float64)[:, None, None]
    weights = (0.5, 0.25, 0.25)
    torch.testing.assert_close(hlg.ootf(scene, weights=weights) / scene, torch.full_like(scene, 0.275**0.2))
    torch.testing.assert_close(hlg.inverse_eotf(hlg.eotf(scene, weights=weights), weights=weights), scene)


def test_negative_light_is_black():
    light = torch.tensor([-0.1, 0.2, 0.3])[:, None, None]
    code = hlg.inverse_eotf(light)
    assert code[0] == 0
    assert torch.equal(code, hlg.inverse_eotf(light.clamp(min=0)))
    for curve in (hlg.oetf, hlg.inverse_oetf):
        assert torch.equal(curve(torch.tensor([-1.0, -0.1, -1e-9])), torch.zeros(3))
