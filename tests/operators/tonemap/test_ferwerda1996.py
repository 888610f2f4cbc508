import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.ferwerda1996 import Ferwerda1996, scotopic_luminance
from relume.operators.tonemap.visibility import cone_threshold, rod_threshold


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), ({"adaptation": 10.0}, "lwa10", "tmo_b")],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    """The toolbox cuts what is brighter than the display."""
    result = Ferwerda1996(form="toolbox", **parameters)(toolbox_input(name).to(dtype)).double().clamp(max=1.0)
    torch.testing.assert_close(result, toolbox_output("FerwerdaTMO", f"{case}__{name}"), rtol=1e-6, atol=0.0)


def test_in_daylight_there_are_only_cones():
    image = torch.tensor([300.0, 200.0, 100.0], dtype=torch.float64).view(1, 3, 1, 1)
    level = torch.tensor([500.0, 50.0], dtype=torch.float64)
    scene, display = cone_threshold(level)
    result = Ferwerda1996(adaptation=500.0)(image)
    torch.testing.assert_close(result, image * float(display / scene) / 100.0)


def test_at_night_rods_add_a_bluish_grey():
    """Below 0.02 cd/m² rods have their full part; what they add has the colour of the night."""
    image = torch.tensor([0.01, 0.0, 0.0], dtype=torch.float64).view(1, 3, 1, 1)
    red, green, blue = Ferwerda1996(adaptation=0.01)(image).flatten().tolist()
    assert blue / green == pytest.approx(1.27 / 0.97)
    scene, display = rod_threshold(torch.tensor([0.01, 50.0], dtype=torch.float64))
    seen = float(scotopic_luminance(image))
    assert green == pytest.approx(0.97 * seen * float(display / scene) / 100.0)
    assert red > green


def test_rods_see_blue_rather_than_red():
    image = torch.eye(3, dtype=torch.float64).view(3, 3, 1, 1)
    red, _, blue = (scotopic_luminance(image) / luminance(image)).flatten().tolist()
    assert blue > 4.0 * red > 0.0


def test_auto_adaptation_is_half_of_the_brightest(generator):
    image = torch.rand(1, 3, 6, 7, generator=generator, dtype=torch.float64) * 40.0
    given = Ferwerda1996(adaptation=0.5 * float(luminance(image).max()))
    torch.testing.assert_close(Ferwerda1996()(image), given(image))


def test_a_map_adapts_each_pixel_to_its_segment():
    """On either side, as if the other were not there."""
    image = torch.full((1, 3, 4, 8), 0.01, dtype=torch.float64)
    image[..., 4:] = 1000.0
    result = Ferwerda1996(adaptation_map=True)(image)
    dark, bright = (Ferwerda1996(adaptation=level)(image) for level in (0.01, 1000.0))
    torch.testing.assert_close(result[..., :4], dark[..., :4], rtol=1e-3, atol=0.0)
    torch.testing.assert_close(result[..., 4:], bright[..., 4:], rtol=1e-3, atol=0.0)
