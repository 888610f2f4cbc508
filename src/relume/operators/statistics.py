"""What operators measure on a whole image, and how they give new luminance to old colours."""

import torch
from jaxtyping import Float
from torch import Tensor

LOG_OFFSET = 1e-6
"""Added before logarithms so that black counts, as the implementations of the field do."""


def log_mean(
    light: Float[Tensor, "batch 1 height width"], *, offset: float = LOG_OFFSET
) -> Float[Tensor, "batch 1 1 1"]:
    """The geometric mean, exp(mean(ln(L + offset))), in the unit of the light."""
    return (light + offset).log_().mean((-2, -1), keepdim=True).exp()


def percentile(light: Float[Tensor, "batch channels height width"], share: float) -> Float[Tensor, "batch 1 1 1"]:
    """The value below which that share (0..1) of all samples lies, without interpolation.

    Convention:  the sorted sample of 1-based index max(round(n·share), 1), half rounded up, channels pooled.
    """
    samples = light.flatten(1)
    count = samples.shape[1]
    index = max(int(count * share + 0.5), 1)
    return samples.kthvalue(index, dim=1).values.view(-1, 1, 1, 1)


def scale_to(
    image: Float[Tensor, "batch 3 height width"],
    old: Float[Tensor, "batch 1 height width"],
    new: Float[Tensor, "batch 1 height width"],
) -> Float[Tensor, "batch 3 height width"]:
    """Multiply each colour by new / old luminance; where there was no light there is none."""
    positive = old > 0
    ratio = torch.where(positive, new / torch.where(positive, old, 1.0), 0.0)
    return image * ratio
