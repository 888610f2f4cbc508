"""Curves given by a formula.

Each function takes parameters of shape (batch,) and gives curves (batch, 1024), irradiance → code, that rise
from exactly 0 to exactly 1, in the precision and on the device of the parameters.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.response.curve import pinned, sample_points

_Parameter = Float[Tensor, " batch"]
_Curves = Float[Tensor, "batch samples"]


def gamma_curve(exponent: _Parameter) -> _Curves:
    """x^(1/γ)."""
    return pinned(_points(exponent) ** (1.0 / exponent[:, None]))


def toe_curve(exponent: _Parameter, offset: _Parameter) -> _Curves:
    """(1 + a)·x^(1/γ) - a, and a straight line through black that touches it: the form of sRGB and BT.709.

    Convention:  γ > 1, a > 0; sRGB is γ = 2.4, a = 0.055.
    """
    x, gamma, a = _points(exponent), exponent[:, None], offset[:, None]
    joint = (a * gamma / ((1.0 + a) * (gamma - 1.0))) ** gamma
    slope = (1.0 + a) / gamma * joint ** (1.0 / gamma - 1.0)
    return pinned(torch.where(x < joint, slope * x, (1.0 + a) * x ** (1.0 / gamma) - a))


def sigmoid_curve(exponent: _Parameter, offset: _Parameter) -> _Curves:
    """(1 + s)·x^n / (x^n + s): film, steep in the dark and flat in the light.

    References:  [eilertsen2017], eq. 4.
    """
    power, s = _points(exponent) ** exponent[:, None], offset[:, None]
    return pinned((1.0 + s) * power / (power + s))


def log_curve(strength: _Parameter) -> _Curves:
    """ln(1 + k·x) / ln(1 + k): for k = 2^s, about s stops above the darkest are encoded evenly."""
    return pinned((_points(strength) * strength[:, None]).log1p() / strength[:, None].log1p())


def with_contrast(curve: _Curves, contrast: _Parameter, darkening: _Parameter) -> _Curves:
    """y^c / (y^c + d·(1 - y)^c) of the codes y: an S for c > 1, darker for d > 1, nothing for c = d = 1."""
    bright, dark = curve ** contrast[:, None], (1.0 - curve) ** contrast[:, None]
    return pinned(bright / (bright + darkening[:, None] * dark))


def _points(parameter: _Parameter) -> Float[Tensor, "1 samples"]:
    return sample_points().to(parameter)[None]
