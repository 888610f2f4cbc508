import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.expand.akyuz2007 import Akyuz2007


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "n1000_g1_gr22", "eo_a"),
        ({}, 2.2, "n1000_g1_gr22", "eo_b"),
        ({"peak": 3000.0, "gamma": 1.5}, 1.0, "n3000_g15_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, toolbox_input, toolbox_output):
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Akyuz2007(**parameters)(image).double()
    torch.testing.assert_close(result, toolbox_output("AkyuzEO", f"{case}__{name}"), rtol=1e-5, atol=0.0)


def test_darkest_is_black_and_brightest_is_the_peak(generator):
    image = torch.rand(1, 3, 8, 9, generator=generator, dtype=torch.float64)
    light = luminance(Akyuz2007(peak=600.0, gamma=2.2)(image))
    assert float(light.min()) == 0.0
    assert float(light.max()) == pytest.approx(600.0)


def test_middle_follows_gamma():
    image = torch.tensor([0.2, 0.4, 1.0], dtype=torch.float64).expand(1, 3, 1, 3)
    result = Akyuz2007(peak=1000.0, gamma=2.0)(image)
    assert result[0, 1, 0].tolist() == pytest.approx([0.0, 62.5, 1000.0])


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0.0), (0.25, 1000.0), (1.0, 1000.0)])
def test_one_luminance_is_stretched_from_zero(value, expected):
    result = Akyuz2007()(torch.full((1, 3, 4, 4), value))
    torch.testing.assert_close(result, torch.full_like(result, expected))
