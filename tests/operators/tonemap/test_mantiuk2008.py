import math

import numpy as np
import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.mantiuk2008 import (
    _CONTRASTS,
    _DISPLAYS,
    Mantiuk2008,
    _program,
    _reach,
    contrast_counts,
    response,
    sensitivity,
)


def relief(generator, span, middle=1.0):
    """Grey fields within that many log10 units around a middle, 10 cd/m², with a grain."""
    fields = torch.rand(12, 16, generator=generator, dtype=torch.float64).repeat_interleave(8, 0)
    fields = fields.repeat_interleave(8, 1)
    grain = 0.03 * torch.randn(fields.shape, generator=generator, dtype=torch.float64)
    return (10.0 ** (middle + span * (fields - 0.5) + grain)).expand(1, 3, *fields.shape)


def test_sensitivity_peaks_near_4_cycles_per_degree_in_daylight():
    frequencies = np.geomspace(0.5, 40.0, 200)
    found = sensitivity(frequencies, np.array(100.0))
    assert 2.0 < frequencies[found.argmax()] < 6.0
    assert 100.0 < found.max() < 260.0
    assert (sensitivity(frequencies, np.array(0.1)) < found).all()


def test_response_is_about_one_at_the_threshold_and_grows():
    """A contrast W of 1/S is just visible."""
    threshold = math.log10(1.0 + 1.0 / 100.0)
    assert float(response(np.array([threshold]), np.array([100.0]))[0]) == pytest.approx(1.0, abs=0.15)
    assert (np.diff(response(np.linspace(0.0, 1.0, 50), np.array(100.0))) > 0.0).all()


def test_counts_find_an_edge_and_no_flat_land():
    logarithm = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    nodes = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    assert contrast_counts(logarithm, nodes).sum() == 0.0
    logarithm[..., 16:] = 0.35
    counts = contrast_counts(logarithm, nodes)
    assert counts.shape == (3, 4, len(_CONTRASTS))
    assert 64.0 <= counts[0].sum() <= 4 * 32.0


def test_reach_of_a_contrast_is_its_length():
    reach = _reach(21)
    assert reach.sum(-1) == pytest.approx(np.broadcast_to(_CONTRASTS / 0.1, reach.shape[:2]))
    assert reach[4, 1, 4:6].tolist() == pytest.approx([0.5, 0.5])


def test_program_is_the_minimum(generator):
    """Better than a thousand curves near it that keep to the budget."""
    rng = np.random.default_rng(3)
    reach, shape = _reach(11), (3, 10, len(_CONTRASTS))
    counts, gain, wanted = (
        rng.uniform(1.0, 100.0, shape),
        rng.uniform(5.0, 20.0, shape),
        rng.uniform(0.5, 5.0, shape),
    )

    def cost(rises):
        return float((counts * (gain * (reach @ rises) - wanted) ** 2).sum())

    for budget in (0.3, 100.0):
        found = _program(reach, counts, gain, wanted, budget)
        assert found.min() >= 0.0
        assert found.sum() <= budget * (1.0 + 1e-4)
        best = cost(found * min(1.0, budget / found.sum()))
        for _ in range(1000):
            other = np.maximum(found + 0.01 * rng.normal(size=10), 0.0)
            other *= min(1.0, budget / other.sum())
            assert cost(other) >= best * (1.0 - 1e-3)


def test_scene_that_fits_the_display_keeps_its_contrasts(generator):
    """One log10 unit, at luminances of the display: the curve is about a straight line of slope 1."""
    image = relief(generator, 1.0, middle=math.log10(200.0) - 0.5)
    display = _DISPLAYS["lcd"]
    light = luminance(Mantiuk2008()(image)) * (display.ceiling - display.floor) + display.floor
    spread = (light.log10().quantile(0.9) - light.log10().quantile(0.1)).item()
    scene = luminance(image).log10()
    assert spread == pytest.approx((scene.quantile(0.9) - scene.quantile(0.1)).item(), rel=0.25)


def test_large_range_is_fitted_to_the_display(generator):
    result = luminance(Mantiuk2008()(relief(generator, 6.0)))
    assert 0.0 <= float(result.min()) < 0.02
    assert float(result.max()) == pytest.approx(1.0, abs=0.02)
    assert 0.005 < float(result.median()) < 0.8


def test_curve_rises(generator):
    image = relief(generator, 5.0)
    shown, scene = luminance(Mantiuk2008()(image)).flatten(), luminance(image).flatten()
    assert (shown[scene.argsort()].diff() >= -1e-9).all()


def test_bright_surroundings_lift_the_shadows(generator):
    """A reflecting screen hides the dark end, so the curve spends less on it."""
    image = relief(generator, 5.0)
    office, dark = (
        luminance(Mantiuk2008(display=name)(image)).median() for name in ("lcd_office", "lcd_bright")
    )
    assert office > dark
