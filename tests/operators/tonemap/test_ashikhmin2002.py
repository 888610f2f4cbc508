import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.ashikhmin2002 import Ashikhmin2002, capacity


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        ({"local": False}, "global", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    result = Ashikhmin2002(**parameters, variant="toolbox")(toolbox_input(name).to(dtype)).double()
    expected = toolbox_output("AshikhminTMO", f"{case}__{name}")
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)


def test_capacity_joins_its_pieces():
    joints = torch.tensor([0.0034, 1.0, 7.2444], dtype=torch.float64)
    assert capacity(joints).tolist() == pytest.approx([2.43, 16.56, 32.07], abs=0.02)
    torch.testing.assert_close(capacity(joints * 0.9999), capacity(joints * 1.0001), rtol=1e-2, atol=0.0)


def test_capacity_is_the_integral_of_the_inverse_threshold_of_weber():
    """Above 7.2 cd/m² the threshold is 5.56 % of the luminance."""
    low, high = capacity(torch.tensor([100.0, 105.56], dtype=torch.float64))
    assert float(high - low) == pytest.approx(1.0, rel=0.03)


def test_extremes_of_the_adaptation_span_the_range():
    image = torch.ones(1, 3, 64, 64, dtype=torch.float64)
    image[..., 32:] = 1000.0
    light = luminance(Ashikhmin2002()(image))[..., (0, -1)]
    assert float(light.min()) == pytest.approx(0.0, abs=1e-9)
    assert float(light.max()) == pytest.approx(1.0)


def test_neighbourhoods_of_the_paper_end_at_the_first_edge():
    """A lamp of three pixels on a dark wall: a small window sees its edge, a large one little of it."""
    image = torch.ones(1, 1, 41, 41, dtype=torch.float64)
    image[..., 20, 20] = 8.0
    paper, toolbox = (Ashikhmin2002(variant=variant)._adaptation(image) for variant in ("paper", "toolbox"))
    assert float(paper[..., 20, 20]) > 2.0 * float(toolbox[..., 20, 20])
    torch.testing.assert_close(paper[..., :5, :5], torch.ones(1, 1, 5, 5, dtype=torch.float64))


def test_details_are_given_back():
    pattern = torch.ones(40, 40, dtype=torch.float64)
    pattern[::2, ::2] = pattern[1::2, 1::2] = 1.1
    image = (torch.where(torch.arange(40) < 20, 1.0, 300.0) * pattern).expand(1, 3, 40, 40)
    inner = Ashikhmin2002()(image)[0, 0, 10:30, 28:34]
    assert float(inner.max() / inner.min()) == pytest.approx(1.1, rel=1e-3)
