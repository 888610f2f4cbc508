import math

import pytest
import torch

from relume.operators.tonemap.logarithmic import Logarithmic


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case"), [({}, "default"), ({"gain": 10.0, "white_gain": 20.0}, "q10_k20")]
)
def test_agrees_with_the_toolbox(parameters, case, dtype, toolbox_input, toolbox_output):
    result = Logarithmic(**parameters)(toolbox_input("tmo_b").to(dtype)).double()
    torch.testing.assert_close(
        result, toolbox_output("LogarithmicTMO", f"{case}__tmo_b"), rtol=1e-6, atol=0.0
    )


def test_two_pixels_by_hand():
    result = Logarithmic()(torch.tensor([1.0, 3.0], dtype=torch.float64).expand(1, 3, 1, 2))
    assert result[0, 1, 0].tolist() == pytest.approx([math.log(2.0) / math.log(4.0), 1.0])
