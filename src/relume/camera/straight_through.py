"""The straight-through estimator: forward one thing, backward as if it had not been done.

References:  [bengio2013].
"""

from jaxtyping import Float
from torch import Tensor


def straight_through(
    value: Float[Tensor, "*shape"], replacement: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The replacement to the last bit, with the gradient of the value."""
    # value - value.detach() is exactly 0; value + (replacement - value) would round.
    return replacement.detach() + (value - value.detach()) if value.requires_grad else replacement
