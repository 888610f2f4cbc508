"""Masking: differences in a band are harder to see where both pictures have contrast there.

References:  [mantiuk2011], section 3.5
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.metrics.visibility.pyramid import Bands
from relume.metrics.visibility.resize import resize_to


def signed_power(values: Float[Tensor, "*shape"], exponent: float) -> Float[Tensor, "*shape"]:
    """sgn(x) |x|^e; for e below 1 the gradient at zero is zero, and zero becomes the least number."""
    magnitude = values.abs()
    if exponent < 1.0:
        magnitude = magnitude.clamp(min=torch.finfo(values.dtype).tiny)
    return magnitude.pow(exponent).copysign(values)


def mutual_contrast(
    prediction: Float[Tensor, "batch orientations height width"],
    reference: Float[Tensor, "batch orientations height width"],
) -> Float[Tensor, "batch orientations height width"]:
    """The smaller magnitude of both, averaged over 3×3 coefficients; outside the band it is zero."""
    smaller = torch.minimum(prediction.abs(), reference.abs())
    return functional.avg_pool2d(smaller, 3, stride=1, padding=1)


def other_orientations(
    mutual: Float[Tensor, "batch orientations height width"],
) -> Float[Tensor, "batch orientations height width"]:
    """Mutual contrast of the same band in all orientations but one's own."""
    return (mutual.sum(1, keepdim=True) - mutual).clamp(min=0.0)


def neighbouring_bands(
    mutual: Bands, band: int, *, scales: tuple[float, float] = (1.0, 1.0)
) -> Float[Tensor, "batch orientations height width"]:
    """Mutual contrast of the next finer and the next coarser band, brought to the size of this one.

    A neighbour without orientations serves all; of an oriented neighbour of a band without, the first
    orientation is taken. The base band has no influence, and is influenced by the finer band only.

    Args:
        scales: factors of the finer and of the coarser band.
    """
    own = mutual[band]
    total = torch.zeros_like(own)
    last = len(mutual) - 1
    neighbours = ((band - 1, scales[0], band > 0), (band + 1, scales[1], band + 1 < last))
    for other, scale, present in neighbours:
        if present:
            of_same_orientation = mutual[other][:, : own.shape[1]]
            total = total + scale * resize_to(of_same_orientation, own).clamp(min=0.0)
    return total
