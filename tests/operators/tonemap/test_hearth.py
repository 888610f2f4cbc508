"""Hearth: the curve, the climb, the base at full size, and what the whole does with pictures."""

import pytest
import torch

from relume.color.encoding import LINEAR_DISPLAY, SRGB
from relume.color.luminance import luminance
from relume.data.synthetic import synthetic_scene
from relume.image import convert
from relume.metrics.tmqi import tmqi
from relume.operators.tonemap.hearth import Hearth, Tone, bent, carried, climb, fitting
from relume.operators.tonemap.reinhard2002 import Reinhard2002

NUMBERS = ("floor", "bottom", "middle", "top", *Tone._fields)


def scene(kind, seed, size=(192, 256)):
    generator = torch.Generator().manual_seed(seed)
    return synthetic_scene(size=size, generator=generator, kind=kind)[None].double()


def number(value):
    return torch.tensor(value, dtype=torch.float64).view(1, 1, 1, 1)


def stops(*shape, generator):
    return 6.0 * torch.rand(1, 1, *shape, generator=generator, dtype=torch.float64) - 3.0


def quality(method, light):
    codes = (255.0 * convert(method(light).clamp(0.0, 1.0), LINEAR_DISPLAY, SRGB)).round().byte()
    return float(tmqi(codes[0], light[0]).q)


@pytest.mark.parametrize("white", [0.0, 2.0, 20.0])
@pytest.mark.parametrize("shoulder", [1.0, 1.7, 3.0])
def test_curve_rises_from_slope_1_to_white(white, shoulder):
    stops = torch.linspace(-30.0, white, 1000, dtype=torch.float64).view(1, 1, 1, -1)
    shown = bent(stops, number(white), number(shoulder))
    assert (shown.diff() > -1e-12).all()
    assert float(shown[..., 0]) == pytest.approx(2.0**-30, rel=1e-6)
    assert float(shown[..., -1]) == pytest.approx(1.0)
    assert float(bent(number(white + 1.0), number(white), number(shoulder))) == pytest.approx(1.0)


def test_curve_is_a_line_schlick_or_reinhard():
    stops = torch.linspace(-10.0, 0.0, 50, dtype=torch.float64).view(1, 1, 1, -1)
    light = stops.exp2()
    assert torch.allclose(bent(stops, number(0.0), number(2.0)), light)
    white = 8.0
    schlick = white * (light / white) / ((white - 1.0) * (light / white) + 1.0)
    assert torch.allclose(bent(stops, number(3.0), number(1.0)), schlick)
    assert torch.allclose(bent(stops, number(40.0), number(1.0)), light / (1.0 + light))


def test_climb_finds_the_top_and_is_bounded():
    goal, tried = (-2.0, 1.0, 1.2, 1.9, 0.4, 1.0), []

    def worth(values):
        tried.append(values)
        return -sum((value - wanted) ** 2 for value, wanted in zip(values, goal, strict=True))

    found = climb(worth)
    assert found == pytest.approx(goal, abs=0.15)
    assert len(tried) < 100


def test_climb_keeps_within_its_spans_and_stays_where_nothing_is_better():
    highest = climb(sum)
    assert highest == climb(lambda values: sum(values) ** 3)
    assert climb(lambda values: 0.0) != highest
    assert highest[:3] == (-0.5, 1.2, 1.4)


def test_base_that_follows_the_level_is_carried_with_it(generator):
    """At twice the size, where the picture's own level decides."""
    small = stops(20, 30, generator=generator)
    image = torch.exp2(stops(40, 60, generator=generator)).expand(1, 3, -1, -1)
    base = carried(small + 1.0, small, image, number(1e-9))
    slope = 1.0 - 0.02 / float(small.var())  # the regularisation pulls it below 1 a little
    expected = luminance(image).log2()
    fitted = torch.linalg.lstsq(
        torch.stack([expected.flatten(), torch.ones_like(expected.flatten())], 1), base.flatten()[:, None]
    ).solution.flatten()
    assert float(fitted[0]) == pytest.approx(slope, abs=0.01)
    assert float((base - (expected + 1.0)).abs().max()) < 0.1


def test_flat_base_is_carried_flat(generator):
    small = stops(20, 30, generator=generator)
    image = torch.exp2(stops(55, 47, generator=generator)).expand(1, 3, -1, -1)
    base = carried(torch.full_like(small, 0.7), small, image, number(1e-9))
    assert torch.allclose(base, torch.full_like(base, 0.7))


def test_colours_that_fit_get_the_wanted_saturation_and_none_goes_below_zero(generator):
    chroma = torch.rand(1, 3, 9, 9, generator=generator, dtype=torch.float64) - 0.5
    dark, bright = (torch.full((1, 1, 9, 9), shown, dtype=torch.float64) for shown in (0.2, 0.95))
    assert torch.equal(fitting(chroma, dark, 1.1), torch.full_like(dark, 1.1))
    assert (fitting(chroma, bright, 1.1) < 1.1).any()
    strong = 4.0 * chroma
    assert (1.0 + strong * fitting(strong, dark, 1.1)).amin() >= -1e-12


def test_scores_above_the_photographic_curve():
    scenes = [scene(kind, seed, (240, 320)) for kind, seed in (("indoor", 2), ("indoor", 3), ("night", 2))]
    own, other = (
        sum(quality(method, light) for light in scenes) / 3 for method in (Hearth(), Reinhard2002())
    )
    assert own > other + 0.005


def test_scale_of_the_light_does_not_matter():
    light = scene("indoor", 4)
    assert torch.allclose(Hearth()(light * 0.0137), Hearth()(light), atol=1e-6)


def test_size_does_not_matter():
    """Each pixel fourfold: the small copy is the same, so the curve is."""
    light = scene("indoor", 5)
    large = light.repeat_interleave(2, -2).repeat_interleave(2, -1)
    statistics, expected = Hearth().measure(large), Hearth().measure(light)
    for name in NUMBERS:
        assert torch.allclose(statistics[name], expected[name])
    difference = Hearth()(large, statistics)[..., ::2, ::2] - Hearth()(light, expected)
    assert float(difference.abs().mean()) < 0.005


def test_black_bars_have_no_part_in_the_ends_of_the_light():
    light = scene("indoor", 6, (96, 128))
    barred = torch.nn.functional.pad(light, (0, 0, 40, 40))
    statistics, expected = Hearth().measure(barred), Hearth().measure(light)
    for name in ("floor", "bottom", "middle", "top"):
        assert torch.allclose(statistics[name], expected[name])
    assert (Hearth()(barred)[..., :40, :] == 0.0).all()


def test_a_sun_changes_little_elsewhere():
    light = scene("indoor", 7)
    sunny = light.clone()
    sunny[..., 20:24, 30:34] = 1e6 * float(light.max())
    difference = (Hearth()(sunny) - Hearth()(light))[..., 60:, :]
    assert float(difference.abs().mean()) < 0.02
    assert float(Hearth()(sunny)[..., 21, 31].min()) == pytest.approx(1.0)


def test_grey_stays_grey_and_saturation_0_makes_it():
    light = scene("night", 8)
    for result in (Hearth()(luminance(light).expand(1, 3, -1, -1)), Hearth(saturation=0.0)(light)):
        assert float((result.amax(1) - result.amin(1)).max()) < 1e-9


def test_pictures_for_screens_come_back_with_whites_and_blacks_where_they_were():
    light = scene("indoor", 9)
    shown = (light / luminance(light).quantile(0.99)).clamp(0.0, 1.0)
    result = Hearth()(shown)
    original, mapped = luminance(shown), luminance(result)
    assert float(mapped[original > 0.95].mean()) > 0.85
    assert float(mapped[original < 0.002].mean()) < 0.02


def test_numbers_leak_and_begin_anew_at_a_cut():
    first, second = Hearth().measure(scene("indoor", 1)), Hearth().measure(scene("indoor", 2))
    second["middle"] = first["middle"] + 1.9
    carried_over = Hearth(leak=0.25).carry(second, first)
    for name in NUMBERS:
        assert torch.allclose(carried_over[name], 0.75 * first[name] + 0.25 * second[name])
    assert carried_over["base"] is second["base"]
    second["middle"] = first["middle"] + 2.1
    cut = Hearth(leak=0.25).carry(second, first)
    assert all(torch.equal(cut[name], second[name]) for name in NUMBERS)
    assert Hearth().carry(second, None) is second
