import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.operators import statistics
from relume.operators.statistics import light_of, log_mean, percentile, power, scale_to, stops_of, strips


@pytest.fixture(autouse=True)
def small_strips(monkeypatch):
    """Make the small pictures of these tests fall into several strips, the last of them smaller."""
    monkeypatch.setattr(statistics, "_STRIP_PIXELS", 100)


@pytest.mark.parametrize(("height", "width", "count"), [(17, 20, 4), (1, 300, 1), (3, 300, 3), (5, 1, 1)])
def test_strips_are_the_image(height, width, count, generator):
    image = torch.rand(2, 3, height, width, generator=generator)
    parts = strips(image)
    assert len(parts) == count
    assert torch.equal(torch.cat(parts, dim=-2), image)
    assert parts[0].data_ptr() == image.data_ptr()


def test_light_is_luminance_and_never_negative(generator):
    image = torch.randn(2, 3, 17, 20, generator=generator, dtype=torch.float64)
    expected = luminance(image).clamp(min=0.0)
    assert (expected == 0.0).any()
    torch.testing.assert_close(light_of(image), expected)


def test_log_mean_is_geometric_for_each_picture():
    light = torch.full((2, 1, 17, 20), 4.0, dtype=torch.float64)
    light[1, :, ::2] = 1.0 / 16.0
    even_rows = 9 / 17
    expected = torch.tensor([4.0, 2.0 ** (2 - 6 * even_rows)], dtype=torch.float64).view(2, 1, 1, 1)
    torch.testing.assert_close(log_mean(light, offset=0.0), expected)


def test_log_mean_counts_black():
    light = torch.tensor([0.0, 1.0], dtype=torch.float64).view(1, 1, 1, 2)
    assert float(log_mean(light)) == pytest.approx(1e-3, rel=1e-5)


def test_log_mean_passes_gradients(generator):
    light = torch.rand(1, 1, 9, 20, generator=generator, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(log_mean, (light,))


# By hand: of 10 samples, round(10 p), at least the first.
@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0), (0.01, 0), (0.14, 0), (0.25, 2), (0.99, 9), (1.0, 9)]
)
@pytest.mark.parametrize("needs_gradient", [False, True])
def test_percentile_takes_the_ranked_sample(share, expected, needs_gradient, generator):
    first, second = (torch.randperm(10, generator=generator).double() for _ in range(2))
    light = torch.stack([first, second + 100.0]).view(2, 1, 2, 5).requires_grad_(needs_gradient)
    found = percentile(light, share)
    assert found.flatten().tolist() == [expected, expected + 100.0]


def test_percentile_leaves_the_light_alone(generator):
    light = torch.rand(1, 1, 8, 8, generator=generator)
    before = light.clone()
    percentile(light, 0.5)
    assert torch.equal(light, before)


def test_stops_are_binary_logarithms_of_the_ends_and_the_mean():
    light = torch.exp2(torch.arange(201, dtype=torch.float64) / 10.0).view(1, 1, 3, 67)
    found = stops_of(light, log_mean(light, offset=0.0), offset=0.0)
    assert [float(value) for value in found] == pytest.approx([0.1, 10.0, 19.8])


def test_power_is_pow(generator):
    base = torch.rand(1, 1, 9, 20, generator=generator, dtype=torch.float64).add(1e-9).requires_grad_()
    exponent = torch.tensor([[[[0.37]]]], dtype=torch.float64)
    torch.testing.assert_close(power(base, exponent), base.pow(0.37))
    assert torch.autograd.gradcheck(power, (base, 2.5))


def test_scale_to_reaches_the_luminance_and_keeps_the_hue(generator):
    image = torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    wanted = torch.rand(1, 1, 4, 5, generator=generator, dtype=torch.float64)
    result = scale_to(image, luminance(image), wanted)
    torch.testing.assert_close(luminance(result), wanted)
    torch.testing.assert_close(result[:, 0] * image[:, 1], result[:, 1] * image[:, 0])


def test_scale_to_gives_no_light_where_there_was_none():
    image = torch.tensor([0.0, -1.0, 1.0]).expand(1, 3, 3).requires_grad_()
    old, new = image[:, :1, None], torch.full((1, 1, 1, 3), 2.0)
    result = scale_to(image[:, :, None], old, new)
    assert result[0, :, 0].T.tolist() == [[0.0] * 3, [0.0] * 3, [2.0] * 3]
    result.sum().backward()
    assert all(math.isfinite(value) for value in image.grad.flatten())
