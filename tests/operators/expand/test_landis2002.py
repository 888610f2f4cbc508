import pytest
import torch

from relume.operators.expand.landis2002 import Landis2002


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "a20_t05_n1000_gr22", "eo_a"),
        ({}, 2.2, "a20_t05_n1000_gr22", "eo_b"),
        ({"peak": 3000.0, "threshold": 0.3, "alpha": 1.5}, 1.0, "a15_t03_n3000_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    """There what is not expanded stays in 0..1: white is 1 cd/m²."""
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Landis2002(**parameters, reference_white=1.0)(image).double()
    torch.testing.assert_close(result, toolbox_output("LandisEO", f"{case}__{name}"), rtol=rtol, atol=0.0)


def test_below_the_threshold_light_stays_and_the_brightest_is_the_peak():
    image = torch.tensor([0.1, 0.5, 0.75, 1.0], dtype=torch.float64).expand(1, 3, 1, 4)
    result = Landis2002(peak=800.0, alpha=2.0, reference_white=200.0)(image)[0, 0, 0]
    # Half way between threshold and top the weight is a quarter: the gain is 200 + 600 / 4.
    assert result.tolist() == pytest.approx([20.0, 100.0, 0.75 * 350.0, 800.0])


def test_a_dim_picture_stays():
    image = torch.full((1, 3, 4, 5), 0.3, dtype=torch.float64)
    torch.testing.assert_close(Landis2002()(image), image * 203.0)
