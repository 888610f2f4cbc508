from collections.abc import Callable

import pytest
import torch

from relume.errors import ImageError, MethodError
from relume.metrics import mpsnr

PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "C_contrast", "C_noise",
    "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_equals_the_toolbox_and_the_definition(values: dict, pair_of: Callable, pair: str) -> None:
    prediction, reference = pair_of(pair)
    expected = values["pointwise_metrics"][pair]
    found = float(mpsnr(prediction, reference, scale="toolbox"))
    assert found == pytest.approx(expected["mPSNR_hdrtoolbox"], abs=1e-8)
    found = float(mpsnr(prediction, reference))
    assert found == pytest.approx(expected["derived_mPSNR_mean_over_exposures"], abs=1e-8)


@pytest.mark.parametrize("pair", ["A_noise", "B_blur", "C_noise", "D_banding", "E_exposure"])
def test_given_stops_equal_the_toolbox(values: dict, pair_of: Callable, pair: str) -> None:
    found = float(mpsnr(*pair_of(pair), stops=(-8, -2), scale="toolbox"))
    expected = values["pointwise_metrics"][pair]["mPSNR_hdrtoolbox_m8_m2"]
    assert found == pytest.approx(expected, abs=1e-8)


def test_worked_by_hand() -> None:
    """One exposure, c = 0: 0.25 becomes code 136, 0.3 code 148, so the error is 12 codes."""
    reference, prediction = torch.full((3, 2, 2), 0.25), torch.full((3, 2, 2), 0.3)
    expected = 20.0 * torch.tensor(255.0 / 12.0).log10()
    assert float(mpsnr(prediction, reference, stops=(0, 0))) == pytest.approx(float(expected), abs=1e-5)


def test_a_common_factor_of_two_changes_nothing(light: torch.Tensor) -> None:
    one, two = mpsnr(0.9 * light, light), mpsnr(1.8 * light, 2.0 * light)
    assert float(one) == pytest.approx(float(two), abs=1e-9)


def test_nothing_to_expose_is_said() -> None:
    black = torch.zeros(3, 4, 4)
    with pytest.raises(ImageError, match="both pictures are black"):
        mpsnr(black, black)
    with pytest.raises(ImageError, match="no exposure from -20 to -19 stops shows the reference"):
        mpsnr(torch.ones(3, 4, 4), torch.ones(3, 4, 4), stops=(-20, -19))


def test_unknown_scale_is_named() -> None:
    with pytest.raises(MethodError, match="no scale 'sum'; expected one of mean, toolbox"):
        mpsnr(torch.ones(3, 4, 4), torch.ones(3, 4, 4), scale="sum")
