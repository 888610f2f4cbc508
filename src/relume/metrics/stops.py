"""Error in stops: by how many doublings of light a prediction is wrong, all over or where light was lost."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from relume.color.luminance import luminance
from relume.errors import ImageError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands
from relume.metrics.pu21 import LOWEST

# Nameless, so that a mask of another size reaches the sentence that says so.
Mask = Bool[np.ndarray, "_ _"] | Bool[Tensor, "... _ _"]
"""Which pixels count: an array (height, width), or a tensor (..., height, width) for each picture or all."""


def stops_rmse(
    prediction: Picture, reference: Picture, *, mask: Mask | None = None, floor: float = LOWEST
) -> Float[Tensor, "*batch"]:
    """Root mean square of the error of log2 luminance, in stops; 0 for equal pictures.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture, NaN where its mask is empty.

    Args:
        mask: which pixels count, such as those that the input had clipped; None takes all.
        floor: darker light counts as that many cd/m².

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.
    """
    left, right = absolute_operands(prediction, reference)
    squares = stops_error(left, right, floor=floor).square().squeeze(-3)
    if mask is None:
        return root(squares.mean((-2, -1)))
    counted = torch.as_tensor(mask, device=squares.device)
    if counted.shape[-2:] != squares.shape[-2:]:
        raise ImageError(
            f"the mask has {tuple(counted.shape[-2:])} pixels (height, width) and the pictures "
            f"{tuple(squares.shape[-2:])}; expected the same size."
        )
    counted = counted.expand(squares.shape)
    return root(torch.where(counted, squares, 0.0).sum((-2, -1)) / counted.sum((-2, -1)))


def stops_error(
    prediction: Float[Tensor, "*batch 3 height width"],
    reference: Float[Tensor, "*batch 3 height width"],
    *,
    floor: float = LOWEST,
) -> Float[Tensor, "*batch 1 height width"]:
    """log2 of the ratio of luminance, positive where the prediction is too bright."""
    left, right = (luminance(light).clamp(min=floor).log2() for light in (prediction, reference))
    return left - right


def root(square: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The square root, with slope 0 at 0."""
    return torch.where(square == 0, square, torch.where(square == 0, 1.0, square).sqrt())


STOPS_RMSE = Metric(
    spec=MetricSpec(
        name="stops_rmse",
        title="Error of luminance over the whole picture",
        unit="stops",
        direction=Direction.LOWER,
        operands=Operands.HDR,
        domain="log2 of luminance",
        version="floor 0.005 cd/m²",
        citation="hanji2022",
        lowest=0.0,
        identical=0.0,
    ),
    score=full_reference(stops_rmse),
)
