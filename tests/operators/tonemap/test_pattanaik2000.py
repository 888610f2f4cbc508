import pytest
import torch

from relume.operators.tonemap.pattanaik2000 import Pattanaik2000


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        ({"rod": 5.0, "cone": 20.0}, "rod5_cone20", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Pattanaik2000(**parameters)(toolbox_input(name).to(dtype)).double()
    torch.testing.assert_close(
        result, toolbox_output("PattanaikTMO", f"{case}__{name}"), rtol=1e-5, atol=1e-7
    )


def test_response_to_the_half_saturation_is_half():
    """At 12.9223 G / G^(1/3) for a bright adaptation; rods are bleached by it to next to nothing."""
    half = 12.9223 * 1e4 ** (2.0 / 3.0)
    grey = torch.full((1, 3, 1, 1), half, dtype=torch.float64)
    result = Pattanaik2000(rod=1e4, cone=1e4)(grey)
    assert float(result[0, 0]) == pytest.approx(0.5 * 2e6 / (2e6 + 1e4), rel=1e-4)


def test_more_light_to_adapt_to_gives_less_response():
    grey = torch.full((1, 3, 1, 1), 50.0)
    bright, dim = (Pattanaik2000(rod=level, cone=level)(grey) for level in (1000.0, 10.0))
    assert float(bright.max()) < 0.5 * float(dim.min())
