import pytest
import torch

from relume.operators.tonemap.best_exposure import BestExposure


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("rule", "case", "name"),
    [("histogram", "default", "tmo_a"), ("histogram", "default", "tmo_b"), ("mean", "mean", "tmo_b")],
)
def test_agrees_with_the_toolbox(rule, case, name, dtype, toolbox_input, toolbox_output):
    """The toolbox cuts what is brighter than the display."""
    result = BestExposure(rule=rule)(toolbox_input(name).to(dtype)).double().clamp(max=1.0)
    torch.testing.assert_close(
        result, toolbox_output("BestExposureTMO", f"{case}__{name}"), rtol=1e-6, atol=0.0
    )


def test_finds_where_most_pixels_are():
    """A ramp of 8 stops with many pixels and a lamp far above: white is at the end of the ramp."""
    light = torch.exp2(torch.linspace(-9.0, -1.0, 990, dtype=torch.float64))
    light = torch.cat((light, torch.full((10,), 1000.0, dtype=torch.float64)))
    exposure = float(BestExposure().measure(light.expand(1, 3, 1, 1000))["exposure"])
    assert exposure == pytest.approx(2.0, rel=0.02)


def test_a_short_range_is_exposed_about_its_middle():
    image = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64).expand(1, 3, 1, 3)
    assert float(BestExposure().measure(image)["exposure"]) == pytest.approx(1.0 / 16.0, rel=1e-3)
