import numpy as np
import pytest
import torch
from scipy import stats

from relume.camera.white_balance import WhiteBalance, daylight_gains
from relume.color.primaries import BT709, rgb_to_xyz_matrix, white_to_xyz
from relume.errors import MethodError


def test_d65_changes_nothing():
    gains = daylight_gains(torch.tensor([6504.0], dtype=torch.float64))
    torch.testing.assert_close(gains, torch.ones_like(gains), rtol=0, atol=1e-12)


# Correlated colour temperature and chromaticity as published for D50, D55 and D75 (CIE 15, table T.3).
@pytest.mark.parametrize(
    ("kelvin", "x", "y"), [(5003.0, 0.34567, 0.35851), (5503.0, 0.33243, 0.34744), (7504.0, 0.29903, 0.31488)]
)
def test_gains_are_those_of_the_published_daylights(kelvin, x, y):
    to_rgb = np.linalg.inv(rgb_to_xyz_matrix(BT709))
    ratio = (to_rgb @ white_to_xyz((x, y))) / (to_rgb @ white_to_xyz((0.31272, 0.32903)))
    gains = daylight_gains(torch.tensor([kelvin], dtype=torch.float64))
    assert gains[0].tolist() == pytest.approx((ratio / ratio[1]).tolist(), abs=2e-3)


def test_gains_are_within_their_limits_with_green_fixed(generator):
    balance = WhiteBalance(temperature=(5000.0, 10000.0), tint=(0.0, 0.0))
    gains = balance.draw(torch.ones(2000, 3, 1, 1), generator)
    assert (gains[:, 1] == 1).all()
    ends = daylight_gains(torch.tensor([5000.0, 10000.0]))
    assert gains[:, 0].max() <= ends[0, 0] + 1e-6
    assert gains[:, 0].min() >= ends[1, 0] - 1e-6
    # Red falls with temperature: its rank is that of the mired, which is uniform.
    middle = daylight_gains(torch.tensor([1e6 / 150.0]))[0, 0]
    assert (gains[:, 0] > middle).float().mean() == pytest.approx(0.5, abs=0.04)


def test_tint_is_uniform_in_stops_and_moves_red_and_blue_alike(generator):
    balance = WhiteBalance(temperature=(6504.0, 6504.0), tint=(-0.2, 0.1))
    gains = balance.draw(torch.ones(2000, 3, 1, 1), generator)
    torch.testing.assert_close(gains[:, 0], gains[:, 2])
    assert stats.kstest(gains[:, 0].log2().numpy(), stats.uniform(-0.2, 0.3).cdf).pvalue > 1e-3


def test_the_cast_multiplies_each_channel():
    light = torch.rand(1, 3, 4, 4)
    cast = WhiteBalance().apply(light, torch.tensor([[2.0, 1.0, 0.5]]))
    assert torch.equal(cast[:, 0], light[:, 0] * 2)
    assert torch.equal(cast[:, 2], light[:, 2] * 0.5)


def test_temperatures_beyond_daylight_are_refused():
    with pytest.raises(MethodError, match="expected 4000 to 25000 kelvin"):
        WhiteBalance(temperature=(2800.0, 6500.0))
