"""The image whose gradients, at all levels of a pyramid, come nearest to wanted ones.

Minimises Σ_k Σ_edges w_k (∇ P_k x - g_k)², where P_k x is level k of the pyramid of block means of x. The
normal equations A x = Σ_k P_kᵀ ∇ᵀ (w_k g_k) with A = Σ_k P_kᵀ ∇ᵀ w_k ∇ P_k are solved by conjugate gradients.
A V-cycle of multigrid preconditions them. Its operator of level k is a weighted Laplacian that stands for
the terms of this level and of all finer ones; one step of damped Jacobi before and after, block sums down,
copies up. Iterations hardly grow with the image: about ten for a photograph, thirty where the weights of
neighbouring edges are random over two decades.

References:  [mantiuk2006], section 5, for the problem; [briggs2000], chapters 3 and 7, for multigrid;
             [tatebe1993] for the V-cycle as a preconditioner.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from relume.filters.pyramid import add_duplicate, block_sum, divide_by_area, halve, strips

TOLERANCE = 1e-3
"""Norm of the residual of the normal equations, relative to that of their right-hand side."""

_MOST_ITERATIONS = 100
_DAMPING = 0.9


class Edges(NamedTuple):
    """One value for each pair of neighbours. The last column of `right` and the last row of `down` are 0."""

    right: Float[Tensor, "height width"]
    """Between a pixel and the one to its right."""
    down: Float[Tensor, "height width"]
    """Between a pixel and the one below."""


def gradient(image: Float[Tensor, "height width"], top: int, bottom: int) -> Edges:
    """Differences of the pixels in rows top..bottom to their right and lower neighbours."""
    rows = image[top:bottom]
    right, down = torch.zeros_like(rows), torch.zeros_like(rows)
    torch.sub(rows[:, 1:], rows[:, :-1], out=right[:, :-1])
    below = image[top + 1 : bottom + 1]
    torch.sub(below, rows[: len(below)], out=down[: len(below)])
    return Edges(right, down)


def add_gradient_adjoint(flow: Edges, total: Float[Tensor, "height width"], top: int, bottom: int) -> None:
    """Add the adjoint of `gradient` of the edges that belong to rows top..bottom to the whole image."""
    rows = total[top:bottom]
    rows -= flow.right
    rows[:, 1:] += flow.right[:, :-1]
    rows -= flow.down
    below = total[top + 1 : bottom + 1]
    below += flow.down[: len(below)]


def fit_gradients(
    weights: list[Edges],
    divergence: Float[Tensor, "height width"],
    guess: Float[Tensor, "height width"],
    *,
    tolerance: float = TOLERANCE,
) -> Float[Tensor, "height width"]:
    """Solve A x = divergence for the x of mean 0; any constant could be added.

    Args:
        weights: non-negative, finest level first, in any floating-point type; level k has the size of
            level k of `mean_pyramid`.
        divergence: the right-hand side, Σ_k P_kᵀ ∇ᵀ (w_k g_k). Overwritten.
        guess: where to begin. Overwritten with the result.
        tolerance: largest norm of the residual, relative to that of the right-hand side.
    """
    levels = _laplacians(weights)
    solution, residual = guess, divergence
    enough = tolerance * float(torch.linalg.vector_norm(residual))
    product = torch.empty_like(residual)
    residual -= _apply(weights, solution, product)
    direction, descent = torch.zeros_like(residual), 1.0
    for _ in range(_MOST_ITERATIONS):
        if float(torch.linalg.vector_norm(residual)) <= enough:
            break
        correction = _v_cycle(levels, residual, product)
        previous, descent = descent, _dot(residual, correction)
        torch.add(correction, direction, alpha=descent / previous, out=direction)
        _apply(weights, direction, product)
        step = descent / _dot(direction, product)
        solution.add_(direction, alpha=step)
        residual.sub_(product, alpha=step)
    return solution.sub_(solution.mean())


def scale_to_fit(
    weights: list[Edges], divergence: Float[Tensor, "height width"], image: Float[Tensor, "height width"]
) -> Float[Tensor, "height width"]:
    """The multiple of the image that fits best, in place: a guess where gradients derive from its own."""
    product = _apply(weights, image, torch.empty_like(image))
    energy = _dot(image, product)
    return image.mul_(_dot(image, divergence) / energy if energy > 0.0 else 0.0)


def _dot(first: Tensor, second: Tensor) -> float:
    return float(torch.dot(first.flatten(), second.flatten()))


def _apply(weights: list[Edges], image: Tensor, out: Tensor) -> Tensor:
    """A times an image: the Laplacian of this level and, through block means, those of coarser ones."""
    height, width = image.shape
    coarse = None
    if len(weights) > 1:
        half = halve(image)
        coarse = divide_by_area(_apply(weights[1:], half, torch.empty_like(half)), height, width)
    for top, bottom in strips(height, width):
        out[top:bottom] = _laplacian(weights[0], image, top, bottom)
        if coarse is not None:
            add_duplicate(coarse[top // 2 : (bottom + 1) // 2], out[top:bottom])
    return out


def _laplacian(weights: Edges, image: Tensor, top: int, bottom: int) -> Tensor:
    """Rows top..bottom of ∇ᵀ w ∇ image."""
    rows = image[top:bottom]
    right = rows[:, 1:] - rows[:, :-1]
    right *= weights.right[top:bottom, :-1].to(image.dtype)
    result = torch.empty_like(rows)
    torch.neg(right, out=result[:, :-1])
    result[:, -1] = 0.0
    result[:, 1:] += right
    first, last = max(top - 1, 0), min(bottom + 1, len(image))
    down = image[first + 1 : last] - image[first : last - 1]
    down *= weights.down[first : last - 1].to(image.dtype)
    leaving, entering = down[top - first :], down[: bottom - 1 - first]
    result[: len(leaving)] -= leaving
    result[len(result) - len(entering) :] += entering
    return result


class _Laplacian(NamedTuple):
    """A level of multigrid."""

    weights: Edges
    steps: Tensor
    """What a residual is multiplied with in a step of damped Jacobi."""


def _laplacians(weights: list[Edges]) -> list[_Laplacian]:
    """A Laplacian per level, down to one pixel, that stands for the terms of this level and all finer ones.

    A coarse edge takes half the sum of the two fine edges that cross it: the energy of a smooth image stays.
    """
    levels = [weights[0]]
    while max(levels[-1].right.shape) > 1:
        right, down = levels[-1]
        finer = Edges(_crossing(right), _crossing(down.mT).mT)
        own = weights[len(levels)] if len(levels) < len(weights) else None
        levels.append(finer if own is None else Edges(finer.right + own.right, finer.down + own.down))
    return [_Laplacian(level, _jacobi_steps(level)) for level in levels]


def _crossing(right: Tensor) -> Tensor:
    """Half the sum over the two rows of a block of the edges that leave the block to the right."""
    leaving = right[:, 1::2]
    pairs = leaving[::2].clone()
    pairs[: len(leaving) // 2] += leaving[1::2]
    crossing = pairs.new_zeros((len(pairs), (right.shape[1] + 1) // 2))
    torch.mul(pairs, 0.5, out=crossing[:, : pairs.shape[1]])
    return crossing


def _jacobi_steps(weights: Edges) -> Tensor:
    """The damped inverse of the diagonal of ∇ᵀ w ∇, in the precision of the weights."""
    steps = torch.empty_like(weights.right)
    for top, bottom in strips(*steps.shape):
        right, down = weights.right[top:bottom].float(), weights.down[top:bottom].float()
        diagonal = right + down
        diagonal[:, 1:] += right[:, :-1]
        diagonal[1:] += down[:-1]
        if top > 0:
            diagonal[0] += weights.down[top - 1]
        steps[top:bottom] = diagonal.reciprocal_().mul_(_DAMPING)
    return steps


def _v_cycle(levels: list[_Laplacian], residual: Tensor, out: Tensor) -> Tensor:
    """One symmetric V-cycle from zero: about the image whose Laplacian is the residual."""
    height, width = residual.shape
    if height == width == 1:
        return out.zero_()
    weights, steps = levels[0]
    spans = strips(height, width)
    for top, bottom in spans:
        torch.mul(residual[top:bottom], steps[top:bottom].to(residual.dtype), out=out[top:bottom])
    half = residual.new_empty(((height + 1) // 2, (width + 1) // 2))
    for top, bottom in spans:
        remaining = residual[top:bottom] - _laplacian(weights, out, top, bottom)
        half[top // 2 : (bottom + 1) // 2] = block_sum(remaining)
    coarse = _v_cycle(levels[1:], half, torch.empty_like(half))
    for top, bottom in spans:
        add_duplicate(coarse[top // 2 : (bottom + 1) // 2], out[top:bottom])
    _jacobi(levels[0], residual, out)
    return out


def _jacobi(level: _Laplacian, residual: Tensor, image: Tensor) -> None:
    """One step of damped Jacobi in place, strip by strip, each on what its neighbours were before."""
    pending: list[tuple[Tensor, Tensor]] = []
    for top, bottom in strips(*residual.shape):
        change = residual[top:bottom] - _laplacian(level.weights, image, top, bottom)
        change *= level.steps[top:bottom].to(change.dtype)
        pending.append((image[top:bottom], change))
        if len(pending) == 2:
            _add(*pending.pop(0))
    _add(*pending.pop())


def _add(rows: Tensor, change: Tensor) -> None:
    rows += change
