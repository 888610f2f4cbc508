import pytest
import torch

from relume.operators.expand.kuo2012 import Kuo2012


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case", "name"),
    [
        ({}, 2.2, "n1000_gr22", "eo_a"),
        ({"smooth": False}, 2.2, "n1000_gr22", "eo_b"),
        ({"smooth": False, "peak": 3000.0}, 1.0, "n3000_lin", "eo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, name, dtype, rtol, toolbox_input, toolbox_output):
    """On eo_b its mask is empty by the last bit of a sum of ones."""
    image = toolbox_input(name).pow(removed).to(dtype)
    result = Kuo2012(**parameters)(image).double()
    torch.testing.assert_close(result, toolbox_output("KuoEO", f"{case}__{name}"), rtol=rtol, atol=0.0)


def test_the_curve_by_hand():
    image = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64).expand(1, 3, 1, 4)
    result = Kuo2012(peak=1000.0, p=3.0, smooth=False)(image)[0, 0, 0]
    assert result.tolist() == pytest.approx([0.0, 100.0, 250.0, 1000.0])


def test_steps_in_bright_areas_are_smoothed_and_dark_ones_are_not():
    """A large clipped area with a step of one code value beside the same step in the dark."""
    image = torch.full((1, 3, 64, 96), 0.1, dtype=torch.float64)
    image[..., 48:] = 1.0
    image[..., 20:40, 60:80] = 0.999
    image[..., 20:40, 10:30] = 0.098
    plain, smooth = (Kuo2012(smooth=choice)(image)[0, 0] for choice in (False, True))
    assert torch.equal(plain[:, :44], smooth[:, :44])
    edge = slice(58, 64)
    assert float(smooth[30, edge].diff().abs().max()) < 0.75 * float(plain[30, edge].diff().abs().max())
