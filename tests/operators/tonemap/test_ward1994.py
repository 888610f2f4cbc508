import math

import pytest
import torch

from relume.color.encoding import LINEAR_SCENE
from relume.errors import EncodingError
from relume.image import Image
from relume.inference.runner import run
from relume.operators.tonemap.ward1994 import Ward1994


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        ({"peak": 200.0, "adaptation": 5.0}, "ld200_lwa5", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    """The toolbox cuts what is brighter than the display."""
    result = Ward1994(**parameters)(toolbox_input(name).to(dtype)).double().clamp(max=1.0)
    torch.testing.assert_close(
        result, toolbox_output("WardGlobalTMO", f"{case}__{name}"), rtol=1e-6, atol=0.0
    )


@pytest.mark.parametrize("name", ["tmo_a", "tmo_b"])
def test_agrees_with_the_toolbox_where_adaptation_is_local(name, toolbox_input, toolbox_output):
    result = Ward1994(adaptation_map=True)(toolbox_input(name)).clamp(max=1.0)
    expected = toolbox_output("YPWardGlobalTMO", f"fixedcc__{name}")
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=0.0)


def test_one_light_by_hand():
    result = Ward1994(peak=80.0)(torch.full((1, 3, 2, 2), 10.0, dtype=torch.float64))
    factor = ((1.219 + 40.0**0.4) / (1.219 + 10.0**0.4)) ** 2.5
    assert float(result[0, 0, 0, 0]) == pytest.approx(10.0 * factor / 80.0, rel=1e-6)


def test_refuses_relative_light_and_tells_how_to_give_it_a_white():
    picture = Image(torch.rand(3, 4, 5), LINEAR_SCENE)
    with pytest.raises(EncodingError, match=r"relative.*--reference-white 203"):
        run(Ward1994(), picture)
    given = run(Ward1994(), picture, reference_white=100.0).pixels
    torch.testing.assert_close(given, Ward1994()(100.0 * picture.pixels[None])[0].clamp(0.0, 1.0))


def test_darker_adaptation_is_brighter():
    image = torch.ones(1, 3, 1, 1)
    dark, bright = (float(Ward1994(adaptation=level)(image).mean()) for level in (0.1, 100.0))
    assert dark > 5.0 * bright
    assert math.isfinite(dark)
