import pytest
import torch

from relume.color.transfer.power import power


@pytest.mark.parametrize("exponent", [-0.3, 0.1593017578125, 0.45, 2.4, 6.277])
def test_is_the_power_to_the_promised_digits(exponent):
    base = torch.logspace(-6, 2, 20001)
    exact = base.double() ** exponent
    units = (power(base, exponent).double() / exact - 1).abs() / torch.finfo(torch.float32).eps
    assert (units <= 1.5 * (1 + (exponent * base.double().log()).abs())).all()


def test_one_stays_one_and_zero_stays_zero():
    assert torch.equal(power(torch.tensor([0.0, 1.0]), 2.4), torch.tensor([0.0, 1.0]))
