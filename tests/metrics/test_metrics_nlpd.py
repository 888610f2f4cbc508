import numpy as np
import pytest
import torch
from scipy import ndimage

from relume.errors import ImageError
from relume.metrics import nlpd
from relume.metrics.nlpd import normalised_pyramid

_TAPS = np.array([0.05, 0.25, 0.4, 0.25, 0.05])
_POOL = np.full((5, 5), 0.04)
_POOL[[0, 2, 2, 2, 4], [2, 0, 2, 4, 2]] = 0.05
_POOL[[1, 1, 3, 3], [1, 3, 1, 3]] = 0.03


def _by_scipy(luminance: np.ndarray) -> list[np.ndarray]:
    rest, levels = luminance ** (1 / 2.6), []
    for _ in range(5):
        blurred = rest
        for axis in (0, 1):
            blurred = ndimage.correlate1d(blurred, _TAPS, axis=axis, mode="reflect")
        coarser = blurred[::2, ::2]
        padded = np.pad(coarser, 1, mode="edge")
        up = np.zeros((2 * padded.shape[0], 2 * padded.shape[1]))
        up[::2, ::2] = 4 * padded
        for axis in (0, 1):
            up = ndimage.correlate1d(up, _TAPS, axis=axis, mode="constant")
        contrast = rest - up[2 : 2 + rest.shape[0], 2 : 2 + rest.shape[1]]
        levels.append(contrast / (0.17 + ndimage.correlate(np.abs(contrast), _POOL, mode="constant")))
        rest = coarser
    return [*levels, rest / (4.86 + rest)]


@pytest.mark.parametrize("size", [(64, 96), (37, 45)])
def test_pyramid_equals_one_made_with_scipy(generator: torch.Generator, size: tuple[int, int]) -> None:
    luminance = 100.0 * torch.randn(size, generator=generator, dtype=torch.float64).exp()
    found = normalised_pyramid(luminance[None, None])
    for ours, expected in zip(found, _by_scipy(luminance.numpy()), strict=True):
        np.testing.assert_allclose(ours[0, 0], expected, atol=1e-12)


def test_greys_differ_in_the_coarsest_level_only() -> None:
    """Of six levels one differs: (|f(100) − f(50)|^0.6 / 6)^(1/0.6), f = x / (4.86 + x), x = L^(1/2.6)."""
    responses = [light ** (1 / 2.6) for light in (100.0, 50.0)]
    one, other = (x / (4.86 + x) for x in responses)
    expected = ((one - other) ** 0.6 / 6.0) ** (1 / 0.6)
    greys = [torch.full((3, 64, 64), light, dtype=torch.float64) for light in (100.0, 50.0)]
    # A mean over levels takes the rounding errors of the flat ones to the power 0.6.
    assert float(nlpd(*greys)) == pytest.approx(expected, rel=1e-5)


def test_too_small_is_refused() -> None:
    with pytest.raises(ImageError, match="the pictures are 31×40; NLPD needs 32×32 pixels"):
        nlpd(torch.full((3, 40, 31), 5.0), torch.full((3, 40, 31), 5.0))
