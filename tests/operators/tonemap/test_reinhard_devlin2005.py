import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.statistics import log_mean
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005, estimate_contrast

MIXED = {"contrast": 0.6, "intensity": 1.0, "light_adaptation": 0.5, "chromatic_adaptation": 0.3}


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        (MIXED, "m06_f1_a05_c03", "tmo_a"),
        (MIXED, "m06_f1_a05_c03", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, toolbox_input, toolbox_output):
    image, expected = toolbox_input(name), toolbox_output("ReinhardDevlinTMO", f"{case}__{name}")
    method = ReinhardDevlin2005(**parameters)
    torch.testing.assert_close(method(image), expected, rtol=1e-5, atol=0.0)
    # The stretch subtracts the darkest response: near black, float32 keeps absolute precision only.
    torch.testing.assert_close(method(image.float()).double(), expected, rtol=0.0, atol=1e-6)


def test_two_pixels_by_hand():
    """Greys 1 and 4 without stretch: C / (C + C^m)."""
    image = torch.tensor([1.0, 4.0], dtype=torch.float64).expand(1, 3, 1, 2)
    method = ReinhardDevlin2005(contrast=0.5, intensity=math.log(2.0))
    response = [1.0 / (1.0 + 0.5**0.5), 4.0 / (4.0 + 2.0**0.5)]
    statistics = method.measure(image)
    assert float(statistics["bottom"]) == pytest.approx(response[0])
    assert float(statistics["top"]) == pytest.approx(response[1])
    assert method(image)[0, 0, 0].tolist() == [0.0, 1.0]


def test_full_chromatic_adaptation_removes_a_cast(generator):
    grey = torch.rand(1, 1, 8, 9, generator=generator, dtype=torch.float64).add(0.1).expand(1, 3, 8, 9)
    cast = grey * torch.tensor([1.5, 1.0, 0.5], dtype=torch.float64).view(3, 1, 1)
    method = ReinhardDevlin2005(chromatic_adaptation=1.0, light_adaptation=0.0, contrast=1.0)
    red, green, blue = method(cast).unbind(1)
    torch.testing.assert_close(red, green)
    torch.testing.assert_close(blue, green)


def test_negative_channels_count_as_dark():
    image = torch.tensor([[0.5, 0.2, 8.0], [0.3, 0.7, 4.0], [-0.6, 0.0, 2.0]]).view(1, 3, 1, 3)
    torch.testing.assert_close(
        ReinhardDevlin2005(contrast=0.7)(image), ReinhardDevlin2005(contrast=0.7)(image.clamp(min=0.0))
    )


def test_more_intensity_is_brighter():
    """Against fixed ends, for the stretch takes out most of it."""
    image = torch.tensor([0.1, 1.0, 10.0]).expand(1, 3, 1, 3)
    statistics = ReinhardDevlin2005().measure(image)
    dim, bright = (ReinhardDevlin2005(intensity=f)(image, statistics) for f in (-0.5, 0.5))
    assert (bright >= dim).all()
    assert (bright > dim).any()


def test_luminance_spans_the_range(generator):
    grey = torch.rand(1, 1, 8, 9, generator=generator, dtype=torch.float64).exp2().expand(1, 3, 8, 9)
    light = luminance(ReinhardDevlin2005()(grey))
    assert (float(light.min()), float(light.max())) == pytest.approx((0.0, 1.0))


def test_contrast_rises_with_the_darkness_of_the_scene():
    """The share of dark pixels k goes into 0.3 + 0.7 k^1.4."""
    stops = torch.zeros(1, 1, 10, 10, dtype=torch.float64)
    stops[..., :5, :] = 10.0
    light = stops.exp2()
    middle = float(estimate_contrast(light, log_mean(light)))
    assert middle == pytest.approx(0.3 + 0.7 * 0.5**1.4, rel=1e-5)
    light[..., 1:, :] = 1.0
    assert float(estimate_contrast(light, log_mean(light))) == pytest.approx(0.3 + 0.7 * 0.9**1.4, rel=1e-5)


@pytest.mark.parametrize("value", [1e-3, 0.3, 40.0])
def test_one_light_is_not_stretched(value):
    result = ReinhardDevlin2005(contrast=1.0)(torch.full((1, 3, 7, 5), value))
    torch.testing.assert_close(result, torch.full_like(result, 0.5))
