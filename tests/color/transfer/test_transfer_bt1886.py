import pytest
import torch

from relume.color.transfer import bt1886
from relume.errors import EncodingError


@pytest.mark.parametrize(("peak", "black_level"), [(1.0, 0.0), (100.0, 0.0), (100.0, 0.1), (250.0, 0.02)])
def test_agrees_with_colour_science(colour, peak, black_level):
    signal = torch.linspace(0, 1.1, 20001, dtype=torch.float64)
    expected = torch.from_numpy(colour.models.eotf_BT1886(signal.numpy(), L_B=black_level, L_W=peak))
    light = bt1886.eotf(signal, peak=peak, black_level=black_level)
    torch.testing.assert_close(light, expected, rtol=0, atol=1e-12 * peak)
    back = bt1886.inverse_eotf(light[500:], peak=peak, black_level=black_level)
    torch.testing.assert_close(back, signal[500:], rtol=0, atol=1e-12)


def test_ends_are_black_level_and_peak():
    light = bt1886.eotf(torch.tensor([0.0, 1.0]), peak=100.0, black_level=0.1)
    torch.testing.assert_close(light, torch.tensor([0.1, 100.0]), rtol=1e-5, atol=0)


def test_odd_symmetry_about_zero_light():
    signal = torch.tensor([-0.5, 0.5])
    assert torch.equal(bt1886.eotf(-signal), -bt1886.eotf(signal))
    lift = 0.1 ** (1 / 2.4) / (100 ** (1 / 2.4) - 0.1 ** (1 / 2.4))
    light = bt1886.eotf(torch.tensor([-lift - 0.2, -lift + 0.2]), peak=100.0, black_level=0.1)
    assert light[0].item() == pytest.approx(-light[1].item(), rel=1e-5)


@pytest.mark.parametrize("black_level", [-0.1, 1.0, 2.0])
def test_refuses_a_black_level_that_is_not_below_the_peak(black_level):
    with pytest.raises(EncodingError, match="black level"):
        bt1886.eotf(torch.zeros(1), black_level=black_level)
