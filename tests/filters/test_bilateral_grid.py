"""The bilateral grid, against the sum it stands for; tests/operators/expand compare it with the toolbox."""

import itertools
import math

import numpy as np
import pytest
import torch

from relume.filters import bilateral_grid as module
from relume.filters.bilateral_grid import bilateral_grid


def _by_hand(image: np.ndarray, guide: np.ndarray, size: float, range_size: float) -> np.ndarray:
    """Cells in a dictionary: each pixel into its nearest, blurred and read with the weights written out."""
    weights = {-1: math.exp(-0.5), 0: 1.0, 1: math.exp(-0.5)}
    sums: dict[tuple[int, ...], np.ndarray] = {}
    for (y, x), value in np.ndenumerate(image):
        cell = tuple(math.floor(p + 0.5) for p in (y / size, x / size, guide[y, x] / range_size))
        for step in itertools.product(weights, repeat=3):
            near = tuple(c + s for c, s in zip(cell, step, strict=True))
            weight = math.prod(weights[s] for s in step)
            sums[near] = sums.get(near, np.zeros(2)) + weight * np.array([value, 1.0])
    result = np.zeros_like(image)
    for y, x in np.ndindex(image.shape):
        place = (y / size, x / size, guide[y, x] / range_size)
        for corner in itertools.product(*((math.floor(p), math.floor(p) + 1) for p in place)):
            weight = math.prod(1.0 - abs(p - c) for p, c in zip(place, corner, strict=True))
            if weight > 0.0:
                result[y, x] += weight * sums[corner][0] / sums[corner][1]
    return result


@pytest.mark.parametrize("bands", [1, 1 << 23], ids=["in bands", "at once"])
@pytest.mark.parametrize(
    ("size", "cell", "layer"), [((37, 23), 3.0, 0.1), ((9, 21), 1.6, 0.3), ((5, 4), 150.0, 0.01)]
)
def test_agrees_with_the_sum_by_hand(size, cell, layer, bands, monkeypatch, generator):
    """Also where strips of a few rows and bands of cells cut the picture."""
    monkeypatch.setattr(module, "_STRIP_PIXELS", 70)
    monkeypatch.setattr(module, "_BAND_CELLS", bands)
    image = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    guide = torch.rand(2, 1, *size, generator=generator, dtype=torch.float64)
    result = bilateral_grid(image, sigma_space=cell, sigma_range=layer, guide=guide)
    for picture, channel in itertools.product(range(2), range(3)):
        expected = _by_hand(image[picture, channel].numpy(), guide[picture, 0].numpy(), cell, layer)
        np.testing.assert_allclose(result[picture, channel].numpy(), expected, rtol=1e-12)


def test_a_constant_stays():
    image = torch.full((1, 1, 13, 17), 0.7, dtype=torch.float64)
    torch.testing.assert_close(bilateral_grid(image, sigma_space=4.0, sigma_range=0.1), image)


def test_keeps_an_edge_and_smooths_beside_it(generator):
    step = (torch.arange(64) >= 32).double().expand(1, 1, 48, 64)
    noisy = 0.25 + 0.5 * step + 0.02 * torch.randn(step.shape, generator=generator, dtype=torch.float64)
    result = bilateral_grid(noisy, sigma_space=8.0, sigma_range=0.1)
    assert float((result - 0.25 - 0.5 * step).abs().max()) < 0.02
    assert float((result - 0.25 - 0.5 * step).std()) < 0.25 * float((noisy - 0.25 - 0.5 * step).std())


def test_each_picture_may_have_its_own_range(generator):
    image = torch.rand(2, 1, 12, 16, generator=generator, dtype=torch.float64)
    image[1] = 5.0 * image[1] - 3.0
    low, high = image.amin((-2, -1), keepdim=True), image.amax((-2, -1), keepdim=True)
    together = bilateral_grid(image, sigma_space=3.0, sigma_range=0.2, low=low, high=high)
    alone = [
        bilateral_grid(
            image[i : i + 1], sigma_space=3.0, sigma_range=0.2, low=float(low[i]), high=float(high[i])
        )
        for i in range(2)
    ]
    torch.testing.assert_close(together, torch.cat(alone))


def test_what_is_outside_the_range_counts_as_its_end():
    guide = torch.tensor([-4.0, 0.0, 1.0, 90.0], dtype=torch.float64).expand(1, 1, 4, 4)
    image = torch.tensor([1.0, 3.0, 10.0, 20.0], dtype=torch.float64).expand(1, 1, 4, 4)
    result = bilateral_grid(image, sigma_space=50.0, sigma_range=0.1, guide=guide)
    torch.testing.assert_close(result[0, 0, 0], torch.tensor([2.0, 2.0, 15.0, 15.0], dtype=torch.float64))


@pytest.mark.parametrize("crossed", [False, True])
def test_gradients_are_derivatives(crossed):
    """Away from where a pixel changes its cell."""
    image = torch.tensor([[0.12, 0.47, 0.33], [0.91, 0.58, 0.66]], dtype=torch.float64).view(1, 1, 2, 3)
    guide = image.flip(-1).clone().requires_grad_() if crossed else None
    inputs = [image.requires_grad_()] + ([guide] if guide is not None else [])

    def function(image, guide=None):
        return bilateral_grid(image, sigma_space=1.4, sigma_range=0.2, guide=guide)

    assert torch.autograd.gradcheck(function, inputs)
