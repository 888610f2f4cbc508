import pytest
import torch
from scipy.ndimage import uniform_filter

from relume.filters.box import largest_box_mean


@pytest.mark.parametrize("side", [1, 2, 5, 8, 40])
def test_agrees_with_scipy(side, generator):
    """Also where the window is larger than the image."""
    image = torch.rand(2, 1, 23, 31, generator=generator)
    expected = [uniform_filter(picture[0].double().numpy(), side, mode="constant").max() for picture in image]
    assert largest_box_mean(image, side).flatten().tolist() == pytest.approx(expected, rel=1e-6)


def test_keeps_shape_and_type():
    result = largest_box_mean(torch.ones(3, 1, 4, 5), 3)
    assert (result.shape, result.dtype) == ((3, 1, 1, 1), torch.float32)
