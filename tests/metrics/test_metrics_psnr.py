from collections.abc import Callable

import pytest
import torch

from relume.color.transfer import pq
from relume.errors import MethodError
from relume.metrics import psnr_linear, psnr_log, psnr_mu, psnr_pq

PAIRS = ("A_clip95", "A_noise", "B_blur", "B_colour", "C_contrast", "D_banding", "E_highlight")


@pytest.mark.parametrize("pair", PAIRS)
def test_linear_and_log_equal_the_programs(values: dict, pair_of: Callable, pair: str) -> None:
    prediction, reference = pair_of(pair)
    expected = values["pointwise_metrics"][pair]
    assert float(psnr_linear(prediction, reference)) == pytest.approx(expected["PSNR_lin_maxref"], abs=1e-8)
    found = psnr_linear(prediction, reference, peak=4000.0)
    assert float(found) == pytest.approx(expected["PSNR_lin_max4000"], abs=1e-8)
    assert float(psnr_log(prediction, reference)) == pytest.approx(expected["logPSNR_RGB"], abs=1e-8)


def test_pq_worked_by_hand() -> None:
    hundred, fifty = torch.full((3, 2, 2), 100.0), torch.full((3, 2, 2), 50.0)
    codes = pq.inverse_eotf(torch.tensor([50.0, 100.0], dtype=torch.float64))
    expected = -20.0 * (codes[1] - codes[0]).log10()
    assert float(psnr_pq(fifty.double(), hundred.double())) == pytest.approx(float(expected), abs=1e-9)


def test_mu_worked_by_hand() -> None:
    """The reference reaches 10, the prediction a tenth of it: x = 0.1 where the reference is 1."""
    ten, one = torch.full((3, 2, 2), 10.0, dtype=torch.float64), torch.ones(3, 2, 2, dtype=torch.float64)
    difference = 1.0 - torch.tensor(501.0).double().log() / torch.tensor(5001.0).double().log()
    assert float(psnr_mu(one, ten)) == pytest.approx(float(-20.0 * difference.log10()), abs=1e-9)


def test_white_is_the_maximum_of_each_reference(light: torch.Tensor) -> None:
    batch = torch.stack((light, 3.0 * light))
    found = psnr_mu(0.9 * batch, batch)
    torch.testing.assert_close(found[0], found[1])
    assert float(psnr_mu(0.9 * light, light, white=2.0 * float(light.max()))) != float(found[0])


def test_light_above_white_is_cut_by_the_mu_law(light: torch.Tensor) -> None:
    assert psnr_mu(torch.where(light == light.max(), 10.0 * light, light), light) == float("inf")


def test_black_reference_does_not_divide_by_zero() -> None:
    black = torch.zeros(3, 2, 2)
    assert float(psnr_mu(torch.ones(3, 2, 2), black)) == 0.0


@pytest.mark.parametrize("white", [0.0, -1.0, float("nan")])
def test_white_must_be_positive(white: float) -> None:
    with pytest.raises(MethodError, match="expected a positive number"):
        psnr_mu(torch.ones(3, 2, 2), torch.ones(3, 2, 2), white=white)
