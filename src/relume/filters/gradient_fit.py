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

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from relume.filters.pyramid import Rows, add_duplicate, block_sum, divide_by_area, halve, strips
from relume.parallel import for_each

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


def gradient_adjoint(flow: Edges) -> Float[Tensor, "height width"]:
    """What flows into each pixel, less what flows out of it: the adjoint of the gradient of a whole image.

    Of a strip it holds for all rows but the first, into which more may flow from above.
    """
    total = (flow.right + flow.down).neg_()
    total[:, 1:] += flow.right[:, :-1]
    total[1:] += flow.down[:-1]
    return total


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
    levels, spans = _laplacians(weights), strips(*guess.shape)
    solution, residual = guess, divergence
    direction, product = torch.zeros_like(guess), torch.empty_like(guess)
    enough = tolerance**2 * _dot(residual, residual)

    def turn(rows: Rows) -> None:
        part = slice(*rows)
        direction[part].mul_(descent / previous).add_(product[part])

    def advance(rows: Rows) -> None:
        part = slice(*rows)
        solution[part].add_(direction[part], alpha=step)
        residual[part].sub_(product[part], alpha=step)

    residual -= _apply(weights, solution, product)
    descent = 1.0
    for _ in range(_MOST_ITERATIONS):
        if _dot(residual, residual) <= enough:
            break
        _v_cycle(levels, residual, product)
        previous, descent = descent, _dot(residual, product)
        for_each(turn, spans)
        _apply(weights, direction, product)
        step = descent / _dot(direction, product)
        for_each(advance, spans)
    return solution.sub_(solution.mean())


def scale_to_fit(
    weights: list[Edges], divergence: Float[Tensor, "height width"], image: Float[Tensor, "height width"]
) -> Float[Tensor, "height width"]:
    """The multiple of the image that fits best, in place: a guess where gradients derive from its own."""
    product = _apply(weights, image, torch.empty_like(image))
    energy = _dot(image, product)
    return image.mul_(_dot(image, divergence) / energy if energy > 0.0 else 0.0)


def _dot(first: Tensor, second: Tensor) -> float:
    spans = strips(*first.shape)
    sums = [0.0] * len(spans)

    def add(index: int) -> None:
        part = slice(*spans[index])
        sums[index] = float(torch.dot(first[part].flatten(), second[part].flatten()))

    for_each(add, range(len(spans)))
    return math.fsum(sums)


def _apply(weights: list[Edges], image: Tensor, out: Tensor) -> Tensor:
    """A times an image: the Laplacian of this level and, through block means, those of coarser ones."""
    coarse = None
    if len(weights) > 1:
        half = halve(image)
        coarse = divide_by_area(_apply(weights[1:], half, torch.empty_like(half)), *image.shape)

    def apply(rows: Rows) -> None:
        result = _laplacian(weights[0], _with_neighbours(image, rows), rows)
        if coarse is not None:
            add_duplicate(coarse[rows.half], result)
        out[slice(*rows)] = result

    for_each(apply, strips(*image.shape))
    return out


def _with_neighbours(image: Tensor, rows: Rows) -> Tensor:
    """The rows, the one above them and the one below, where there are any."""
    return image[max(rows.top - 1, 0) : rows.bottom + 1]


def _laplacian(weights: Edges, image: Tensor, rows: Rows) -> Tensor:
    """These rows of ∇ᵀ w ∇ of an image of which they are given with their neighbours."""
    first = max(rows.top - 1, 0)
    inner = image[rows.top - first : rows.bottom - first]
    right = inner[:, 1:] - inner[:, :-1]
    right *= weights.right[slice(*rows), :-1].to(image.dtype)
    result = torch.empty_like(inner)
    torch.neg(right, out=result[:, :-1])
    result[:, -1] = 0.0
    result[:, 1:] += right
    down = image[1:] - image[:-1]
    down *= weights.down[first : first + len(down)].to(image.dtype)
    leaving, entering = down[rows.top - first :], down[: rows.bottom - 1 - first]
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

    def set_steps(rows: Rows) -> None:
        right, down = (part[slice(*rows)].float() for part in weights)
        diagonal = right + down
        diagonal[:, 1:] += right[:, :-1]
        diagonal[1:] += down[:-1]
        if rows.top > 0:
            diagonal[0] += weights.down[rows.top - 1]
        steps[slice(*rows)] = diagonal.reciprocal_().mul_(_DAMPING)

    for_each(set_steps, strips(*steps.shape))
    return steps


def _v_cycle(levels: list[_Laplacian], residual: Tensor, out: Tensor) -> Tensor:
    """One symmetric V-cycle from zero: about the image whose Laplacian is the residual."""
    height, width = residual.shape
    if height == width == 1:
        return out.zero_()
    weights, steps = levels[0]
    half = residual.new_empty(((height + 1) // 2, (width + 1) // 2))

    def begin(rows: Rows) -> None:
        part = slice(*rows)
        torch.mul(residual[part], steps[part].to(residual.dtype), out=out[part])

    def restrict(rows: Rows) -> None:
        remaining = residual[slice(*rows)] - _laplacian(weights, _with_neighbours(out, rows), rows)
        half[rows.half] = block_sum(remaining)

    def correct(rows: Rows) -> None:
        add_duplicate(coarse[rows.half], out[slice(*rows)])

    spans = strips(height, width)
    for_each(begin, spans)
    for_each(restrict, spans)
    coarse = _v_cycle(levels[1:], half, torch.empty_like(half))
    for_each(correct, spans)
    _jacobi(levels[0], residual, out)
    return out


def _jacobi(level: _Laplacian, residual: Tensor, image: Tensor) -> None:
    """One step of damped Jacobi in place, strip by strip, each on what its neighbours were before."""

    def step(before: tuple[Rows, Tensor, Tensor]) -> None:
        rows, above, below = before
        part = slice(*rows)
        whole = torch.cat((above, image[part], below))
        change = residual[part] - _laplacian(level.weights, whole, rows)
        image[part].addcmul_(change, level.steps[part].to(change.dtype))

    for_each(
        step,
        [
            (
                rows,
                image[max(rows.top - 1, 0) : rows.top].clone(),
                image[rows.bottom : rows.bottom + 1].clone(),
            )
            for rows in strips(*image.shape)
        ],
    )
