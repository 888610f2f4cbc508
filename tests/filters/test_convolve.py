import torch
from torch.nn import functional

from relume.filters.convolve import convolve


def test_is_the_direct_convolution(generator):
    image = torch.rand(2, 1, 9, 14, generator=generator, dtype=torch.float64)
    kernel = torch.rand(5, 7, generator=generator, dtype=torch.float64)
    padded = functional.pad(image, (3, 3, 2, 2), mode="replicate")
    expected = functional.conv2d(padded, kernel.flip(0, 1)[None, None])
    torch.testing.assert_close(convolve(image, kernel), expected)


def test_a_lamp_does_not_drown_the_shadows():
    image = torch.full((1, 1, 32, 32), 1e-3)
    image[..., 0, 0] = 1e6
    result = convolve(image, torch.full((3, 3), 1.0 / 9.0))
    torch.testing.assert_close(result[..., 8:, 8:], torch.full((1, 1, 24, 24), 1e-3))
