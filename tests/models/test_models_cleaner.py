"""The cleaner: leaves alone what is constant, black or clipped, and goes no further than it may."""

import pytest
import torch

from relume.models.cleaner import HALO, Cleaner, CleanerConfig
from relume.models.ember import PRESETS, Ember

CONFIG = CleanerConfig(width=6)


@pytest.fixture
def restless() -> Cleaner:
    torch.manual_seed(0)
    cleaner = Cleaner(CONFIG)
    torch.nn.init.normal_(cleaner.head.weight, std=0.3)
    return cleaner.eval()


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (7, 3), (40, 50)])
@pytest.mark.parametrize("code", [0.0, 0.1, 1.0 / 3.0, 0.73, 1.0])
def test_constant_pictures_do_not_change(restless: Cleaner, size: tuple[int, int], code: float) -> None:
    colour = torch.tensor([code, 0.9 * code, 0.37]).view(1, 3, 1, 1)
    assert (restless(colour.expand(1, 3, *size)) == 0.0).all()


def test_fresh_weights_change_nothing() -> None:
    assert (Cleaner(CONFIG)(torch.rand(1, 3, 33, 20)) == 0.0).all()


def test_a_shade_is_cleaned_like_any_other(restless: Cleaner, generator: torch.Generator) -> None:
    picture = 0.1 + 0.02 * torch.rand(1, 3, 30, 40, generator=generator)
    torch.testing.assert_close(restless(picture + 0.6), restless(picture), atol=1e-3, rtol=0.0)
    assert restless(picture).abs().mean() > 0.1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 48), (64, 65)])
def test_any_size(restless: Cleaner, size: tuple[int, int], generator: torch.Generator) -> None:
    assert restless(torch.rand(2, 3, *size, generator=generator)).shape == (2, 3, *size)


def test_it_looks_no_further_than_its_halo(restless: Cleaner, generator: torch.Generator) -> None:
    picture = torch.rand(1, 3, 80, 80, generator=generator)
    changed = picture.clone()
    changed[..., 40, 40] = 1.0 - changed[..., 40, 40]
    rows, columns = ((restless(changed) - restless(picture)).abs().amax((0, 1)) > 1e-4).nonzero().T
    # Folds begin at even pixels: from four before that of the pixel to the end of the fold four after it.
    for changes in (rows, columns):
        assert (int(changes.min()), int(changes.max())) == (40 - HALO, 40 + HALO + 1)


@pytest.mark.parametrize("codes", [0.25, 0.95, 5.0])
def test_ember_changes_codes_by_no_more_than_it_may(codes: float, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    network = Ember(PRESETS["smoke"])
    torch.nn.init.normal_(network.cleaner.head.weight, std=0.3)
    picture = torch.rand(1, 3, 60, 61, generator=generator)
    picture[..., :10] = 0.0
    picture[..., 20:30] = 0.002
    picture[..., 50:] = 1.0
    with torch.no_grad():
        cleaned = network.cleaned(picture, codes=codes)
    change = 255.0 * (cleaned - picture).abs()
    assert change.max() == pytest.approx(codes, rel=1e-3)
    assert (cleaned >= 0.0).all()
    for end in (0.0, 1.0):
        assert (change[picture == end] == 0.0).all()
    assert network.cleaned(picture, codes=0.0) is picture
