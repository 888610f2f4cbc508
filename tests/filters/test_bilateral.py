import math

import torch

from relume.filters.bilateral import bilateral


def test_is_its_definition_at_one_pixel(generator):
    image = torch.rand(1, 2, 11, 12, generator=generator, dtype=torch.float64)
    found = bilateral(image, sigma_space=1.0, sigma_range=0.3)[0, :, 5, 6]
    total, weights = torch.zeros(2, dtype=torch.float64), 0.0
    for y in range(-3, 4):
        for x in range(-3, 4):
            near = image[0, :, 5 + y, 6 + x]
            difference = float((near - image[0, :, 5, 6]).square().sum())
            weight = math.exp(-(x * x + y * y) / 2.0 - difference / (2.0 * 0.09))
            total, weights = total + weight * near, weights + weight
    torch.testing.assert_close(found, total / weights)


def test_keeps_edges_and_removes_grain(generator):
    step = (torch.arange(40) >= 20).double().expand(1, 1, 30, 40)
    grain = 0.02 * torch.randn(step.shape, generator=generator, dtype=torch.float64)
    smooth = bilateral(step + grain, sigma_space=3.0, sigma_range=0.2) - step
    assert float(smooth.abs().max()) < 0.03
    assert float(smooth.std()) < 0.3 * float(grain.std())
