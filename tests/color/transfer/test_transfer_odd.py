import torch

from relume.color.transfer.odd import odd


def test_mirrors_the_curve():
    values = torch.tensor([-2.0, -0.0, 0.0, 2.0])
    mirrored = odd(values, lambda x: x.square() + 3 * x)
    assert torch.equal(mirrored, torch.tensor([-10.0, 0.0, 0.0, 10.0]))


def test_the_slope_at_zero_is_that_of_the_curve():
    at = torch.tensor([-1.0, -0.0, 0.0, 1.0], requires_grad=True)
    (slope,) = torch.autograd.grad(odd(at, lambda x: x.square() + 3 * x).sum(), at)
    assert torch.equal(slope, torch.tensor([5.0, 3.0, 3.0, 5.0]))
