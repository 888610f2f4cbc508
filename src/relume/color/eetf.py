"""The EETF of ITU-R BT.2390: from the range of a mastering display to that of another.

References:  [bt2390], section 5.4.1.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def eetf(
    code: Float[Tensor, "*shape"], low: Float[Tensor, "*ends"], high: Float[Tensor, "*ends"]
) -> Float[Tensor, "*shape"]:
    """Codes of the master to those of the display, both as a share of the range of the master.

    Convention:  PQ codes relative to black and white of the master, outside 0..1 too.

    Args:
        low: black of the display; the ends broadcast against the codes.
        high: white of the display; from 1 up nothing is compressed.

    References:  [bt2390], section 5.4.1.
    """
    high = high.clamp(max=1.0)
    knee = 1.5 * high - 0.5
    room = (1.0 - knee).clamp(min=1e-6)
    t = ((code - knee) / room).clamp(0.0, 1.0)
    spline = (
        (2.0 * t**3 - 3.0 * t**2 + 1.0) * knee
        + (t**3 - 2.0 * t**2 + t) * room
        + (-2.0 * t**3 + 3.0 * t**2) * high
    )
    compressed = torch.where((code < knee) | (high >= 1.0), code, spline)
    return compressed + low * (1.0 - compressed) ** 4
