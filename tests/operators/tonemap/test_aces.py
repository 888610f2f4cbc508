import numpy as np
import pytest
import torch

from relume.operators.tonemap import aces_hill
from relume.operators.tonemap.aces_hill import AcesHill
from relume.operators.tonemap.aces_narkowicz2015 import AcesNarkowicz2015


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_narkowicz_agrees_with_the_formula(dtype, curves):
    """Which is cut at 1."""
    curve = curves["aces_narkowicz2015"]
    xs, ys = (torch.tensor(curve[axis], dtype=torch.float64) for axis in ("xs", "ys"))
    result = AcesNarkowicz2015()(xs.to(dtype).expand(1, 3, 1, -1))[0, 1, 0].double().clamp(max=1.0)
    torch.testing.assert_close(result, ys, rtol=1e-6 if dtype == torch.float32 else 1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_hill_agrees_with_the_formula(dtype, curves):
    """Which is cut to 0..1."""
    colours, expected = (
        torch.tensor([row[key] for row in curves["aces_hill"]], dtype=torch.float64).T[None, :, None]
        for key in ("rgb", "out")
    )
    result = AcesHill()(colours.to(dtype)).double().clamp(0.0, 1.0)
    torch.testing.assert_close(result, expected, rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=0.0)


def test_white_stays_white_through_the_matrices():
    for matrix in (aces_hill._INPUT, aces_hill._OUTPUT):
        np.testing.assert_allclose(matrix.sum(1), 1.0, atol=2e-5)


def test_hill_fades_bright_colours():
    """A red a thousand times as bright is nearly white, where channels by themselves stay red."""
    image = torch.tensor([100.0, 1.0, 1.0]).view(1, 3, 1, 1)
    dim, bright = AcesHill()(image * 1e-3), AcesHill()(image)
    assert float(dim[0, 1] / dim[0, 0]) < 0.2
    assert float(bright[0, 1] / bright[0, 0]) > 0.5
