import pytest
import torch

from relume.filters.trigonometric import (
    cosine_transform,
    frequencies,
    inverse_cosine_transform,
    sine_transform,
)

every_size = pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 10), (8, 5)])


def cosines(count):
    places = torch.arange(count, dtype=torch.float64) + 0.5
    return 2.0 * (frequencies(count, places)[:, None] * places).cos()


@every_size
def test_cosine_transform_is_its_definition(size, generator):
    image = torch.rand(2, *size, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(cosine_transform(image), cosines(size[0]) @ image @ cosines(size[1]).mT)
    torch.testing.assert_close(inverse_cosine_transform(cosine_transform(image)), image)


@every_size
def test_sine_transform_diagonalises_the_laplacian_between_zeros(size, generator):
    image = torch.rand(*size, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(sine_transform(sine_transform(image)), image)
    wide = torch.nn.functional.pad(image, (1, 1, 1, 1))
    laplacian = 4.0 * image - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]
    down, right = (2.0 - 2.0 * (torch.pi * torch.arange(1, n + 1) / (n + 1)).double().cos() for n in size)
    eigenvalues = down[:, None] + right
    torch.testing.assert_close(
        sine_transform(sine_transform(image) * eigenvalues), laplacian, atol=1e-6, rtol=0.0
    )
