import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.drago2003 import Drago2003


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), ({"bias": 0.7}, "b070", "tmo_b")],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Drago2003(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("DragoTMO", f"{case}__{name}"), rtol=1e-5, atol=0.0)


def test_brightest_becomes_white_scaled_by_the_peak(generator):
    image = torch.rand(1, 3, 8, 9, generator=generator, dtype=torch.float64).exp2()
    assert float(luminance(Drago2003()(image)).max()) == pytest.approx(1.0)
    assert float(luminance(Drago2003(peak=80.0)(image)).max()) == pytest.approx(0.8)


def test_two_pixels_by_hand():
    """Luminances 1 and 4: log mean 2, so x = 0.5 and 2; at bias 0.85 the exponent is log2(1/0.85)."""
    result = Drago2003()(torch.tensor([1.0, 4.0], dtype=torch.float64).expand(1, 3, 1, 2))
    base = 2.0 + 8.0 * 0.25 ** math.log2(1.0 / 0.85)
    expected = math.log(1.5) / math.log(base) / math.log10(3.0)
    assert result[0, 1, 0].tolist() == pytest.approx([expected, 1.0], rel=1e-5)


def test_lower_bias_lifts_the_middle():
    image = torch.logspace(-3, 3, 7).expand(1, 3, 1, 7)
    held, lifted = (Drago2003(bias=bias)(image)[0, 0, 0, 4] for bias in (0.9, 0.7))
    assert lifted > 1.2 * held


def test_continues_to_black(generator):
    """Around the luminance below which the curve is a straight line, no step shows."""
    image = torch.tensor([1e3, 0.0, 0.9e-12, 1.0e-12, 1.1e-12], dtype=torch.float64).expand(1, 3, 1, 5)
    statistics = {"adaptation": torch.ones(1, 1, 1, 1), "top": torch.full((1, 1, 1, 1), 1e3)}
    result = Drago2003()(image, statistics)[0, 0, 0]
    assert result[1] == 0.0
    assert (result[2:] / image[0, 0, 0, 2:]).tolist() == pytest.approx(
        [float(result[3] / 1e-12)] * 3, rel=1e-3
    )
