"""Mean absolute and mean squared difference."""

from jaxtyping import Float
from torch import Tensor

Weight = Float[Tensor, "#batch #channels #height #width"]
"""Of pixels or of whole samples; means are over all pixels, also those of weight 0."""


def l1(
    prediction: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
    *,
    weight: Weight | None = None,
) -> Float[Tensor, ""]:
    """mean(w |p − t|).

    Convention:  any domain; what is compared in a domain of its own goes through `encoding` first.
    """
    difference = (prediction - target).abs()
    return (difference if weight is None else difference * weight).mean()


def l2(
    prediction: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
    *,
    weight: Weight | None = None,
) -> Float[Tensor, ""]:
    """mean(w (p − t)²).

    Convention:  any domain; what is compared in a domain of its own goes through `encoding` first.
    """
    difference = (prediction - target).square()
    return (difference if weight is None else difference * weight).mean()
