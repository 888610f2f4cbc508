"""ΔE-ITP: colour difference in units of what the most attentive eye can just see.

References:  [bt2124]
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import BT709, BT2020, Primaries, convert
from relume.color.spaces import ictcp
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands

_SCALE = 720.0


def delta_e_itp(
    prediction: Picture, reference: Picture, *, primaries: Primaries = BT709
) -> Float[Tensor, "*batch"]:
    """Mean over pixels of the colour difference; 0 for equal pictures, 1 is just visible.

    Convention:  linear in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture. Cone responses outside 0..10 000 cd/m² are clamped.

    Args:
        primaries: of both pictures.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.

    References:  [bt2124]
    """
    left, right = absolute_operands(prediction, reference)
    return delta_e_itp_map(left, right, primaries=primaries).mean((-3, -2, -1))


def delta_e_itp_map(
    prediction: Float[Tensor, "*batch 3 height width"],
    reference: Float[Tensor, "*batch 3 height width"],
    *,
    primaries: Primaries = BT709,
) -> Float[Tensor, "*batch 1 height width"]:
    """The difference of each pixel, 720 √(ΔI² + ΔT² + ΔP²) with T = Ct/2 and P = Cp."""
    left, right = (ictcp.from_linear(convert(light, primaries, BT2020)) for light in (prediction, reference))
    weights = left.new_tensor((1.0, 0.25, 1.0)).view(3, 1, 1)
    squares = ((left - right).square() * weights).sum(-3, keepdim=True)
    # The root of 0 has no slope: equal pixels take a branch without it.
    differs = squares > 0
    return _SCALE * torch.where(differs, torch.where(differs, squares, 1.0).sqrt(), 0.0)


DELTA_E_ITP = Metric(
    spec=MetricSpec(
        name="delta_e_itp",
        title="Mean colour difference ΔE-ITP",
        unit="ΔE-ITP",
        direction=Direction.LOWER,
        operands=Operands.HDR,
        domain="ICtCp",
        version="BT.2124-0",
        citation="bt2124",
        lowest=0.0,
        identical=0.0,
    ),
    score=full_reference(delta_e_itp),
)
