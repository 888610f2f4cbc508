"""Parts of enlarged pictures against the whole that torch makes."""

import pytest
import torch
from torch.nn import functional

from relume.filters.enlarge import enlarged


def _small(generator: torch.Generator, rows: int, columns: int) -> torch.Tensor:
    return torch.rand(2, 3, rows, columns, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("size", [(5, 7), (12, 40), (13, 7), (64, 33), (6, 6)])
def test_the_whole_is_that_of_torch(size: tuple[int, int], generator: torch.Generator) -> None:
    small = _small(generator, 5, 7)
    expected = functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(enlarged(small, size=size), expected)


@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("rows", [(0, 3), (17, 40), (30, 41)])
@pytest.mark.parametrize("columns", [(0, 1), (20, 60), (50, 67)])
def test_a_part_is_exactly_what_the_whole_has_there(
    rows: tuple[int, int], columns: tuple[int, int], wraps: bool, generator: torch.Generator
) -> None:
    small = _small(generator, 5, 7).float()
    whole = enlarged(small, size=(41, 67), wraps=wraps)
    part = enlarged(small, size=(41, 67), rows=rows, columns=columns, wraps=wraps)
    assert torch.equal(part, whole[..., slice(*rows), slice(*columns)])


def test_a_picture_that_wraps_can_be_turned(generator: torch.Generator) -> None:
    small = _small(generator, 4, 8)
    whole = enlarged(small, size=(8, 40), wraps=True)
    turned = enlarged(small.roll(4, -1), size=(8, 40), wraps=True)
    torch.testing.assert_close(turned, whole.roll(20, -1))
    assert not torch.allclose(enlarged(small, size=(8, 40))[..., 0], whole[..., 0])


def test_a_picture_of_that_size_stays(generator: torch.Generator) -> None:
    small = _small(generator, 5, 7)
    assert torch.equal(enlarged(small, size=(5, 7), rows=(1, 3), wraps=True), small[..., 1:3, :])
