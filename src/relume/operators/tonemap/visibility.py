"""The smallest luminance difference that an adapted eye sees, of cones and of rods."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

_LOG_10 = math.log(10.0)
# Light below this adapts no further; both curves have been flat for long.
_DARKEST = 1e-10


def cone_threshold(adaptation: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The difference from a luminance that cones just see, when adapted to it.

    Convention:  cd/m² → cd/m²; flat below 0.0025, proportional (Weber) above 79 cd/m².

    References:  [ferwerda1996], section 3.1.
    """
    return _power_of_10(_cone_log_threshold(_log10(adaptation)))


def rod_threshold(adaptation: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The difference from a luminance that rods just see, when adapted to it.

    Convention:  cd/m² → cd/m²; flat below 1e-4, proportional (Weber) above 0.036 cd/m².

    References:  [ferwerda1996], section 3.1.
    """
    return _power_of_10(_rod_log_threshold(_log10(adaptation)))


def just_visible_difference(adaptation: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The difference from a luminance that the eye just sees: of rods up to 0.96 cd/m², of cones above.

    Convention:  cd/m² → cd/m².

    References:  [larson1997], eq. 5.
    """
    level = _log10(adaptation)
    return _power_of_10(torch.where(level < _CROSSING, _rod_log_threshold(level), _cone_log_threshold(level)))


_CROSSING = -0.0184
"""Log10 of the luminance above which cones see smaller differences than rods."""


def _cone_log_threshold(level: Tensor) -> Tensor:
    bent = (0.249 * level + 0.65).clamp(min=1e-3) ** 2.7 - 0.72
    return torch.where(level <= -2.6, -0.72, torch.where(level >= 1.9, level - 1.255, bent))


def _rod_log_threshold(level: Tensor) -> Tensor:
    bent = (0.405 * level + 1.6).clamp(min=1e-3) ** 2.18 - 2.86
    return torch.where(level <= -3.94, -2.86, torch.where(level >= -1.44, level - 0.395, bent))


def _log10(luminance: Tensor) -> Tensor:
    return luminance.clamp(min=_DARKEST).log10()


def _power_of_10(exponent: Tensor) -> Tensor:
    return (exponent * _LOG_10).exp()
