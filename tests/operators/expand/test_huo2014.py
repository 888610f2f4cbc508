import pytest
import torch

from relume.operators.expand.huo2014 import Huo2014


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "n1000_086_gr22", "eo_a"),
        ({}, 2.2, "n1000_086_gr22", "eo_b"),
        ({"peak": 3000.0, "n": 0.7}, 1.0, "n3000_070_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Huo2014(**parameters)(image).double()
    torch.testing.assert_close(result, toolbox_output("HuoPhysEO", f"{case}__{name}"), rtol=rtol, atol=0.0)


def test_an_even_picture_by_hand():
    """Surround and half-saturation are both peak · L: the sum of two equal powers, L over L_max is 1."""
    result = Huo2014(peak=1000.0, n=0.5)(torch.full((1, 3, 8, 8), 0.2, dtype=torch.float64))
    torch.testing.assert_close(
        result, torch.full_like(result, 1000.0 * 0.2 * 2.0 ** (1 / 0.5)), rtol=1e-5, atol=0
    )


def test_black_stays_black():
    assert float(Huo2014()(torch.zeros(1, 3, 8, 8)).abs().max()) == 0.0
