import math

import pytest
import torch

from relume.operators.tonemap.exponential import Exponential


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("parameters", "case"), [({}, "default"), ({"strength": 4.0}, "k4")])
def test_agrees_with_the_toolbox(parameters, case, dtype, toolbox_input, toolbox_output):
    result = Exponential(**parameters)(toolbox_input("tmo_b").to(dtype)).double()
    torch.testing.assert_close(
        result, toolbox_output("ExponentialTMO", f"{case}__tmo_b"), rtol=1e-6, atol=0.0
    )


def test_two_pixels_by_hand():
    """Luminances 1 and 4 have the log mean 2."""
    result = Exponential()(torch.tensor([1.0, 4.0], dtype=torch.float64).expand(1, 3, 1, 2))
    assert result[0, 1, 0].tolist() == pytest.approx([1 - math.exp(-0.5), 1 - math.exp(-2.0)], rel=1e-5)
