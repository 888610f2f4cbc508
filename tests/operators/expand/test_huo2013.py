import pytest
import torch

from relume.operators.expand.huo2013 import Huo2013


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "s16_t1em5_gr22", "eo_a"),
        ({}, 2.2, "s16_t1em5_gr22", "eo_b"),
        ({"s": 1.2, "theta": 1e-3}, 1.0, "s12_t1em3_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Huo2013(**parameters)(image).double()
    torch.testing.assert_close(result, toolbox_output("HuoEO", f"{case}__{name}"), rtol=rtol, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_white_is_set_by_theta_in_either_precision(dtype):
    result = Huo2013(s=1.0, theta=1e-5)(torch.ones(1, 3, 4, 4, dtype=dtype))
    assert float(result.mean()) == pytest.approx(1e4, rel=1e-6)


def test_grey_is_the_inverse_of_reinhards_curve():
    """An even area is its own surround: 10^-s · L / (mean · (1 - L))."""
    result = Huo2013(s=0.0, theta=1e-9)(torch.full((1, 3, 9, 9), 0.75, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, 1.0 / 0.25))
