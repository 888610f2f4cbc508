import pytest
import torch
from torch.nn import functional

from relume.filters.poisson import solve_poisson_dirichlet, solve_poisson_neumann

every_size = pytest.mark.parametrize("size", [(1, 1), (1, 9), (12, 7)])


def laplacian(image, mode):
    wide = functional.pad(image, (1, 1, 1, 1), mode=mode)
    around = wide[..., 1:-1, 2:] + wide[..., 1:-1, :-2] + wide[..., 2:, 1:-1] + wide[..., :-2, 1:-1]
    return around - 4.0 * image


@every_size
def test_solves_with_free_borders(size, generator):
    image = torch.rand(2, 1, *size, generator=generator, dtype=torch.float64)
    expected = image - image.mean((-2, -1), keepdim=True)
    torch.testing.assert_close(solve_poisson_neumann(laplacian(image, "replicate")), expected)


@every_size
def test_solves_between_zeros(size, generator):
    image = torch.rand(2, 1, *size, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(solve_poisson_dirichlet(laplacian(image, "constant")), image)
