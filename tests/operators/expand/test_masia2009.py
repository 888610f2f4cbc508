import pytest
import torch

from relume.operators.expand.masia2009 import Masia2009, key_of


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-4), (torch.float64, 2e-7)])
@pytest.mark.parametrize("name", ["eo_a", "eo_b"])
def test_agrees_with_the_toolbox(name, dtype, rtol, toolbox_input, toolbox_output):
    """The exponent on eo_a is far below zero: in float32 its power loses two digits."""
    image = toolbox_input(name).pow(2.2).to(dtype)
    result = Masia2009(domain="linear")(image).double()
    expected = toolbox_output("MasiaEO", f"n1000_noise_reg1_gr22__{name}")
    torch.testing.assert_close(result, expected, rtol=rtol, atol=0.0)


def test_the_exponent_follows_the_key_of_encoded_values():
    """Half black-ish, half white: the log mean lies in the middle, so key 0.5."""
    image = torch.cat([torch.full((1, 3, 8, 8), value, dtype=torch.float64) for value in (0.01, 1.0)], dim=-1)
    statistics = Masia2009(base_layer=False).measure(image)
    assert float(statistics["exponent"]) == pytest.approx(10.44 * 0.5 - 6.282, abs=1e-3)


@pytest.mark.parametrize(("domain", "expected"), [("encoded", 0.25 ** (1 / 2.2)), ("linear", 0.25)])
def test_the_curve_works_on_the_domain(domain, expected):
    """One luminance has no key: γ is 1, and the curve is the peak times the values of the domain."""
    image = torch.full((1, 3, 4, 4), 0.25, dtype=torch.float64)
    result = Masia2009(domain=domain, peak=500.0)(image)
    torch.testing.assert_close(result, torch.full_like(result, 500.0 * expected))


def test_colours_keep_their_linear_ratios(generator):
    image = torch.rand(1, 3, 6, 7, generator=generator, dtype=torch.float64) + 0.1
    ratio = Masia2009()(image) / image
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))


def test_a_dark_picture_becomes_its_negative_unless_it_is_told_not_to():
    """Nine tenths between a thousandth and a hundredth, the rest white."""
    light = torch.cat([torch.logspace(-3, -2, 58), torch.ones(6)]).double().expand(1, 3, 8, 64)
    assert float(Masia2009(base_layer=False)(light)[..., 0].mean()) > 1e4
    limited = Masia2009(base_layer=False, least_gamma=1.0)(light)
    assert float(limited[..., -1].mean()) == pytest.approx(1000.0)
    assert bool((limited.diff(dim=-1) >= 0.0).all())


def test_the_base_layer_keeps_the_contrast_of_noise(generator):
    """Grey with noise: without the layer the exponent multiplies the noise, with it the noise stays."""
    noise = 1.0 + 0.002 * torch.randn(1, 1, 64, 96, generator=generator, dtype=torch.float64)
    image = (0.5 * noise).expand(1, 3, 64, 96).clone()
    image[..., :8] = 0.9
    image[..., -2:] = 0.02
    parameters = {"domain": "linear", "least_gamma": 3.0}
    inside = (..., slice(40, 60))

    def contrast(result):
        return float((result[inside] / result[inside].mean()).std())

    plain, layered = (contrast(Masia2009(**parameters, base_layer=layer)(image)) for layer in (False, True))
    assert plain == pytest.approx(3.0 * 0.002, rel=0.1)
    assert layered < 0.5 * plain


def test_key_leaves_black_out_of_the_ends():
    light = torch.tensor([0.0, 0.0, 0.1, 1.0], dtype=torch.float64).view(1, 1, 1, 4)
    key, known = key_of(light)
    mean = torch.tensor([1e-6, 1e-6, 0.1, 1.0]).double().log().mean()
    assert bool(known)
    assert float(key) == pytest.approx(
        float((mean - torch.tensor(0.1).log()) / -torch.tensor(0.1).log()), rel=1e-4
    )
