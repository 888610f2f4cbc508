import math

import pytest
import torch

from relume.errors import ImageError
from relume.evaluation.clipped import stops_rmse_clipped


def test_only_pixels_with_a_channel_above_white_count() -> None:
    reference = torch.full((3, 2, 2), 100.0)
    reference[:, 0, 0] = 812.0
    reference[0, 0, 1] = 203.0
    prediction = reference.clone()
    prediction[:, 0, 0] /= 4.0
    prediction[:, 1, :] *= 8.0
    # Two pixels count: one is two stops too dark, the other right; the lower two are not looked at.
    assert float(stops_rmse_clipped(prediction, reference)) == pytest.approx(math.sqrt(4.0 / 2.0))


def test_a_reference_without_light_above_white_is_told() -> None:
    dim = torch.full((3, 2, 2), 202.0)
    with pytest.raises(ImageError, match="no light of the reference reaches 203"):
        stops_rmse_clipped(dim, dim)
