import pytest
import torch

from relume.color.transfer import gamma


@pytest.mark.parametrize("exponent", [1.8, 2.2, 2.6, 2.8])
def test_is_the_power(exponent):
    values = torch.logspace(-7, 1, 20001, dtype=torch.float64)
    torch.testing.assert_close(gamma.eotf(values, exponent), values**exponent, rtol=1e-13, atol=0)
    torch.testing.assert_close(
        gamma.inverse_eotf(values, exponent), values ** (1 / exponent), rtol=1e-13, atol=0
    )


def test_straight_below_the_toe():
    light = torch.tensor([0.0, 2.5e-9, 5e-9, 1e-8], dtype=torch.float64)
    code = gamma.inverse_eotf(light, 2.0)
    torch.testing.assert_close(code, torch.tensor([0.0, 0.25e-4, 0.5e-4, 1e-4]).double(), rtol=1e-6, atol=0)
