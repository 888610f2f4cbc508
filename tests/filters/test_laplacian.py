import pytest
import torch
from scipy.ndimage import correlate1d

from relume.filters.laplacian import coarser, collapse, finer, level_count

KERNEL = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]


def _binomial(image: torch.Tensor) -> torch.Tensor:
    array = image.numpy()
    for axis in (-2, -1):
        array = correlate1d(array, KERNEL, axis=axis, mode="reflect")  # with the edge, as scipy names it
    return torch.from_numpy(array)


@pytest.mark.parametrize("size", [(8, 8), (7, 11), (5, 2), (1, 6), (1, 1)])
def test_coarser_is_every_second_of_the_mean(size, generator):
    image = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(coarser(image), _binomial(image)[..., ::2, ::2])


@pytest.mark.parametrize("size", [(8, 8), (6, 10), (2, 2)])
def test_finer_is_the_mean_of_doubled(size, generator):
    image = torch.rand(2, 3, size[0] // 2, size[1] // 2, generator=generator, dtype=torch.float64)
    doubled = image.repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(finer(image, *size), _binomial(doubled))


@pytest.mark.parametrize("size", [(16, 16), (7, 11), (3, 2), (1, 6), (1, 1)])
def test_bands_make_the_picture_again(size, generator):
    image = torch.rand(1, 1, *size, generator=generator, dtype=torch.float64)
    levels, level = [], image
    for _ in range(level_count(*size) - 1):
        below = coarser(level)
        levels.append(level - finer(below, *level.shape[-2:]))
        level = below
    torch.testing.assert_close(collapse([*levels, level]), image)


def test_coarsest_has_one_or_two_pixels():
    for side in (1, 2, 3, 5, 96, 100, 128):
        length = side
        for _ in range(level_count(side, 1000) - 1):
            length = (length + 1) // 2
        assert 1 <= length <= 2
