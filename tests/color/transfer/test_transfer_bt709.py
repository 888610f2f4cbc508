import pytest
import torch

from relume.color.transfer import bt709


def test_agrees_with_colour_science(colour):
    exact = colour.models.rgb.transfer_functions.itur_bt_2020.CONSTANTS_BT2020_PRECISE
    values = torch.linspace(0, 1.5, 20001, dtype=torch.float64)
    code = torch.from_numpy(colour.models.oetf_BT2020(values.numpy(), constants=exact))
    light = torch.from_numpy(colour.models.oetf_inverse_BT2020(values.numpy(), constants=exact))
    torch.testing.assert_close(bt709.oetf(values), code, rtol=0, atol=1e-14)
    # colour-science joins its inverse where the rounded constants do, 2e-4 of code above the smooth joint.
    near_joint = (values - 4.5 * bt709.BETA).abs() < 3e-4
    torch.testing.assert_close(
        bt709.inverse_oetf(values)[~near_joint], light[~near_joint], rtol=0, atol=1e-14
    )
    torch.testing.assert_close(bt709.inverse_oetf(values)[near_joint], light[near_joint], rtol=0, atol=1e-7)


def test_agrees_with_the_rounded_constants_of_the_standard(colour):
    """1.099 and 0.018, as printed in BT.709, move no code by more than a tenth of an 8-bit step."""
    values = torch.linspace(0, 1, 20001, dtype=torch.float64)
    code = torch.from_numpy(colour.models.oetf_BT709(values.numpy()))
    torch.testing.assert_close(bt709.oetf(values), code, rtol=0, atol=3e-4)


def test_the_joint_is_smooth():
    at = torch.tensor([bt709.BETA - 1e-9, bt709.BETA + 1e-9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(bt709.oetf(at).sum(), at)
    torch.testing.assert_close(slope, torch.full_like(slope, 4.5), rtol=1e-6, atol=0)


def test_numbers_of_the_standard():
    assert bt709.oetf(torch.tensor([0.018])).item() == pytest.approx(0.081)
    assert bt709.oetf(torch.tensor([0.18])).item() == pytest.approx(0.409, abs=5e-4)
