"""Local region maps: a picture cut into bands of brightness that hold about as many pixels each.

The bands follow the cumulative histogram of the whole picture, channel by channel, so that they stay where
they are when the exposure changes. Band 1 is the brightest. All pixels of one value share a band; where a
value is very frequent, a blown sky, the bands differ in size, and some are empty.

References:  [oh2022], section 2.1, eq. 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def band_thresholds(
    image: Float[Tensor, "batch 3 height width"], *, bands: int
) -> list[Float[Tensor, "batch 3 1 1"]]:
    """The smallest value of each band but the darkest, from the second darkest upwards.

    With C(v) the share of pixels whose value is at most v, v is in band n where
    1 − n/N < C(v) ≤ 1 − (n − 1)/N, that is, in band N + 1 − ⌈N C(v)⌉. C(v) exceeds m/N from the value on
    that stands at place ⌊m · pixels / N⌋, counted from 0, of the sorted pixels.

    Convention:  any domain; the channels are independent.
    """
    ordered = image.flatten(2).sort(-1).values
    ranks = [m * ordered.shape[-1] // bands for m in range(1, bands)]
    return [ordered[..., rank, None, None] for rank in ranks]


def region_maps(
    image: Float[Tensor, "batch 3 height width"], thresholds: list[Float[Tensor, "batch 3 1 1"]]
) -> list[Float[Tensor, "batch 3 height width"]]:
    """The picture within each band and 0 outside, from the brightest band to the darkest.

    Convention:  the maps add up to the image.
    """
    level = sum(((image >= threshold).to(torch.int8) for threshold in thresholds), torch.zeros_like(image))
    return [image * (level == index) for index in range(len(thresholds), -1, -1)]
