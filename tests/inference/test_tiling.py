"""Tiles cover the image once, and their contexts are what the method was promised."""

import pytest
import torch

from relume.inference.tiling import pad, tile_shape, tiles, with_contexts

SIZES = [(1, 1), (7, 5), (64, 64), (1000, 3), (3, 1000), (517, 1031)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("halo", "multiple"), [(0, 1), (5, 1), (5, 8), (40, 64)])
def test_tiles_cover_each_pixel_once(height: int, width: int, halo: int, multiple: int) -> None:
    covered = torch.zeros(height, width, dtype=torch.int32)
    shape = tile_shape(height, width, halo=halo, multiple=multiple, largest=20_000)
    for tile in tiles(height, width, shape, halo=halo, multiple=multiple):
        tile.inner(covered).add_(1)
        assert tile.outer_top % multiple == tile.outer_left % multiple == 0
        assert tile.outer_top in (0, tile.top - -(-halo // multiple) * multiple)
        assert tile.outer_bottom == height or tile.outer_bottom - tile.bottom >= halo
    assert bool((covered == 1).all())


def test_crop_undoes_outer() -> None:
    image = torch.arange(97 * 203.0).view(97, 203)
    for tile in tiles(97, 203, (32, 48), halo=9, multiple=1):
        assert torch.equal(tile.crop(tile.outer(image)), tile.inner(image))


@pytest.mark.parametrize(
    ("shape", "halo"), [((32, 48), 9), ((4, 200), 9), ((16, 16), 0), ((97, 203), 5), ((1, 7), 3)]
)
def test_tiles_are_computed_from_the_image_as_it_was(shape: tuple[int, int], halo: int) -> None:
    original = torch.arange(2 * 97 * 203.0).view(2, 97, 203)
    image, seen = original.clone(), 0
    pieces = tiles(97, 203, shape, halo=halo, multiple=1)
    for tile, outer in with_contexts(pieces, image, overwritten=True):
        assert torch.equal(outer, tile.outer(original))
        tile.inner(image).fill_(-1.0)
        seen += tile.pixels
    assert seen == 97 * 203
    assert bool((image == -1.0).all())


@pytest.mark.parametrize("largest", [5_000, 50_000, 500_000])
@pytest.mark.parametrize(("halo", "multiple"), [(0, 1), (8, 1), (8, 4)])
def test_tiles_keep_within_their_pixels(largest: int, halo: int, multiple: int) -> None:
    shape = tile_shape(3000, 4000, halo=halo, multiple=multiple, largest=largest)
    for tile in tiles(3000, 4000, shape, halo=halo, multiple=multiple):
        rows, columns = tile.outer_bottom - tile.outer_top, tile.outer_right - tile.outer_left
        assert rows * columns <= largest


@pytest.mark.parametrize(("halo", "multiple"), [(0, 1), (8, 1), (256, 64)])
def test_a_gpu_takes_all_at_once_where_it_fits(halo: int, multiple: int) -> None:
    shape = tile_shape(3001, 4003, halo=halo, multiple=multiple, largest=50_000_000, cached=False)
    assert len(list(tiles(3001, 4003, shape, halo=halo, multiple=multiple))) == 1
    shape = tile_shape(3001, 4003, halo=halo, multiple=multiple, largest=3_000_000, cached=False)
    for tile in (pieces := list(tiles(3001, 4003, shape, halo=halo, multiple=multiple))):
        rows, columns = tile.outer_bottom - tile.outer_top, tile.outer_right - tile.outer_left
        assert rows * columns <= 3_000_000
    assert 1 < len(pieces) < 20


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 9), (16, 16), (17, 31)])
def test_padding_reaches_multiple_and_minimum_and_keeps_the_image(height: int, width: int) -> None:
    image = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    padded = pad(image, multiple=8, minimum=24)
    assert padded.shape[-2] % 8 == padded.shape[-1] % 8 == 0
    assert min(padded.shape[-2:]) >= 24
    assert torch.equal(padded[..., :height, :width], image)
    if width > 1:  # reflection: the column beyond the border is the one before it
        assert torch.equal(padded[..., :height, width], image[..., width - 2])
    assert padded.min() >= image.min()
    assert padded.max() <= image.max()
