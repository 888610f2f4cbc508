import pytest
import torch

from relume.filters.screened import fit_screened


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 1), (2, 2), (9, 13)])
def test_is_the_minimum(size, generator):
    """The gradient of the objective, by automatic differentiation, is zero there."""
    height, width = size
    goal = torch.rand(size, generator=generator, dtype=torch.float64)
    right = torch.rand(height, width - 1, generator=generator, dtype=torch.float64).mul(8.0).exp()
    down = torch.rand(height - 1, width, generator=generator, dtype=torch.float64).mul(8.0).exp()
    found = fit_screened(goal, weight=0.3, right=right, down=down).requires_grad_()
    cost = 0.3 * (found - goal).square().sum()
    cost = cost + (right * found.diff(dim=1).square()).sum() + (down * found.diff(dim=0).square()).sum()
    cost.backward()
    assert found.grad is not None
    assert float(found.grad.abs().max()) < 1e-9


def test_without_edges_it_is_the_goal(generator):
    goal = torch.rand(5, 6, generator=generator)
    found = fit_screened(goal, weight=0.1, right=torch.zeros(5, 5), down=torch.zeros(4, 6))
    torch.testing.assert_close(found, goal)
