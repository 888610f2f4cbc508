import pytest
import torch

from relume.errors import ImageError
from relume.metrics import flicker, flicker_local


def _clip(generator: torch.Generator, frames: int = 5) -> torch.Tensor:
    """Frames of random light, each another scene."""
    return 50.0 * torch.randn(frames, 3, 6, 8, generator=generator, dtype=torch.float64).exp()


def test_the_changes_of_the_reference_are_no_flicker(generator: torch.Generator) -> None:
    clip = _clip(generator)
    gain = torch.tensor([3.0, 3.0, 3.0], dtype=torch.float64).view(3, 1, 1)
    for metric in (flicker, flicker_local):
        assert float(metric(gain * clip, clip)) == pytest.approx(0.0, abs=1e-12)


def test_a_jump_of_the_exposure_is_global(generator: torch.Generator) -> None:
    """Exposures of 0, 1, 0, 1, 0 stops: every step is one stop."""
    clip = _clip(generator)
    exposures = torch.tensor([1.0, 2.0, 1.0, 2.0, 1.0], dtype=torch.float64).view(5, 1, 1, 1)
    assert float(flicker(exposures * clip, clip)) == pytest.approx(1.0)
    assert float(flicker_local(exposures * clip, clip)) == pytest.approx(0.0, abs=1e-12)


def test_halves_that_jump_against_each_other_are_local(generator: torch.Generator) -> None:
    clip = _clip(generator)
    gains = torch.ones(5, 1, 6, 8, dtype=torch.float64)
    gains[1::2, :, :, :4] = 2.0
    gains[1::2, :, :, 4:] = 0.5
    assert float(flicker_local(gains * clip, clip)) == pytest.approx(1.0)
    assert float(flicker(gains * clip, clip)) == pytest.approx(0.0, abs=1e-12)


def test_a_slow_drift_flickers_less_than_a_jump(generator: torch.Generator) -> None:
    clip = _clip(generator)
    drift = torch.linspace(0.0, 1.0, 5).exp2().view(5, 1, 1, 1)
    jump = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]).exp2().view(5, 1, 1, 1)
    assert float(flicker(drift * clip, clip)) == pytest.approx(0.25, abs=1e-6)
    assert float(flicker(jump * clip, clip)) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(3, 6, 8), (1, 3, 6, 8), (2, 2, 3, 6, 8)])
def test_a_clip_is_needed(shape: tuple[int, ...]) -> None:
    picture = torch.full(shape, 5.0)
    with pytest.raises(ImageError, match="needs a clip of at least two frames"):
        flicker(picture, picture)
