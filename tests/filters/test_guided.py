import pytest
import torch

from relume.errors import ImageError
from relume.filters.guided import box_mean, guided_filter


def slow_guided(image, guide, radius, epsilon):
    """He's algorithm pixel by pixel on one mirrored plane."""
    height, width = image.shape

    def mirrored(index, length):
        index = abs(index)
        return 2 * (length - 1) - index if index >= length else index

    def windows(plane, y, x):
        rows = [mirrored(y + dy, height) for dy in range(-radius, radius + 1)]
        columns = [mirrored(x + dx, width) for dx in range(-radius, radius + 1)]
        return plane[rows][:, columns]

    slope, offset = torch.zeros_like(image), torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            p, g = windows(image, y, x), windows(guide, y, x)
            covariance = (p * g).mean() - p.mean() * g.mean()
            slope[y, x] = covariance / (g.var(unbiased=False) + epsilon)
            offset[y, x] = p.mean() - slope[y, x] * g.mean()
    out = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            out[y, x] = windows(slope, y, x).mean() * guide[y, x] + windows(offset, y, x).mean()
    return out


@pytest.mark.parametrize("own_guide", [True, False])
def test_agrees_with_the_obvious_version(generator, own_guide):
    image = torch.rand(1, 1, 9, 11, generator=generator, dtype=torch.float64)
    guide = image if own_guide else torch.rand(1, 1, 9, 11, generator=generator, dtype=torch.float64)
    expected = slow_guided(image[0, 0], guide[0, 0], 2, 0.01)
    fast = guided_filter(image, radius=2, epsilon=0.01, guide=None if own_guide else guide)
    torch.testing.assert_close(fast[0, 0], expected, rtol=0, atol=1e-12)


def test_box_mean_is_the_mean_of_the_window_mirrored_at_the_border():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert box_mean(image, 1)[0, 0, 1, 1] == image[0, 0, :3, :3].mean()
    corner = image[0, 0][[1, 0, 1]][:, [1, 0, 1]]
    assert box_mean(image, 1)[0, 0, 0, 0] == corner.mean()
    assert torch.equal(box_mean(image, 0), image)


@pytest.mark.parametrize("level", [0.0, 0.3, 6e4])
def test_a_constant_stays(level):
    image = torch.full((1, 3, 8, 8), level)
    torch.testing.assert_close(guided_filter(image, radius=2, epsilon=0.01), image, rtol=1e-6, atol=0)


def test_epsilon_divides_edges_from_texture(generator):
    step = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    step[..., 8:] = 1.0
    grain = 0.01 * torch.randn(1, 1, 16, 16, generator=generator, dtype=torch.float64)
    smoothed = guided_filter(step + grain, radius=2, epsilon=0.01)
    assert (smoothed - step)[..., :4].std() < 0.3 * grain.std()
    assert smoothed[..., 8].mean() - smoothed[..., 7].mean() > 0.85


def test_one_guide_serves_all_channels(generator):
    image = torch.rand(2, 3, 8, 8, generator=generator)
    guide = torch.rand(2, 1, 8, 8, generator=generator)
    shared = guided_filter(image, radius=1, epsilon=0.1, guide=guide)
    alone = guided_filter(image[:, 1:2], radius=1, epsilon=0.1, guide=guide)
    torch.testing.assert_close(shared[:, 1:2], alone)


def test_a_picture_smaller_than_the_window_is_refused_with_a_sentence():
    with pytest.raises(ImageError, match=r"2 × 9 pixels.*at least 3 × 3"):
        guided_filter(torch.zeros(1, 1, 9, 2), radius=2, epsilon=0.01)


def test_gradient(generator):
    image = torch.rand(1, 1, 5, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: guided_filter(x, radius=1, epsilon=0.1), image)
