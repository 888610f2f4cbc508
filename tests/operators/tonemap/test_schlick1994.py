import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.schlick1994 import Schlick1994


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        ({"brightness": 0.0}, "automatic", "tmo_b"),
        ({"brightness": 0.0, "nonuniformity": 0.5}, "nonuniform_k05", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Schlick1994(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("SchlickTMO", f"{case}__{name}"), rtol=1e-6, atol=0.0)


def test_brightest_becomes_white(generator):
    image = torch.rand(1, 3, 8, 9, generator=generator, dtype=torch.float64)
    assert float(luminance(Schlick1994()(image)).max()) == pytest.approx(1.0)


def test_automatic_brightness_makes_the_darkest_the_darkest_level():
    """The slope at black is p / Lmax, so that Lmin becomes about 1 / 256."""
    image = torch.tensor([1e-4, 1.0], dtype=torch.float64).expand(1, 3, 1, 2)
    result = Schlick1994(brightness=0.0)(image)
    assert float(result[0, 0, 0, 0]) == pytest.approx(1.0 / 256.0, rel=0.01)


def test_black_pixels_do_not_count_as_the_darkest():
    image = torch.tensor([0.0, 1e-4, 1.0], dtype=torch.float64).expand(1, 3, 1, 3)
    method = Schlick1994(brightness=0.0)
    torch.testing.assert_close(method(image)[..., 1:], method(image[..., 1:]))
