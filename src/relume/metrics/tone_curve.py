"""The tone-curve ("CRF") correction: take away what a fit of curve and colour explains before measuring.

A method cannot know with which camera curve its input was made. An error of that curve is global, hardly
seen and easily put right, but it outweighs everything else in a metric. So the prediction is first brought
as close to the reference as one smooth curve and one smooth change of colour allow.

References:  [hanji2022]; numerically the program that its authors published with PU21.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import apply_matrix
from relume.metrics.operands import Picture, operands

LOWEST = 0.005
"""Darker light counts as this, in cd/m²."""

_CURVE_DEGREE = 3
_COLOUR_RIDGE = 0.01

# Six digits here and four in PQ: those with which the published values were computed.
_RGB_TO_XYZ = np.array(
    [[0.412424, 0.357579, 0.180464], [0.212656, 0.715158, 0.072186], [0.019332, 0.119193, 0.950444]]
)
_XYZ_RANGE = (1e-4, 1e8)

_PQ_PEAK = 10_000.0
_PQ_M, _PQ_N = 78.8438, 0.1593
_PQ_C1, _PQ_C2, _PQ_C3 = 0.8359, 18.8516, 18.6875

# u' and v' reach about 0.62; this spreads them over 0..1.
_CHROMATICITY_SCALE = 410.0 / 255.0


def correct_tone_curve(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch 3 height width"]:
    """The prediction after the curve and the change of colour that bring it closest to the reference.

    Luminance goes through a cubic polynomial of PQ values, fitted by least squares; u′ and v′ through a cubic
    of both, fitted by ridge regression towards no change. Each picture has its own fit.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width) → tensor of the same light, never negative. Computed in float64;
    differentiable, the fit included.

    Raises:
        ImageError: shapes that differ, NaN, integers.

    References:  [hanji2022]
    """
    left, right = operands(prediction, reference)
    luma, chromaticity = _encode(left.double())
    target_luma, target_chromaticity = _encode(right.double())
    luma = _fit_curve(luma, target_luma)
    chromaticity = _fit_colour(chromaticity, target_chromaticity)
    # The floor is that of luma; the published program applies it to the chromaticity as well.
    floor = float(_pq_encode(torch.tensor(LOWEST, dtype=torch.float64)))
    corrected = _decode(luma.clamp(min=floor), chromaticity.clamp(min=floor))
    return corrected.reshape(left.shape).to(left.dtype)


def _fit_curve(
    luma: Float[Tensor, "*batch n"], target: Float[Tensor, "*batch n"]
) -> Float[Tensor, "*batch n"]:
    # Centred and scaled, which leaves the best polynomial as it is but keeps the equations well conditioned.
    centred = luma - luma.mean(-1, keepdim=True)
    centred = centred / centred.abs().amax(-1, keepdim=True).clamp(min=1e-12)
    terms = torch.stack([centred**power for power in range(_CURVE_DEGREE + 1)], dim=-1)
    # A picture of fewer than four levels has many best polynomials; the pseudo-inverse takes the smallest.
    inverse = torch.linalg.pinv(terms.mT @ terms, rtol=1e-12, hermitian=True)
    weights = inverse @ (terms.mT @ target.unsqueeze(-1))
    return torch.matmul(terms, weights).squeeze(-1)


def _fit_colour(
    chromaticity: Float[Tensor, "*batch n 2"], target: Float[Tensor, "*batch n 2"]
) -> Float[Tensor, "*batch n 2"]:
    u, v = chromaticity.unbind(-1)
    terms = torch.stack([u, v, u * v, u**2, v**2, u**3, v**3, torch.ones_like(u)], dim=-1)
    count = terms.shape[-1]
    unchanged = torch.eye(count, 2, dtype=u.dtype, device=u.device)
    ridge = _COLOUR_RIDGE * u.shape[-1] / count
    gram = terms.mT @ terms + ridge * torch.eye(count, dtype=u.dtype, device=u.device)
    weights = torch.linalg.solve(gram, terms.mT @ target + ridge * unchanged)
    return torch.matmul(terms, weights)


def _encode(
    light: Float[Tensor, "*batch 3 height width"],
) -> tuple[Float[Tensor, "*batch n"], Float[Tensor, "*batch n 2"]]:
    """PQ value of luminance and scaled (u′, v′) of each pixel."""
    xyz = apply_matrix(light.clamp(min=LOWEST), _RGB_TO_XYZ).clamp(*_XYZ_RANGE).flatten(-2)
    x, y, z = xyz.unbind(-2)
    chromaticity = torch.stack([4.0 * x, 9.0 * y], dim=-1) / (x + 15.0 * y + 3.0 * z).unsqueeze(-1)
    return _pq_encode(y), _CHROMATICITY_SCALE * chromaticity


def _decode(
    luma: Float[Tensor, "*batch n"], chromaticity: Float[Tensor, "*batch n 2"]
) -> Float[Tensor, "*batch 3 n"]:
    u, v = (chromaticity / _CHROMATICITY_SCALE).unbind(-1)
    y = _pq_decode(luma)
    x = 9.0 * u / (4.0 * v) * y
    z = (12.0 - 3.0 * u - 20.0 * v) / (4.0 * v) * y
    xyz = torch.stack([x, y, z], dim=-2).clamp(*_XYZ_RANGE)
    matrix = torch.as_tensor(np.linalg.inv(_RGB_TO_XYZ), dtype=xyz.dtype, device=xyz.device)
    return (matrix @ xyz).clamp(min=0.0)


def _pq_encode(luminance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    power = (luminance / _PQ_PEAK).pow(_PQ_N)
    return ((_PQ_C1 + _PQ_C2 * power) / (1.0 + _PQ_C3 * power)).pow(_PQ_M)


def _pq_decode(code: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    root = code.pow(1.0 / _PQ_M)
    # Codes above 1, which the polynomial may give, meet the pole of the curve; XYZ is clamped afterwards.
    return _PQ_PEAK * ((root - _PQ_C1) / (_PQ_C2 - _PQ_C3 * root).clamp(min=1e-9)).pow(1.0 / _PQ_N)
