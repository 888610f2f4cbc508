import math

import pytest
import torch

from relume.operators.expand.bist2017 import Bist2017


@pytest.mark.parametrize(
    ("median", "lightness"),
    [(0.0, 0.05), (0.004, 0.05), (0.18418651851244416, 0.5), (1.0, 0.95)],
    ids=["black", "low key", "medium", "high key"],
)
def test_the_exponent_follows_the_median_lightness(median, lightness):
    """L* 50 is 18.4 % of white; the ends are held at 5 and 95."""
    image = torch.full((1, 3, 9, 9), median, dtype=torch.float64)
    image[..., :4, :] = 1.0
    assert float(Bist2017().measure(image)["exponent"]) == pytest.approx(1.0 - math.log10(lightness))


def test_the_curve_by_hand():
    image = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64).expand(1, 3, 1, 3)
    exponent = torch.full((1, 1, 1, 1), 1.5, dtype=torch.float64)
    result = Bist2017(peak=800.0)(image, {"exponent": exponent})[0, 0, 0]
    assert result.tolist() == pytest.approx([0.0, 100.0, 800.0])
