import math

import numpy as np
import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.mantiuk2008 import (
    _CONTRASTS,
    _DISPLAYS,
    Mantiuk2008,
    _gaps,
    _program,
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
    nodes = np.linspace(-0.1, 0.5, 7)
    assert contrast_counts(logarithm, nodes).sum() == 0.0
    logarithm[..., 16:] = 0.35
    counts = contrast_counts(logarithm, nodes)
    assert counts.shape == (4, 7, len(_CONTRASTS))
    # Two columns at each side of the edge in the finest band: darker below the surroundings, brighter above.
    darker, brighter = counts[0][:, _CONTRASTS < 0].sum(), counts[0][:, _CONTRASTS > 0].sum()
    assert darker == brighter == 2 * 32.0


@pytest.mark.parametrize(("height", "steps"), [(0.004, None), (0.01, 1), (0.12, 1), (0.4, 3), (2.0, None)])
def test_weak_contrasts_count_as_a_step_and_invisible_and_huge_ones_not_at_all(height, steps):
    """A pixel keeps 0.84 of its height against its surroundings in the finest band."""
    logarithm = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    logarithm[..., 4, 4] = height
    nodes = np.linspace(-0.1, 2.2, 24)
    middle = contrast_counts(logarithm, nodes)[0][:, _CONTRASTS > 0].sum(0)
    assert middle.tolist() == [1.0 if steps == kind else 0.0 for kind in range(1, 8)]


def test_a_contrast_reaches_from_its_surroundings_up_or_down():
    nodes, counts = np.linspace(0.0, 1.0, 11), np.zeros((4, 11, len(_CONTRASTS)))
    counts[1, 5, list(_CONTRASTS).index(2)], counts[0, 5, list(_CONTRASTS).index(-3)] = 7.0, 4.0
    found = Mantiuk2008()._wanted(nodes, counts)
    assert found.reach.tolist() == [[0, 0, 1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 0, 0, 0]]
    assert found.size == pytest.approx([0.3, 0.2])
    assert found.weight.tolist() == [4.0, 7.0]
    assert found.frequency.tolist() == [15.0, 7.5]


def test_gaps_lie_between_what_is_bridged():
    assert _gaps(np.array([False, True, False, False, True, True, False, True, False])) == [(2, 4), (6, 7)]


def test_a_gap_counts_as_a_contrast_for_a_tenth_of_all():
    nodes, counts = np.linspace(0.0, 1.0, 11), np.zeros((4, 11, len(_CONTRASTS)))
    counts[0, 1, list(_CONTRASTS).index(1)] = counts[0, 8, list(_CONTRASTS).index(-1)] = 10.0
    found = Mantiuk2008()._wanted(nodes, counts)
    assert found.reach[2].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
    assert [found.size[2], found.weight[2], found.frequency[2]] == pytest.approx([0.5, 2.0, 1.875])


def test_program_is_the_minimum(generator):
    """Better than a thousand curves near it that keep to the budget."""
    rng = np.random.default_rng(3)
    reach = (rng.uniform(size=(200, 10)) < 0.3).astype(float)
    weight, gain, wanted = (rng.uniform(*bounds, 200) for bounds in ((1.0, 100.0), (5.0, 20.0), (0.5, 5.0)))

    def cost(rises):
        return float((weight * (gain * (reach @ rises) - wanted) ** 2).sum())

    for budget in (0.3, 100.0):
        found = _program(reach, weight, gain, wanted, budget)
        assert found.min() >= 0.0
        assert found.sum() <= budget * (1.0 + 1e-4)
        best = cost(found * min(1.0, budget / found.sum()))
        for _ in range(1000):
            other = np.maximum(found + 0.01 * rng.normal(size=10), 0.0)
            other *= min(1.0, budget / other.sum())
            assert cost(other) >= best * (1.0 - 1e-3)


def test_contrasts_grow_where_the_display_is_darker_than_what_the_eye_is_adapted_to(generator):
    """One log10 unit; before the scene the eye is adapted to 1000 cd/m², so that no slope is below 1."""
    image = relief(generator, 1.0)
    scene, stretched = luminance(image).log10(), {}
    for name, display in _DISPLAYS.items():
        light = luminance(Mantiuk2008(display=name)(image)) * (display.ceiling - display.floor)
        shown = (light + display.floor).log10()
        stretched[name] = (spread(shown) / spread(scene)).item()
    assert 1.0 < stretched["lcd_bright"] < stretched["lcd"] < stretched["crt"] < 1.8


def spread(values):
    return values.quantile(0.9) - values.quantile(0.1)


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


def test_what_shall_be_white_keeps_a_night_dark_and_a_lamp_from_taking_the_range(generator):
    """0.1 cd/m² before an anchor of 100 stays darker than alone; a lamp above the anchor is white."""
    night = relief(generator, 1.0, middle=-1.0)
    alone, anchored = (luminance(Mantiuk2008(white=white)(night)).median() for white in (None, 100.0))
    assert anchored < 0.5 * alone
    lamp = relief(generator, 2.0).clone()
    lamp[..., :24, :24] *= 1e3
    alone, anchored = (luminance(Mantiuk2008(white=white)(lamp)) for white in (None, 100.0))
    assert anchored.median() > 1.5 * alone.median()
    assert anchored[..., 4:20, 4:20].min() > 0.5


def test_black_pixels_take_no_range(generator):
    image = relief(generator, 3.0).clone()
    alone = luminance(Mantiuk2008()(image)).median()
    image[..., :8, :16] = 0.0
    result = luminance(Mantiuk2008()(image))
    assert (result[..., :8, :16] == 0.0).all()
    assert float(result.median() / alone) == pytest.approx(1.0, abs=0.1)


def test_a_picture_without_light_stays_black():
    assert (Mantiuk2008()(torch.zeros(1, 3, 16, 16, dtype=torch.float64)) == 0.0).all()
