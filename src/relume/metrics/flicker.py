"""Flicker of clips: changes of luminance from frame to frame that the reference does not have.

With l the log2 of luminance and d = (l'[t+1] − l'[t]) − (l[t+1] − l[t]) at each pixel, prediction less
reference: global flicker is the root mean square over time of the mean of d over the frame, the brightness of
the whole picture that jumps; local flicker is that of what is left of d, regions that boil. A gain or a tone
curve that is the same in all frames of a still scene gives neither; where things move, a curve other than the
reference's changes with them, and counts.

References:  [guthier2011] for log-average brightness over time as the measure of flicker
"""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from relume.errors import ImageError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands
from relume.metrics.stops import root, stops_error


def flicker(prediction: Picture, reference: Picture) -> Float[Tensor, ""]:
    """Global flicker: how much the brightness of whole frames jumps, in stops from frame to frame.

    Convention:  clips (frames, 3, height, width) of linear BT.709 in cd/m²; light below 0.005 cd/m² counts as
    that much. 0 where the changes are those of the reference.

    Raises:
        ImageError: fewer than two frames, shapes that differ, NaN, integers, relative light.

    References:  [guthier2011]
    """
    change = _excess_change(prediction, reference)
    return root(change.mean((-3, -2, -1)).square().mean())


def flicker_local(prediction: Picture, reference: Picture) -> Float[Tensor, ""]:
    """Local flicker: how much pixels jump beside what the whole frame does, in stops from frame to frame.

    Convention, Raises:  as `flicker`.
    """
    change = _excess_change(prediction, reference)
    return root((change - change.mean((-3, -2, -1), keepdim=True)).square().mean())


def _excess_change(prediction: Picture, reference: Picture) -> Float[Tensor, "changes 1 height width"]:
    left, right = absolute_operands(prediction, reference)
    if left.ndim != 4 or len(left) < 2:
        raise ImageError(
            f"flicker needs a clip of at least two frames, (frames, 3, height, width); this is "
            f"{tuple(left.shape)} (channels first)."
        )
    return stops_error(left, right).diff(dim=0)


FLICKER = Metric(
    spec=MetricSpec(
        name="flicker",
        title="Flicker of whole frames",
        unit="stops",
        direction=Direction.LOWER,
        operands=Operands.CLIP,
        domain="log2 of luminance",
        version="1, floor 0.005 cd/m²",
        citation="guthier2011",
        lowest=0.0,
        identical=0.0,
    ),
    score=full_reference(flicker),
)
FLICKER_LOCAL = Metric(
    spec=replace(FLICKER.spec, name="flicker_local", title="Flicker inside frames"),
    score=full_reference(flicker_local),
)
