"""Synthetic scenes are light, of the promised scale and range, and as different as the kinds promise."""

import pytest
import torch

from relume.color.luminance import luminance
from relume.data.synthetic import KINDS, synthetic_scene


def _scene(seed: int, kind: str | None = None, size: tuple[int, int] = (64, 96)) -> torch.Tensor:
    return synthetic_scene(size=size, generator=torch.Generator().manual_seed(seed), kind=kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 96), (33, 17), (8, 8)])
def test_scale_and_range(kind: str, size: tuple[int, int]) -> None:
    scene = _scene(1, kind, size)
    assert scene.shape == (3, *size)
    assert bool(torch.isfinite(scene).all())
    assert float(scene.min()) > 0
    assert float(scene.max()) <= 60_000
    assert float(luminance(scene).log().mean().exp()) == pytest.approx(0.18, rel=1e-3)


def test_the_generator_decides() -> None:
    assert torch.equal(_scene(5), _scene(5))
    assert not torch.allclose(_scene(5), _scene(6))


def _stops_of_brightest_permille(kind: str) -> float:
    """Median over scenes of the 99.9th percentile of luminance, in stops above the log mean."""
    tops = [luminance(_scene(seed, kind)).flatten().quantile(0.999) / 0.18 for seed in range(24)]
    return float(torch.stack(tops).median().log2())


def test_night_has_brighter_lights_than_day_and_each_has_more_range_than_a_screen() -> None:
    day, night = _stops_of_brightest_permille("day"), _stops_of_brightest_permille("night")
    assert night > day + 1.5
    assert day > 3.0


def test_spectrum_falls_like_that_of_natural_pictures() -> None:
    """Amplitude of log luminance over frequency is near 1/f: a slope of -0.6 to -1.6 in log-log."""
    power = torch.zeros(32)
    for seed in range(16):
        log = luminance(_scene(seed, "day", (64, 64))).log()[0]
        window = torch.hann_window(64)[:, None] * torch.hann_window(64)
        spectrum = torch.fft.fft2((log - log.mean()) * window).abs().square()
        power += 0.5 * (spectrum[1:33].mean(1) + spectrum[:, 1:33].mean(0))
    radius = torch.arange(1.0, 33.0)
    x, y = radius[1:16].log(), power[1:16].sqrt().log()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
    assert -1.6 < slope < -0.6
