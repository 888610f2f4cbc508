import math

import pytest
import torch

from relume.operators.tonemap.tumblin1999 import Tumblin1999, sensitivity

OTHER = {"display_adaptation": 30.0, "peak": 150.0, "contrast": 50.0}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), (OTHER, "lda30_ld150_c50", "tmo_b")],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    method = Tumblin1999(display_logarithm="natural", **parameters)
    result = method(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("TumblinTMO", f"{case}__{name}"), rtol=1e-6, atol=0.0)


def test_agrees_with_the_toolbox_where_adaptation_is_local(toolbox_input, toolbox_output):
    method = Tumblin1999(display_logarithm="natural", adaptation_map=True)
    expected = toolbox_output("YPTumblinTMO", "fixedcc__tmo_b")
    torch.testing.assert_close(method(toolbox_input("tmo_b")), expected, rtol=1e-6, atol=0.0)


def test_a_scene_like_the_display_keeps_its_luminance():
    """Adapted as the viewer of the display is, the picture is the scene in units of white."""
    image = torch.logspace(-2, 2, 9, dtype=torch.float64).expand(1, 3, 1, 9)
    result = Tumblin1999(adaptation=20.0, display_adaptation=20.0, peak=100.0)(image)
    torch.testing.assert_close(result, image / 100.0)


def test_sensitivity_of_the_eye():
    levels = torch.tensor([1.0, 100.0, 1e4], dtype=torch.float64)
    assert sensitivity(levels).tolist() == pytest.approx([1.855, 2.655, 2.655], rel=1e-4)


def test_one_pixel_by_hand():
    result = Tumblin1999(adaptation=1.0)(torch.full((1, 3, 1, 1), 10.0, dtype=torch.float64))
    scene, display = 1.855 + 0.4 * math.log10(1.0 + 2.3e-5), 1.855 + 0.4 * math.log10(20.0 + 2.3e-5)
    expected = 20.0 * 100.0 ** (0.5 * (scene / display - 1.0)) * 10.0 ** (scene / display) / 100.0
    assert float(result[0, 0, 0, 0]) == pytest.approx(expected, rel=1e-9)
