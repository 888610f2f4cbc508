import pytest
import torch
from torch.nn import functional

from relume.operators.tonemap.chiu1993 import Chiu1993, _glare_kernel


@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        ({"k": 4.0, "sigma": 8.0, "passes": 100, "glare": 1.0}, "k4_s8_c100_noglare", "tmo_b"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Chiu1993(**parameters, scattered="all")(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(result, toolbox_output("ChiuTMO", f"{case}__{name}"), rtol=1e-5, atol=0.0)


def test_passes_at_once_are_passes_one_by_one(generator):
    scale = torch.rand(1, 1, 13, 18, generator=generator, dtype=torch.float64)
    kernel = torch.tensor([[0.080, 0.113, 0.080], [0.113, 0.227, 0.113], [0.080, 0.113, 0.080]])
    expected = scale
    for _ in range(7):
        padded = functional.pad(expected, (1, 1, 1, 1), mode="replicate")
        expected = functional.conv2d(padded, kernel.double()[None, None])
    torch.testing.assert_close(Chiu1993(passes=7)._smooth(scale), expected)


def test_flat_light_becomes_one_kth():
    flat = torch.full((1, 3, 40, 50), 123.0, dtype=torch.float64)
    torch.testing.assert_close(Chiu1993(k=5.0, passes=0)(flat), torch.full_like(flat, 0.2))


def test_glare_keeps_the_light_unless_all_of_it_is_added_again():
    flat = torch.ones(1, 3, 60, 60, dtype=torch.float64)
    rest, everything = (Chiu1993(passes=0, scattered=s)(flat).mean() for s in ("rest", "all"))
    assert float(rest) == pytest.approx(0.125)
    assert float(everything) == pytest.approx(1.8 * 0.125)
    kernel = _glare_kernel(0.8, 0.2)
    assert float(kernel.sum()) == pytest.approx(1.0)
    assert float(kernel[60, 60]) == 0.8
    assert float(kernel[60, 61]) > 50.0 * float(kernel[60, 91]) > 0.0
