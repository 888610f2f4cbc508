import pytest
import torch

from relume.filters import pyramid
from relume.filters.pyramid import (
    add_duplicate,
    block_sum,
    divide_by_area,
    halve,
    mean_pyramid,
    mean_pyramid_adjoint,
    strips,
)

SIZES = ((1, 1), (1, 6), (7, 1), (4, 6), (5, 6), (4, 7), (9, 11))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 10), (301, 7), (64, 10**6)])
def test_strips_cover_every_row_once_and_begin_on_even_rows(height, width):
    spans = strips(height, width)
    assert [row for top, bottom in spans for row in range(top, bottom)] == list(range(height))
    assert all(top % 2 == 0 for top, _ in spans)


def test_odd_edges_count_what_there_is():
    image = torch.tensor([[1.0, 2.0, 10.0], [3.0, 4.0, 20.0], [5.0, 7.0, 30.0]])
    assert torch.equal(block_sum(image), torch.tensor([[10.0, 30.0], [12.0, 30.0]]))
    assert torch.equal(halve(image), torch.tensor([[2.5, 15.0], [6.0, 30.0]]))
    assert torch.equal(divide_by_area(block_sum(image), 3, 3), halve(image))


@pytest.mark.parametrize("size", SIZES)
def test_duplicating_is_the_adjoint_of_summing(size, generator):
    image = torch.rand(size, generator=generator, dtype=torch.float64)
    blocks = torch.rand(block_sum(image).shape, generator=generator, dtype=torch.float64)
    spread = torch.zeros_like(image)
    add_duplicate(blocks, spread)
    assert float((block_sum(image) * blocks).sum()) == pytest.approx(float((image * spread).sum()))


@pytest.mark.parametrize("size", SIZES)
def test_adjoint_of_the_pyramid(size, generator):
    image = torch.rand(size, generator=generator, dtype=torch.float64)
    levels = mean_pyramid(image, smallest=1)
    others = [torch.rand(level.shape, generator=generator, dtype=torch.float64) for level in levels]
    forward = sum(float((a * b).sum()) for a, b in zip(levels, others, strict=True))
    assert float((image * mean_pyramid_adjoint(others)).sum()) == pytest.approx(forward)


def test_pyramid_ends_at_the_smallest_side():
    image = torch.zeros(50, 31)
    shapes = [tuple(level.shape) for level in mean_pyramid(image, smallest=3)]
    assert shapes == [(50, 31), (25, 16), (13, 8), (7, 4)]


def test_strips_change_nothing(generator, monkeypatch):
    image = torch.rand(41, 23, generator=generator)
    whole = halve(image)
    monkeypatch.setattr(pyramid, "STRIP_PIXELS", 100)
    assert torch.equal(halve(image), whole)
