import pytest
import torch

from relume.operators.tonemap.agx import Agx, polynomial, sigmoid


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("curve", "key"), [("sigmoid", "sigmoid"), ("polynomial", "poly6")])
def test_agrees_with_the_formula(curve, key, dtype, curves):
    colours, expected = (
        torch.tensor([row[name] for row in curves["agx_base_encoded"]], dtype=torch.float64).T[None, :, None]
        for name in ("rgb", key)
    )
    result = Agx(curve=curve)(colours.to(dtype)).double()
    torch.testing.assert_close(result, expected, rtol=2e-6 if dtype == torch.float32 else 1e-9, atol=0.0)


def test_curves_end_where_they_should(curves):
    points = curves["agx_curve_end_points"]
    place = torch.tensor(points["t"], dtype=torch.float64)
    assert sigmoid(place).tolist() == pytest.approx(points["sigmoid"], abs=1e-6)
    assert polynomial(place).tolist() == pytest.approx(points["poly6"], abs=1e-9)


def test_sigmoid_has_slope_two_at_the_pivot():
    place = torch.tensor([20 / 33 - 1e-5, 20 / 33 + 1e-5], dtype=torch.float64)
    low, high = sigmoid(place)
    assert float(high - low) / 2e-5 == pytest.approx(2.0, rel=1e-6)


def test_middle_grey_stays_in_the_middle():
    result = Agx()(torch.full((1, 3, 1, 1), 0.18, dtype=torch.float64))
    assert result.flatten().tolist() == pytest.approx([0.5] * 3, abs=1e-4)


def test_looks_do_what_they_say():
    image = torch.tensor([0.4, 0.2, 0.1], dtype=torch.float64).view(1, 3, 1, 1)
    base, golden, punchy = (Agx(look=look)(image).flatten() for look in ("base", "golden", "punchy"))
    assert golden[2] / golden[0] < 0.8 * base[2] / base[0]
    assert punchy[0] - punchy[2] > 1.1 * (base[0] - base[2])
