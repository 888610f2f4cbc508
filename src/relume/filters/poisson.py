"""Poisson's equation on a rectangle, solved exactly by cosine and sine transforms."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from relume.filters.trigonometric import (
    cosine_transform,
    frequencies,
    inverse_cosine_transform,
    sine_transform,
)


def solve_poisson_neumann(
    divergence: Float[Tensor, "batch 1 height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """The image of mean 0 whose Laplacian this is; no gradient crosses the border.

    Convention:  any unit, in float64. The divergence is that by backward differences of gradients by forward
        differences; its mean should be 0 and is taken out otherwise.
    """
    down, right = (2.0 * frequencies(n, divergence).cos() - 2.0 for n in divergence.shape[-2:])
    eigenvalues = down[:, None] + right
    eigenvalues[0, 0] = math.inf
    return inverse_cosine_transform(cosine_transform(divergence) / eigenvalues)


def solve_poisson_dirichlet(
    divergence: Float[Tensor, "batch 1 height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """The image, with zeros around it, whose Laplacian this is.

    Convention:  any unit, in float64.
    """
    down, right = (
        2.0
        * torch.arange(1, n + 1, dtype=divergence.dtype, device=divergence.device)
        .mul(math.pi / (n + 1))
        .cos()
        - 2.0
        for n in divergence.shape[-2:]
    )
    return sine_transform(sine_transform(divergence) / (down[:, None] + right))
