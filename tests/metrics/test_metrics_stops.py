import numpy as np
import pytest
import torch

from relume.errors import ImageError
from relume.metrics import stops_rmse


def test_a_constant_factor_is_its_number_of_stops(light: torch.Tensor) -> None:
    assert float(stops_rmse(4.0 * light, light)) == pytest.approx(2.0, abs=1e-12)
    assert float(stops_rmse(light / 4.0, light)) == pytest.approx(2.0, abs=1e-12)


def test_only_the_masked_pixels_count() -> None:
    reference = torch.full((2, 3, 2, 2), 10.0, dtype=torch.float64)
    prediction = reference.clone()
    prediction[:, :, 0, 0] *= 8.0
    prediction[:, :, 0, 1] *= 2.0
    mask = torch.zeros(2, 2, 2, dtype=torch.bool)
    mask[0, 0] = True
    mask[1, 0, 1] = True
    found = stops_rmse(prediction, reference, mask=mask)
    np.testing.assert_allclose(found, [5.0**0.5, 1.0])
    np.testing.assert_allclose(stops_rmse(prediction, reference, mask=mask[0]), 2 * [5.0**0.5])
    array = [picture[0].permute(1, 2, 0).numpy() for picture in (prediction, reference)]
    assert float(stops_rmse(*array, mask=mask[0].numpy())) == pytest.approx(5.0**0.5)


def test_an_empty_mask_has_no_number(light: torch.Tensor) -> None:
    assert stops_rmse(light, light, mask=torch.zeros(180, 190, dtype=torch.bool)).isnan()


def test_black_counts_as_the_floor() -> None:
    reference = torch.full((3, 2, 2), 8.0)
    black = torch.zeros(3, 2, 2)
    assert float(stops_rmse(black, reference, floor=1.0)) == pytest.approx(3.0)


def test_equal_pictures_have_a_gradient_of_zero(light: torch.Tensor) -> None:
    prediction = light.clone().requires_grad_()
    stops_rmse(prediction, light).backward()
    assert prediction.grad is not None
    assert not prediction.grad.any()


def test_a_mask_of_another_size_is_refused(light: torch.Tensor) -> None:
    with pytest.raises(ImageError, match=r"the mask has \(4, 4\) pixels .* and the pictures \(180, 190\)"):
        stops_rmse(light, light, mask=torch.ones(4, 4, dtype=torch.bool))
