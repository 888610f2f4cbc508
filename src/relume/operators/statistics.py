"""What operators measure on a whole image, and how they give new luminance to old colours."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import luminance

LOG_OFFSET = 1e-6
"""Added before logarithms so that black counts, as the implementations of the field do."""

# Whole images are measured strip by strip, so that temporaries stay in the cache.
_STRIP_PIXELS = 1 << 16


def strips(
    image: Float[Tensor, "batch channels height width"],
) -> tuple[Float[Tensor, "batch channels _ width"], ...]:
    """Views of a few rows each that together are the image, from the top down."""
    return torch.split(image, max(1, _STRIP_PIXELS // image.shape[-1]), dim=-2)


def light_of(image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Luminance of a whole image, with that of colours outside the gamut raised to at least 0.

    Convention:  linear BT.709; the unit of the image.
    """
    return torch.cat([luminance(strip).clamp(min=0.0) for strip in strips(image)], dim=-2)


def log_mean(
    light: Float[Tensor, "batch 1 height width"], *, offset: float = LOG_OFFSET
) -> Float[Tensor, "batch 1 1 1"]:
    """The geometric mean, exp(mean(ln(L + offset))), in the unit of the light, which is not negative."""
    sums = [(strip + offset).log().sum((-2, -1), keepdim=True) for strip in strips(light)]
    return (torch.stack(sums).sum(0) / light[0].numel()).exp()


def percentile(
    light: Float[Tensor, "batch channels height width"], share: float
) -> Float[Tensor, "batch 1 1 1"]:
    """The value below which that share (0..1) of all samples lies, without interpolation.

    Convention:  the sorted sample of 1-based index max(round(n·share), 1), half rounded up, channels pooled.
    """
    samples = light.flatten(1)
    rank = max(int(samples.shape[1] * share + 0.5), 1)
    if samples.requires_grad or samples.device.type != "cpu":
        found = samples.kthvalue(rank, dim=1).values
    else:  # the same value in a fifth of the time
        found = torch.from_numpy(np.partition(samples.numpy(), rank - 1, axis=1)[:, rank - 1].copy())
    return found.view(-1, 1, 1, 1)


def stops_of(
    light: Float[Tensor, "batch 1 height width"], mean: Float[Tensor, "batch 1 1 1"], *, offset: float
) -> tuple[Float[Tensor, "batch 1 1 1"], Float[Tensor, "batch 1 1 1"], Float[Tensor, "batch 1 1 1"]]:
    """The dark end, the log mean and the bright end of the light as log2(L + offset).

    Convention:  the ends are the 1st and the 99th percentile, which single pixels do not move.
    """
    low, high = percentile(light, 0.01), percentile(light, 0.99)
    return (low + offset).log2(), (mean + offset).log2(), (high + offset).log2()


def power(
    base: Float[Tensor, "batch channels height width"], exponent: float | Float[Tensor, "batch 1 1 1"]
) -> Float[Tensor, "batch channels height width"]:
    """base^exponent for a positive base, by way of the binary logarithm: half the time of `pow`."""
    return (base.log2() * exponent).exp2()


def scale_to(
    image: Float[Tensor, "batch 3 height width"],
    old: Float[Tensor, "batch 1 height width"],
    new: Float[Tensor, "batch 1 height width"],
) -> Float[Tensor, "batch 3 height width"]:
    """Multiply each colour by new / old luminance; where there was no light there is none."""
    return image * gain(old, new)


def gain(
    old: Float[Tensor, "batch 1 height width"], new: Float[Tensor, "batch 1 height width"]
) -> Float[Tensor, "batch 1 height width"]:
    """What each colour is multiplied with for a new luminance; 0 where there was no light."""
    positive = old > 0
    return torch.where(positive, new / torch.where(positive, old, 1.0), 0.0)
