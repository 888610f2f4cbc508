"""Odd symmetry: how curves that are defined for light go on below zero, so that no colour is lost."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor


def odd(values: Float[Tensor, "*shape"], curve: Callable[[Tensor], Tensor]) -> Float[Tensor, "*shape"]:
    """Apply a curve of non-negative numbers to any numbers, f(-x) = -f(x).

    The slope at 0 is that of the curve. (`abs` and `copysign` would say 0, and black pixels never learn.)
    """
    sign = values.new_ones(()).copysign(values.detach())
    return curve(values * sign) * sign
