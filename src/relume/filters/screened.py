"""The image that is near another one and changes only where edges let it.

Minimises Σ w (x - g)² + Σ_edges a (∇x)², that is, solves (w + ∇ᵀ a ∇) x = w g. The weights of edges span five
decades and follow the outlines of things, which multigrid with square blocks does not see: it was tried as a
preconditioner of conjugate gradients and needed hundreds of iterations. A direct solution with an ordering
for symmetric matrices takes 3 s for a quarter of a megapixel; who has more pixels reduces them first.

References:  [lischinski2006], eqs. 1 and 2.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def fit_screened(
    goal: Float[Tensor, "height width"],
    *,
    weight: float,
    right: Float[Tensor, "height _"],
    down: Float[Tensor, "_ width"],
) -> Float[Tensor, "height width"]:
    """Solve (weight + ∇ᵀ a ∇) x = weight · goal, to rounding.

    Convention:  any domain and unit. Computed in float64 on the CPU, whatever the type and device.

    Args:
        goal: g.
        weight: w, positive.
        right: a of each edge to the right, non-negative, one column less than the image.
        down: a of each edge downwards, one row less.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    height, width = goal.shape
    beside, below = np.zeros((height, width)), np.zeros((height, width))
    beside[:, : width - 1], below[: height - 1] = right.cpu().numpy(), down.cpu().numpy()
    diagonal = weight + beside + below
    diagonal[:, 1:] += beside[:, :-1]
    diagonal[1:] += below[:-1]
    bands = {0: diagonal.ravel()}
    # In a picture of one column the neighbour below is the next pixel too.
    for step, edges in ((1, beside), (width, below)):
        if step < goal.numel():
            band = -edges.ravel()[: goal.numel() - step] + bands.get(step, 0.0)
            bands |= {step: band, -step: band}
    matrix = diags_array(list(bands.values()), offsets=list(bands), format="csc")
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solution = factors.solve(weight * goal.detach().double().cpu().numpy().ravel())
    return torch.from_numpy(solution).view(height, width).to(goal)
