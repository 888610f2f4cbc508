"""Error in stops where a camera clipped: how far the light that a method invents is from what was there."""

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE
from relume.errors import ImageError
from relume.metrics import Direction, Metric, MetricSpec, Operands, stops_rmse
from relume.metrics.metric import full_reference
from relume.metrics.operands import Picture, absolute_operands


def stops_rmse_clipped(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """Root mean square of the error of log2 luminance, in stops, over the pixels that are above white.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width). A pixel counts when a channel of the reference reaches 203 cd/m², which is where
    simulated cameras clip.

    Raises:
        ImageError: a reference without such a pixel; shapes that differ, NaN, integers, relative light.
    """
    left, right = absolute_operands(prediction, reference)
    clipped = (right >= REFERENCE_WHITE).any(-3)
    if not clipped.flatten(-2).any(-1).all():
        raise ImageError(
            f"no light of the reference reaches {REFERENCE_WHITE:g} cd/m², so nothing counts as clipped; "
            "measure pictures with light above white, or leave stops_rmse_clipped out."
        )
    return stops_rmse(left, right, mask=clipped)


STOPS_RMSE_CLIPPED = Metric(
    spec=MetricSpec(
        name="stops_rmse_clipped",
        title="Error of luminance where the reference is above diffuse white",
        unit="stops",
        direction=Direction.LOWER,
        operands=Operands.HDR,
        domain="log2 of luminance",
        version=f"pixels with a channel from {REFERENCE_WHITE:g} cd/m², floor 0.005 cd/m²",
        citation="hanji2022",
        lowest=0.0,
        identical=0.0,
    ),
    score=full_reference(stops_rmse_clipped),
)
