import pytest
import torch

from relume.operators.tonemap.khronos_neutral import KhronosNeutral


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_agrees_with_the_formula(dtype, curves):
    colours, expected = (
        torch.tensor([row[key] for row in curves["khronos_pbr_neutral"]], dtype=torch.float64).T[
            None, :, None
        ]
        for key in ("rgb", "out")
    )
    result = KhronosNeutral()(colours.to(dtype)).double()
    torch.testing.assert_close(result, expected, rtol=1e-6 if dtype == torch.float32 else 1e-12, atol=0.0)


def test_base_colours_keep_their_differences():
    """What a surface adds to the reflection is untouched up to 0.8."""
    image = torch.tensor([0.7, 0.3, 0.1], dtype=torch.float64).view(1, 3, 1, 1)
    assert KhronosNeutral()(image).flatten().tolist() == pytest.approx([0.66, 0.26, 0.06])


def test_is_continuous_where_pieces_meet():
    for joint in (0.08, 0.8):
        image = torch.tensor([joint - 1e-9, joint + 1e-9], dtype=torch.float64).expand(1, 3, 1, 2)
        low, high = KhronosNeutral()(image)[0, 0, 0].tolist()
        assert low == pytest.approx(high, abs=1e-8)
