import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.kim_kautz2008 import KimKautz2008

OTHER = {"peak": 100.0, "black_level": 1.0, "width": 2.0, "efficiency": 0.7}


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), (OTHER, "ld100_1_c2_07", "tmo_b")],
)
def test_agrees_with_the_toolbox(parameters, case, name, toolbox_input, toolbox_output):
    image, expected = toolbox_input(name), toolbox_output("KimKautzConsistentTMO", f"{case}__{name}")
    method = KimKautz2008(**parameters)
    torch.testing.assert_close(method(image), expected, rtol=1e-6, atol=1e-9)
    # The stretch subtracts the 1st percentile: near black, float32 keeps absolute precision only.
    torch.testing.assert_close(method(image.float()).double(), expected, rtol=0.0, atol=2e-6)


def test_one_hundred_tones_by_hand():
    """Of a ramp, the 1st percentile becomes black and the 99th white; between, the formula."""
    light = torch.logspace(-2, 2, 101, dtype=torch.float64)
    result = KimKautz2008()(light.expand(1, 3, 1, 101))[0, 0, 0]
    distance = (light + 1e-6).log()
    span = float(distance[-1] - distance[0])
    distance = distance - distance.mean()
    smallest = math.log(1000.0) / span
    curve = (0.5 * ((1 - smallest) * (-4.5 * (distance / span) ** 2).exp() + smallest) * distance).exp()
    low, high = curve.sort().values[0], curve.sort().values[99]
    torch.testing.assert_close(result, ((curve - low) / (high - low)).clamp(0.0, 1.0))


@pytest.mark.parametrize("value", [1e-3, 0.3, 40.0])
def test_one_light_is_not_stretched(value):
    result = luminance(KimKautz2008()(torch.full((1, 3, 7, 5), value)))
    torch.testing.assert_close(result, torch.full_like(result, 0.5))
