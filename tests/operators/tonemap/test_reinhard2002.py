import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.filters.gaussian import gaussian_blur
from relume.operators.statistics import log_mean
from relume.operators.tonemap.reinhard2002 import (
    Reinhard2002,
    Reinhard2002Local,
    estimate_key,
    estimate_white,
)


def greys(*values):
    return torch.tensor(values, dtype=torch.float64).expand(1, 3, 1, len(values))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({"estimation": "2003"}, "default", "tmo_a"),
        ({"estimation": "2003"}, "default", "tmo_b"),
        ({"key": 0.18, "white": 4.0}, "global_a018_w4", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Reinhard2002(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("ReinhardTMO", f"{case}__{name}"), rtol=1e-5, atol=0.0)


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), ({"key": 0.36}, "a036", "tmo_b")],
)
def test_robust_agrees_with_the_toolbox(parameters, case, name, toolbox_input, toolbox_output):
    result = Reinhard2002(estimation="robust", **parameters)(toolbox_input(name))
    expected = toolbox_output("ReinhardRobustTMO", f"{case}__{name}")
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=0.0)


def test_robust_does_not_see_a_lamp(generator):
    """One pixel in 400, made a million times brighter, changes nothing elsewhere."""
    image = torch.randn(1, 1, 20, 20, generator=generator, dtype=torch.float64).exp2().expand(1, 3, 20, 20)
    image = image.clone()
    image[..., 3, 3] = 100.0
    lit = image.clone()
    lit[..., 3, 3] = 1e6
    robust = Reinhard2002(estimation="robust")
    torch.testing.assert_close(robust(lit), robust(image))
    assert not torch.allclose(Reinhard2002()(lit)[..., 4:], Reinhard2002()(image)[..., 4:])


def test_robust_burns_at_a_white_that_is_given():
    """s = 0.09 and 0.36 at key 0.18, as above; the offset of the logarithms is 1e-5."""
    result = Reinhard2002(key=0.18, white=2.0, estimation="robust")(greys(1.0, 4.0))
    expected = [s * (1.0 + s / 4.0) / (1.0 + s) for s in (0.09, 0.36)]
    assert result[0, 2, 0].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["tmo_a", "tmo_b"])
def test_bilateral_surroundings_agree_with_the_toolbox(name, toolbox_input, toolbox_output):
    result = Reinhard2002Local(surroundings="bilateral", white=4.0)(toolbox_input(name))
    expected = toolbox_output("ReinhardTMO", f"bilateral_a018_w4_phi8__{name}")
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=0.0)


def test_bilateral_surroundings_are_measured_on_the_whole(generator):
    image = torch.randn(1, 1, 30, 40, generator=generator, dtype=torch.float64).exp2().expand(1, 3, 30, 40)
    method = Reinhard2002Local(surroundings="bilateral")
    statistics = method.measure(image)
    part = {"exposure": statistics["exposure"], "surroundings": statistics["surroundings"][..., 10:]}
    assert method.halo == 0
    torch.testing.assert_close(method(image[..., 10:], part), method(image)[..., 10:])


def test_two_pixels_by_hand():
    """Luminances 1 and 4: log mean 2, so s = 0.09 and 0.36 at key 0.18."""
    result = Reinhard2002(key=0.18, white=2.0)(greys(1.0, 4.0))
    expected = [s * (1.0 + s / 4.0) / (1.0 + s) for s in (0.09, 0.36)]
    assert result[0, 2, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_brightest_becomes_white_by_default(generator):
    image = torch.randn(1, 3, 16, 16, generator=generator, dtype=torch.float64).mul(3.0).exp2()
    assert float(luminance(Reinhard2002()(image)).max()) == pytest.approx(1.0)


def test_white_at_infinity_never_burns():
    result = Reinhard2002(key=0.18, white=math.inf)(greys(1.0, 1e6))
    assert float(result.max()) < 1.0


def test_negative_luminance_is_scaled_like_black():
    """At s = -1 the curve has its pole."""
    method = Reinhard2002(key=0.18, white=4.0)
    exposure = method.measure(greys(1.0, 1.0))["exposure"]
    image = -torch.ones(1, 3, 1, 1, dtype=torch.float64) / exposure
    result = method(image, {"exposure": exposure, "white": torch.full_like(exposure, 4.0)})
    torch.testing.assert_close(result, image * exposure)


@pytest.mark.parametrize("estimation", ["2002", "2003"])
def test_little_contrast_is_not_stretched(estimation):
    """All s are below 1, where a white at the brightest pixel would expand: the curve must not exceed s."""
    result = Reinhard2002(estimation=estimation, key=0.18)(greys(1.0, 1.2))
    exposed = 0.18 / math.sqrt(1.2)
    assert result[0, 0, 0].tolist() == pytest.approx([exposed, 1.2 * exposed], rel=1e-5)


@pytest.mark.parametrize(
    ("bright_rows", "expected"),
    [(5, 0.18), (1, 0.18 * 4.0**-0.8), (9, 0.18 * 4.0**0.8)],
)
def test_key_follows_the_histogram(bright_rows, expected):
    light = torch.ones(1, 1, 10, 10, dtype=torch.float64)
    light[..., :bright_rows, :] = 1024.0
    assert float(estimate_key(light, log_mean(light))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("bright_pixels", "expected"), [(0, 0.18), (1, 0.18 * 4.0 ** (2 * 20 / 400))])
def test_key_of_one_light_is_middle_grey(bright_pixels, expected):
    """Without range there is nothing to lean to; a lone pixel moves the mean but not the ends."""
    light = torch.full((1, 1, 20, 20), 0.5, dtype=torch.float64)
    light[..., 0, :bright_pixels] = 0.5 * 2.0**20
    assert float(estimate_key(light, log_mean(light))) == pytest.approx(expected, rel=1e-4)


def test_white_follows_the_range_above_black():
    light = torch.tensor([0.0, 0.5, 512.0], dtype=torch.float64).view(1, 1, 1, 3)
    assert float(estimate_white(light)) == pytest.approx(1.5 * 2.0**5, rel=1e-5)


def test_local_is_global_where_the_image_is_flat():
    image = torch.full((1, 3, 60, 70), 7.0, dtype=torch.float64)
    expected = Reinhard2002(key=0.18, white=math.inf)(image)
    torch.testing.assert_close(Reinhard2002Local()(image), expected)


def test_local_keeps_texture_that_global_compresses():
    """Fine texture of little contrast is divided by its mean, so its contrast stays in full."""
    pattern = torch.ones(100, 100, dtype=torch.float64)
    pattern[::2, ::2] = pattern[1::2, 1::2] = 1.02
    image = (20.0 * pattern).expand(1, 3, 100, 100)

    def contrast(result):
        inner = result[0, 0, 45:55, 45:55]
        return float(inner.max() / inner.min())

    assert contrast(Reinhard2002Local(key=0.72)(image)) == pytest.approx(1.02, rel=1e-3)
    assert contrast(Reinhard2002(key=0.72, white=math.inf)(image)) < 1.015


def test_local_has_no_halo_at_a_strong_edge():
    """Beside an edge of 1:1000 the small scales are chosen, so both sides stay near the global result."""
    image = torch.ones(1, 3, 100, 120, dtype=torch.float64)
    image[..., 60:] = 1000.0
    local = Reinhard2002Local(key=0.18)
    edge = slice(50, 70)
    exposed = luminance(image) * local.measure(image)["exposure"]
    plain = (exposed / (1.0 + exposed))[0, 0, 50, edge]
    haloed = (exposed / (1.0 + gaussian_blur(exposed, 10.0)))[0, 0, 50, edge]
    found = local(image)[0, 0, 50, edge]
    assert float((found / plain - 1.0).abs().max()) < 0.2
    assert float((haloed / plain - 1.0).abs().max()) > 0.6


def test_local_takes_the_largest_scale_without_an_edge(generator):
    """Against the definition, written out per pixel."""
    image = (
        torch.randn(1, 1, 24, 30, generator=generator, dtype=torch.float64)
        .mul(0.7)
        .exp2()
        .expand(1, 3, 24, 30)
    )
    method = Reinhard2002Local(key=0.36, sharpening=4.0, threshold=0.03)
    exposed = image[:, :1] * 0.36 / log_mean(image[:, :1])
    means = [gaussian_blur(exposed, 0.25 * 1.6**level)[0, 0] for level in range(9)]
    chosen = set()
    expected = torch.empty(24, 30, dtype=torch.float64)
    for y in range(24):
        for x in range(30):
            level = 0
            while level < 8 and _is_even(means, level, y, x):
                level += 1
            chosen.add(level)
            expected[y, x] = exposed[0, 0, y, x] / (1.0 + means[max(level - 1, 0)][y, x])
    assert len(chosen) > 3
    torch.testing.assert_close(method(image)[0, 0], expected)


def _is_even(means, level, y, x):
    centre, surround = float(means[level][y, x]), float(means[level + 1][y, x])
    scale = 1.6**level
    return abs((centre - surround) / (2.0**4 * 0.36 / scale**2 + centre)) < 0.03


def test_local_reaches_as_far_as_its_halo_says():
    """Raising one dark pixel changes only what lies within the halo, and something near its rim."""
    method, size = Reinhard2002Local(), 101
    image = torch.ones(1, 3, size, size, dtype=torch.float64)
    statistics = method.measure(image)
    lit = image.clone()
    lit[..., 50, 50] = 1.01
    changed = (method(lit, statistics) != method(image, statistics)).any(1)[0].nonzero() - 50
    assert method.halo == 43
    assert changed.abs().max() <= method.halo
    assert changed.abs().max() > 20
