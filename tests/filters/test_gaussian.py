import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from relume.filters.gaussian import gaussian_blur, gaussian_radius, gaussian_weights


@pytest.mark.parametrize("sigma", [0.25, 0.64, 1.0, 2.5, 10.7])
def test_agrees_with_scipy(sigma, generator):
    """Also where the kernel is wider than the image."""
    image = torch.rand(2, 3, 23, 31, generator=generator, dtype=torch.float64)
    expected = gaussian_filter(
        image.numpy(), sigma, mode="nearest", radius=gaussian_radius(sigma), axes=(-2, -1)
    )
    np.testing.assert_allclose(gaussian_blur(image, sigma).numpy(), expected, rtol=1e-12)


def test_weights_by_hand():
    """σ such that each neighbour weighs half of the one before it but for the square: 1, 1/2, 1/16, 1/512."""
    sigma = 0.8493218002880191  # 1 / sqrt(2 ln 2)
    total = 1.0 + 2.0 * (1 / 2 + 1 / 16 + 1 / 512 + 1 / 65536)
    expected = [1 / total, 0.5 / total, 0.0625 / total, 1 / 512 / total, 1 / 65536 / total]
    assert gaussian_weights(sigma) == pytest.approx(expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 2)])
def test_a_constant_stays(size):
    image = torch.full((1, 1, *size), 0.7, dtype=torch.float64)
    torch.testing.assert_close(gaussian_blur(image, 3.0), image)


def test_tile_equals_the_whole_to_the_last_bit(generator):
    image = torch.rand(1, 1, 64, 80, generator=generator)
    radius = gaussian_radius(2.0)
    tile = gaussian_blur(image[..., 11 : 40 + radius, 9 : 51 + radius], 2.0)
    inner = tile[..., radius : radius + 40 - 11 - radius, radius : radius + 51 - 9 - radius]
    assert torch.equal(inner, gaussian_blur(image, 2.0)[..., 11 + radius : 40, 9 + radius : 51])


def test_gradients_are_derivatives(generator):
    image = torch.rand(1, 2, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda value: gaussian_blur(value, 0.8), (image,))
