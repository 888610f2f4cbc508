import pytest
import torch

from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.kiser2012 import Kiser2012
from relume.operators.tonemap.reinhard2002 import Reinhard2002, estimate_key


def test_one_frame_is_the_curve_with_the_estimated_key(generator):
    image = torch.rand(1, 3, 30, 20, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    light = light_of(image)
    key = float(estimate_key(light, log_mean(light)))
    found = Kiser2012().measure(image)
    stops = float(found["above"] + found["below"])
    expected = Reinhard2002(key=key, white=max(1.0, 1.5 * 2.0 ** (stops - 5.0)))(image)
    torch.testing.assert_close(Kiser2012()(image), expected, rtol=1e-5, atol=0.0)


def test_each_number_leaks():
    old, new = (
        {name: torch.full((1, 1, 1, 1), v) for name in ("middle", "above", "below")} for v in (1.0, 3.0)
    )
    carried = Kiser2012(memory=0.75).carry(new, old)
    assert [float(value) for value in carried.values()] == pytest.approx([1.5, 1.5, 1.5])
    assert Kiser2012().carry(new, None) is new
