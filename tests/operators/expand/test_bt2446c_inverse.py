import math

import pytest
import torch

from relume.operators.expand.bt2446c_inverse import Bt2446cInverse, expand
from relume.operators.tonemap.bt2446c import Bt2446c, compress


@pytest.mark.parametrize(
    ("sdr", "hdr"), [(50.0, 50.0 / 0.83802), (100.0, 332.6), (90.65, 203.0), (118.38, 1000.0)]
)
def test_luminances_of_the_report(sdr, hdr):
    assert float(expand(torch.tensor([sdr], dtype=torch.float64))) == pytest.approx(hdr, rel=1e-3)


def test_above_the_knee_by_hand():
    """With the constants as printed."""
    expected = 69.85 * (math.exp((80.0 - 78.99439) / 15.09968) + 0.74204)
    assert float(expand(torch.tensor([80.0], dtype=torch.float64))) == pytest.approx(expected, rel=1e-4)


def test_is_the_inverse_of_the_curve():
    hdr = torch.linspace(0.0, 2000.0, 999, dtype=torch.float64)
    torch.testing.assert_close(expand(compress(hdr)), hdr, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("crosstalk", [0.0, 0.04, 0.2])
def test_back_and_forth_with_colours(crosstalk, generator):
    hdr = 900.0 * torch.rand(1, 3, 8, 9, generator=generator, dtype=torch.float64)
    sdr = Bt2446c(crosstalk=crosstalk)(hdr)
    torch.testing.assert_close(Bt2446cInverse(crosstalk=crosstalk)(sdr), hdr, rtol=1e-9, atol=1e-9)


def test_crosstalk_draws_colours_together_while_luminance_is_mapped():
    """The luminance of a mixed colour is another, so the gain is too."""
    image = torch.tensor([1.0, 0.9, 0.1], dtype=torch.float64).view(1, 3, 1, 1)
    plain, mixed = (Bt2446cInverse(crosstalk=share)(image) for share in (0.0, 0.3))
    assert float((plain - mixed).abs().max()) > 1.0
