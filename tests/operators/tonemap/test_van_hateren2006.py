import numpy as np
import pytest
import torch

from relume.operators.tonemap.van_hateren2006 import VanHateren2006, response


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [({}, "default", "tmo_a"), ({}, "default", "tmo_b"), ({"pupil_area": 2.0}, "pupil2", "tmo_b")],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = VanHateren2006(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(
        result, toolbox_output("VanHaterenTMO", f"{case}__{name}"), rtol=2e-6, atol=0.0
    )


def test_is_the_root_of_the_steady_state():
    def current(trolands: float) -> float:
        roots = np.roots([0.09, 1.0, 0.0, 0.0, 0.0, -1.0 / (2.8e-3 + 1.6e-4 * trolands)])
        return max(root.real for root in roots if abs(root.imag) < 1e-9)

    trolands = [0.3, 10.0, 1e3, 1e5, 1e7]
    expected = [1.0 - current(level) / current(0.0) for level in trolands]
    result = response(torch.tensor(trolands, dtype=torch.float64).view(1, 1, 1, 5))
    assert result.flatten().tolist() == pytest.approx(expected, rel=1e-9)


def test_faint_light_keeps_its_digits_in_float32():
    faint = torch.logspace(-6, 0, 50, dtype=torch.float64).view(1, 1, 5, 10)
    torch.testing.assert_close(response(faint.float()).double(), response(faint), rtol=1e-6, atol=0.0)


def test_saturates_slowly():
    bright = torch.logspace(0, 9, 100, dtype=torch.float64).view(1, 1, 10, 10)
    values = response(bright).flatten()
    assert (values.diff() > 0).all()
    assert 0.98 < float(values[-1]) < 1.0
