import pytest
import torch

from relume.operators.expand.bt2446a_inverse import Bt2446aInverse, expand


@pytest.mark.parametrize("level", [1, 35, 70, 71, 128, 200, 255])
def test_luma_by_hand(level):
    if level <= 70:
        exponent = 1.8712e-5 * level**2 - 2.7334e-3 * level + 1.3141
    else:
        exponent = 2.8305e-6 * level**2 - 7.4622e-4 * level + 1.2528
    luma = torch.full((1, 1, 1, 1), level / 255.0, dtype=torch.float64)
    assert float(expand(luma)) == pytest.approx(level**exponent / 1000.0, rel=1e-12)


def test_white_is_nearly_the_peak_and_the_curve_rises_without_a_step():
    luma = torch.linspace(1e-3, 1.0, 4001, dtype=torch.float64).view(1, 1, 1, -1)
    curve = expand(luma)[0, 0, 0]
    assert float(curve[-1]) == pytest.approx(0.9998, abs=1e-4)
    assert bool((curve.diff() > 0.0).all())
    assert float(curve.diff().max()) < 3.0 * float(curve.diff().mean())


def test_colour_differences_by_the_matrix_of_bt2020():
    """With the coefficients as printed, which are rounded to five digits."""
    red, green, blue = 0.6, 0.4, 0.3
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    expanded = float(expand(torch.full((1, 1, 1, 1), luma, dtype=torch.float64)))
    difference_blue, difference_red = (
        1.075 * expanded / luma * (channel - luma) / scale
        for channel, scale in ((blue, 1.8814), (red, 1.4746))
    )
    expected = [
        expanded + 1.4746 * difference_red,
        expanded - 0.16455 * difference_blue - 0.57135 * difference_red,
        expanded + 1.8814 * difference_blue,
    ]
    image = torch.tensor([red, green, blue], dtype=torch.float64).view(1, 3, 1, 1)
    result = Bt2446aInverse()(image).flatten().tolist()
    assert result == pytest.approx([1000.0 * value**2.4 for value in expected], rel=1e-4)


@pytest.mark.parametrize(("channel", "value", "expected"), [(2, 0.0, 0.0), (0, 1.3, 1000.0)])
def test_colours_end_at_black_and_at_the_peak(channel, value, expected):
    """Yellow asks for negative blue, super-white for more than the display has."""
    image = torch.ones(1, 3, 1, 1, dtype=torch.float64)
    image[0, channel] = value
    assert float(Bt2446aInverse()(image)[0, channel]) == expected
