import math

import pytest
import torch

from relume.operators.expand.masia2017 import Masia2017


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "n1000_noise_reg2_gr22", "eo_a"),
        ({}, 2.2, "n1000_noise_reg2_gr22", "eo_b"),
        ({"peak": 3000.0, "base_layer": False}, 1.0, "n3000_nonoise_reg2_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Masia2017(**parameters, domain="linear")(image).double()
    torch.testing.assert_close(result, toolbox_output("MasiaEO", f"{case}__{name}"), rtol=rtol, atol=0.0)


def test_the_exponent_is_the_regression_on_encoded_values():
    """A quarter of the pixels are white, three are at the dark end: the key is a quarter."""
    image = torch.full((1, 3, 8, 8), 0.25, dtype=torch.float64)
    image[..., :2, :] = 1.0
    code = 0.25 ** (1 / 2.2)
    expected = 2.4379 + 0.2319 * 0.75 * math.log(code) - 1.1228 * 0.25 + 0.0085 * 25.0
    assert float(Masia2017().measure(image)["exponent"]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_one_luminance_gets_exponent_one(value):
    result = Masia2017(peak=500.0)(torch.full((1, 3, 4, 4), value, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, 500.0 * value ** (1 / 2.2)))
