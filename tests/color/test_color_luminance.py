import numpy as np
import pytest
import torch

from relume.color.luminance import BT709_WEIGHTS, BT2020_WEIGHTS, luminance, luminance_weights
from relume.color.primaries import BT709, BT2020, PRIMARIES, rgb_to_xyz_matrix


def test_weights_of_the_standards():
    assert luminance_weights(BT709) == BT709_WEIGHTS == (0.2126, 0.7152, 0.0722)
    assert luminance_weights(BT2020) == BT2020_WEIGHTS == (0.2627, 0.6780, 0.0593)


@pytest.mark.parametrize("name", PRIMARIES)
def test_weights_are_the_y_of_the_primaries_and_sum_to_one(name):
    weights = luminance_weights(PRIMARIES[name])
    assert sum(weights) == pytest.approx(1.0, abs=1e-12)
    assert np.array(weights) == pytest.approx(rgb_to_xyz_matrix(PRIMARIES[name])[1], abs=5e-5)


def test_keeps_the_channel_axis_and_any_batch(generator):
    image = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    expected = (image * torch.tensor(BT709_WEIGHTS).double()[:, None, None]).sum(-3, keepdim=True)
    torch.testing.assert_close(luminance(image), expected, rtol=1e-7, atol=0)
    torch.testing.assert_close(luminance(image[0]), expected[0], rtol=1e-7, atol=0)
    assert luminance(torch.tensor([1.0, 2.0, -3.0])[:, None, None], weights=(1.0, 2.0, 0.5)).item() == 3.5


def test_the_input_is_left_alone(generator):
    image = torch.rand(3, 4, 5, generator=generator)
    before = image.clone()
    luminance(image)
    assert torch.equal(image, before)
