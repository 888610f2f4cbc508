import pytest
import torch

from relume.color.transfer import srgb


def test_agrees_with_colour_science(colour):
    values = torch.linspace(-0.5, 1.5, 20001, dtype=torch.float64)
    magnitude = values.abs().numpy()
    light = torch.from_numpy(colour.models.eotf_sRGB(magnitude)).copysign(values)
    code = torch.from_numpy(colour.models.eotf_inverse_sRGB(magnitude)).copysign(values)
    torch.testing.assert_close(srgb.eotf(values), light, rtol=0, atol=1e-14)
    torch.testing.assert_close(srgb.inverse_eotf(values), code, rtol=0, atol=1e-14)


@pytest.mark.parametrize("code", [0.04044, 0.04045, 0.040451, 0.0405])
def test_agrees_at_the_joint(colour, code):
    light = colour.models.eotf_sRGB(code)
    assert srgb.eotf(torch.tensor(code).double()).item() == pytest.approx(light, abs=1e-8)
    # As printed, the two pieces end 3e-8 apart in code.
    assert srgb.inverse_eotf(torch.tensor(light).double()).item() == pytest.approx(code, abs=1e-7)


def test_the_codes_of_eight_and_sixteen_bits_survive_float32():
    for top in (255, 65535):
        code = torch.arange(top + 1) / top
        assert torch.equal((srgb.inverse_eotf(srgb.eotf(code)) * top).round(), torch.arange(top + 1).float())


def test_half_the_code_is_a_fifth_of_the_light():
    assert srgb.eotf(torch.tensor([0.5])).item() == pytest.approx(0.21404, abs=1e-5)
