"""Profiles over codes: their shape, their values on pictures that can be counted by hand, what they show."""

import pytest
import torch

from relume.models.code_profiles import BINS, PROFILES, code_profiles


def _split(picture: torch.Tensor) -> torch.Tensor:
    """(batch, profile, bin): shares, contrast, curvature, grain, each of three channels; and so on."""
    return code_profiles(picture).unflatten(1, (PROFILES, BINS))


@pytest.mark.parametrize("size", [(4, 4), (5, 130), (96, 64)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_size_gives_finite_numbers(size: tuple[int, int], dtype: torch.dtype) -> None:
    picture = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = code_profiles(picture)
    assert found.shape == (2, PROFILES * BINS)
    assert found.dtype == dtype
    assert found.isfinite().all()


def test_shares_are_those_of_the_codes() -> None:
    picture = torch.zeros(1, 3, 16, 16)
    picture[:, 0, :, 8:] = 1.0
    picture[:, 1] = 10.25 / (BINS - 1)
    shares = 10.0 ** (_split(picture)[0, :3] - 2.0)
    torch.testing.assert_close(shares[0, [0, -1]], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(shares[1, 10:12], torch.tensor([0.75, 0.25]))
    assert float(shares[2, 0]) == pytest.approx(1.0)


def test_a_ramp_has_the_contrast_of_its_slope_and_no_curvature() -> None:
    picture = (torch.arange(128) / 256.0 + 0.1).expand(1, 3, 64, 128).contiguous()
    _, contrast, curvature, *_ = (10.0 ** (_split(picture)[0, 3 * kind] - 2.0) for kind in range(4))
    # Between two neighbours of a column lie two steps; along a column there is none.
    middle = slice(8, 14)
    torch.testing.assert_close(contrast[middle], torch.full((6,), 1.0 / 256.0), rtol=0.02, atol=0.0)
    assert (curvature[middle] < 2e-4).all()


def test_contrast_where_a_response_is_steep_is_larger() -> None:
    light = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    dark, bright = slice(2, 6), slice(26, 30)
    straight, root = (_split(light**power)[0, 3] for power in (1.0, 0.4))
    assert straight[dark].mean() - straight[bright].mean() < root[dark].mean() - root[bright].mean()


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    pictures = torch.rand(3, 3, 20, 24, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([code_profiles(picture[None]) for picture in pictures])
    torch.testing.assert_close(code_profiles(pictures), alone)
