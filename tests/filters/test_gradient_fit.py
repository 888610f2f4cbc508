import pytest
import torch
from torch.nn import functional

from relume.filters import gradient_fit, pyramid
from relume.filters.gradient_fit import (
    Edges,
    add_gradient_adjoint,
    fit_gradients,
    gradient,
    scale_to_fit,
)
from relume.filters.pyramid import mean_pyramid, mean_pyramid_adjoint

SIZES = ((1, 1), (1, 7), (6, 1), (2, 2), (8, 8), (9, 13), (17, 6))


def random_problem(size, generator, *, smallest=1, dtype=torch.float64):
    """Weights over two decades, some levels heavier than others, and contrasts that no image has."""
    weights, goals = [], []
    for level in mean_pyramid(torch.zeros(size, dtype=dtype), smallest=smallest):
        drawn = [torch.rand(level.shape, generator=generator, dtype=dtype) for _ in range(4)]
        for right, down in (drawn[:2], drawn[2:]):
            right[:, -1] = 0.0
            down[-1] = 0.0
        weights.append(Edges(*(100.0 ** drawn[k] * (drawn[k] > 0) for k in range(2))))
        goals.append(Edges(*drawn[2:]))
    return weights, goals


def right_hand_side(weights, goals):
    levels = []
    for weight, goal in zip(weights, goals, strict=True):
        level = torch.zeros_like(goal.right)
        flow = Edges(weight.right * goal.right, weight.down * goal.down)
        add_gradient_adjoint(flow, level, 0, len(level))
        levels.append(level)
    return mean_pyramid_adjoint(levels)


def misfit(image, weights, goals):
    """The objective, written with nothing but differences and block means by their definition."""
    total = image.new_zeros(())
    for weight, goal in zip(weights, goals, strict=True):
        total = total + (weight.right[:, :-1] * (image.diff(dim=1) - goal.right[:, :-1]) ** 2).sum()
        total = total + (weight.down[:-1] * (image.diff(dim=0) - goal.down[:-1]) ** 2).sum()
        image = functional.avg_pool2d(image[None], 2, ceil_mode=True, count_include_pad=False)[0]
    return total


def direct_solution(size, weights, goals):
    """The minimum of mean 0, from the Hessian of the objective by automatic differentiation."""
    zero = torch.zeros(size, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda x: misfit(x, weights, goals), zero)
    slope = torch.autograd.functional.jacobian(lambda x: misfit(x, weights, goals), zero)
    count = zero.numel()
    return -(
        torch.linalg.pinv(hessian.reshape(count, count), rtol=1e-10, hermitian=True) @ slope.flatten()
    ).view(size)


def test_gradient_by_hand():
    image = torch.tensor([[1.0, 4.0], [2.0, 9.0]])
    right, down = gradient(image, 0, 2)
    assert torch.equal(right, torch.tensor([[3.0, 0.0], [7.0, 0.0]]))
    assert torch.equal(down, torch.tensor([[1.0, 5.0], [0.0, 0.0]]))
    assert torch.equal(gradient(image, 0, 1).down, torch.tensor([[1.0, 5.0]]))


@pytest.mark.parametrize("cut", [2, 4, 7])
def test_adjoint_of_the_gradient_in_two_pieces(cut, generator):
    image = torch.rand(7, 5, generator=generator, dtype=torch.float64)
    total, forward = torch.zeros_like(image), 0.0
    for top, bottom in ((0, cut), (cut, 7)):
        edges = gradient(image, top, bottom)
        others = Edges(*(torch.rand(edge.shape, generator=generator, dtype=edge.dtype) for edge in edges))
        others.right[:, -1] = 0.0
        others.down[7 - top - 1 :] = 0.0
        forward += sum(float((a * b).sum()) for a, b in zip(edges, others, strict=True))
        add_gradient_adjoint(others, total, top, bottom)
    assert float((image * total).sum()) == pytest.approx(forward)


@pytest.mark.parametrize("size", SIZES)
def test_agrees_with_a_direct_solution(size, generator):
    weights, goals = random_problem(size, generator)
    divergence = right_hand_side(weights, goals)
    solved = fit_gradients(weights, divergence, torch.zeros(size, dtype=torch.float64), tolerance=1e-10)
    assert torch.allclose(solved, direct_solution(size, weights, goals), rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("size", [(9, 13), (17, 6)])
def test_error_at_the_tolerance_that_is_the_default(size, generator):
    weights, goals = random_problem(size, generator, dtype=torch.float32)
    solved = fit_gradients(weights, right_hand_side(weights, goals), torch.zeros(size)).double()
    expected = direct_solution(
        size, *([Edges(*(e.double() for e in p)) for p in q] for q in (weights, goals))
    )
    assert float((solved - expected).abs().max()) < 2e-3 * float(expected.max() - expected.min())


def test_gradients_of_an_image_give_the_image_whatever_the_weights(generator):
    image = torch.randn(33, 50, generator=generator, dtype=torch.float64)
    weights, _ = random_problem((33, 50), generator)
    goals = [gradient(level, 0, len(level)) for level in mean_pyramid(image, smallest=1)]
    guess = torch.full_like(image, 2.0)
    solved = fit_gradients(weights, right_hand_side(weights, goals), guess, tolerance=1e-9)
    assert torch.allclose(solved, image - image.mean(), rtol=0.0, atol=1e-7)


def test_scale_to_fit_finds_the_factor(generator):
    image = torch.randn(20, 31, generator=generator, dtype=torch.float64)
    weights, _ = random_problem((20, 31), generator)
    goals = [gradient(0.3 * level, 0, len(level)) for level in mean_pyramid(image, smallest=1)]
    scaled = scale_to_fit(weights, right_hand_side(weights, goals), image.clone())
    assert torch.allclose(scaled, 0.3 * image)


@pytest.mark.parametrize("size", [(64, 64), (151, 210), (20, 700)])
def test_at_most_40_iterations_for_weights_over_two_decades(size, generator, monkeypatch):
    weights, goals = random_problem(size, generator, smallest=3, dtype=torch.float32)
    monkeypatch.setattr(gradient_fit, "_MOST_ITERATIONS", 40)
    target = right_hand_side(weights, goals)
    solved = fit_gradients(weights, target.clone(), torch.zeros(size))
    product = gradient_fit._apply(weights, solved, torch.empty_like(solved))
    assert float((product - target).norm()) < 1.1 * gradient_fit.TOLERANCE * float(target.norm())


def test_strips_change_nothing(generator, monkeypatch):
    weights, goals = random_problem((61, 30), generator)
    target = right_hand_side(weights, goals)
    whole = fit_gradients(weights, target.clone(), torch.zeros_like(target))
    monkeypatch.setattr(pyramid, "STRIP_PIXELS", 200)
    assert torch.allclose(
        fit_gradients(weights, target, torch.zeros_like(target)), whole, rtol=0.0, atol=1e-9
    )
