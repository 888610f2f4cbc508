import pytest
import torch

from relume.response.curve import (
    SAMPLES,
    inverse_curve,
    inverse_lookup,
    lookup,
    monotone,
    pinned,
    sample_points,
)


def curve_of(function, batch=1, dtype=torch.float64):
    return function(sample_points()).to(dtype).expand(batch, -1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lookup_meets_the_samples_and_is_exact_at_the_ends(dtype):
    curve = curve_of(torch.sqrt, dtype=dtype)
    values = sample_points().to(dtype).view(1, 1, 1, SAMPLES).expand(-1, 3, -1, -1)
    found = lookup(values, curve)
    tolerance = 1e-14 if dtype == torch.float64 else 1e-6
    torch.testing.assert_close(found[0, 0], curve, rtol=0, atol=20 * tolerance)
    assert found[0, 0, 0, 0] == 0
    assert found[0, 0, 0, -1] == 1


def test_lookup_saturates_outside_0_to_1():
    values = torch.tensor([-3.0, 1.0 + 1e-6, 1e9]).view(1, 1, 1, 3)
    assert lookup(values, curve_of(torch.sqrt, dtype=torch.float32)).flatten().tolist() == [0.0, 1.0, 1.0]


def test_lookup_is_linear_between_samples_and_each_item_has_its_curve():
    curves = torch.tensor([[0.0, 0.2, 1.0], [0.0, 0.8, 1.0]])
    values = torch.tensor([0.25, 0.75]).expand(2, 1, 1, 2)
    expected = torch.tensor([[0.1, 0.6], [0.4, 0.9]])
    torch.testing.assert_close(lookup(values, curves).flatten(1), expected)


def test_lookup_passes_gradients_to_values_and_curve(generator):
    values = 0.05 + 0.9 * torch.rand(2, 3, 2, 2, generator=generator, dtype=torch.float64)
    curve = curve_of(torch.sqrt, batch=2)[:, ::93].clone()
    assert torch.autograd.gradcheck(lookup, (values.requires_grad_(), curve.requires_grad_()))


def test_the_inverse_undoes_the_curve():
    curve = curve_of(lambda x: x**0.45, batch=2)
    # Sampling costs most where the curve is steepest, at black.
    values = torch.linspace(0.02, 1.0, 500, dtype=torch.float64).expand(2, 1, 1, 500)
    torch.testing.assert_close(lookup(lookup(values, curve), inverse_curve(curve)), values, rtol=0, atol=1e-5)


def test_values_are_found_again_by_the_curve_of_their_item_whatever_its_range(generator):
    curves = torch.stack([curve_of(torch.sqrt)[0], 3.0 * curve_of(torch.square)[0]])
    values = 0.01 + 0.99 * torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(inverse_lookup(lookup(values, curves), curves), values)
    ends = inverse_lookup(torch.tensor([[-1.0, 7.0]], dtype=torch.float64).expand(2, -1), curves)
    assert ends.tolist() == [[0.0, 1.0]] * 2


def test_the_inverse_of_a_flat_part_is_its_brightest_end_and_ends_are_exact():
    curve = torch.tensor([[0.0, 0.5, 0.5, 0.5, 1.0]])
    assert inverse_curve(curve).tolist() == [[0.0, 0.125, 0.75, 0.875, 1.0]]


def test_repair_leaves_good_curves_as_they_are():
    curve = curve_of(lambda x: x**0.45, batch=3)
    torch.testing.assert_close(monotone(curve), curve, rtol=0, atol=1e-12)


def test_repair_is_the_formula_of_the_papers():
    repaired = monotone(torch.tensor([[0.0, 0.4, 0.3, 1.0]], dtype=torch.float64))
    # Steps 0.4, -0.1, 0.7 become 0.5, 0, 0.8; their sum is 1.3.
    expected = torch.tensor([[0.0, 0.5 / 1.3, 0.5 / 1.3, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(repaired, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_repair_makes_any_curve_rise_from_exactly_0_to_exactly_1(generator, dtype):
    wild = torch.randn(20, SAMPLES, generator=generator, dtype=dtype)
    flat_and_reversed = torch.stack([torch.full((SAMPLES,), 0.3), torch.linspace(1, 0, SAMPLES)]).to(dtype)
    repaired = monotone(torch.cat([wild, flat_and_reversed]))
    assert (repaired.diff(dim=1) >= 0).all()
    assert (repaired[:, 0] == 0).all()
    assert (repaired[:, -1] == 1).all()


def test_repair_has_a_gradient(generator):
    curve = torch.rand(2, 9, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(monotone, curve)


def test_pinned_cuts_and_fixes_the_ends():
    assert pinned(torch.tensor([[0.1, -0.2, 0.5, 1.4, 0.9]])).tolist() == [[0.0, 0.0, 0.5, 1.0, 1.0]]
