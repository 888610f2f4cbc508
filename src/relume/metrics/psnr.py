"""PSNR with the domain in the name: linear light, PQ codes, logarithms, the μ-law.

The number depends on the domain more than on the pictures, so there is none without it.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.transfer import pq
from relume.errors import MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands, operands

MU = 5000.0
"""Of the μ-law in HDR imaging."""

LOWEST = 1e-5
LOG_PEAK = 1e4
"""What `psnr_log` takes as the darkest light and as the peak, in cd/m²."""


def psnr_linear(
    prediction: Picture, reference: Picture, *, peak: float | None = None
) -> Float[Tensor, "*batch"]:
    """PSNR of linear light over the three components, in dB; says what happens in the brightest places only.

    Convention:  linear, any common unit, as array (height, width, 3) or tensor (..., 3, height, width); one
    value for each picture, infinite for equal ones.

    Args:
        peak: in the unit of the pictures; None takes the largest component of the reference.

    Raises:
        ImageError: shapes that differ, NaN, integers.
        MethodError: a peak that is not positive.
    """
    left, right = operands(prediction, reference)
    return psnr(left, right, peak=_white(right, peak))


def psnr_pq(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """PSNR of PQ codes over the three components, in dB, peak 1.0.

    Convention:  linear in cd/m², the components encoded with PQ in the primaries they come in.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.
    """
    left, right = absolute_operands(prediction, reference)
    return psnr(pq.inverse_eotf(left), pq.inverse_eotf(right), peak=1.0)


def psnr_log(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """PSNR of the natural logarithms of the three components, in dB, peak ln 10 000.

    Convention:  linear in cd/m²; light below 1e-5 cd/m² counts as that much, so black pixels weigh heavily.
    The definition of the log-PSNR that goes with HDR-VDP.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.
    """
    left, right = (picture.clamp(min=LOWEST).log() for picture in absolute_operands(prediction, reference))
    return psnr(left, right, peak=math.log(LOG_PEAK))


def psnr_mu(
    prediction: Picture, reference: Picture, *, white: float | None = None
) -> Float[Tensor, "*batch"]:
    """PSNR after the μ-law ln(1 + μ x) / ln(1 + μ) with μ = 5000, in dB, peak 1.0.

    Convention:  linear, any common unit; x is light over `white`, clamped to 0..1.

    Args:
        white: what becomes 1.0; None takes the largest component of each reference. Papers differ here, and
            a factor of two in white changes the number by a decibel or so.

    Raises:
        ImageError: shapes that differ, NaN, integers.
        MethodError: a white that is not positive.

    References:  [kalantari2017]
    """
    left, right = mu_law(*operands(prediction, reference), white=white)
    return psnr(left, right, peak=1.0)


def mu_law(
    prediction: Float[Tensor, "*batch 3 height width"],
    reference: Float[Tensor, "*batch 3 height width"],
    *,
    white: float | None = None,
) -> tuple[Float[Tensor, "*batch 3 height width"], Float[Tensor, "*batch 3 height width"]]:
    """Both pictures over `white`, or over the largest component of the reference, through the μ-law."""
    one = _white(reference, white)[..., None, None, None]
    left, right = ((MU * (picture / one).clamp(0.0, 1.0)).log1p() for picture in (prediction, reference))
    return left / math.log1p(MU), right / math.log1p(MU)


def psnr(
    prediction: Float[Tensor, "*batch channels height width"],
    reference: Float[Tensor, "*batch channels height width"],
    *,
    peak: float | Float[Tensor, "*batch"],
) -> Float[Tensor, "*batch"]:
    """10 log10(peak² / mean squared error) of values that are in their domain already, in dB."""
    mean_squared_error = (prediction - reference).square().mean((-3, -2, -1))
    return 10.0 * (peak**2 / mean_squared_error).log10()


def _white(reference: Float[Tensor, "*batch 3 height width"], given: float | None) -> Float[Tensor, "*batch"]:
    """The given number, or the largest component of each reference."""
    if given is None:
        return reference.amax((-3, -2, -1)).clamp(min=torch.finfo(reference.dtype).tiny).detach()
    if not given > 0:
        raise MethodError(f"the light that counts as 1.0 is {given}; expected a positive number.")
    return reference.new_full(reference.shape[:-3], given)


def _row(spec: MetricSpec, function: Callable[[Picture, Picture], Float[Tensor, "*batch"]]) -> Metric:
    return Metric(spec=spec, score=full_reference(function))


_SPEC = MetricSpec(
    name="psnr_linear",
    title="PSNR of linear light",
    unit="dB",
    direction=Direction.HIGHER,
    operands=Operands.HDR,
    domain="linear RGB over the maximum of the reference",
    version="peak: maximum of the reference",
    citation="hanji2022",
    absolute=False,
    identical=math.inf,
)
PSNR_LINEAR = _row(_SPEC, psnr_linear)
PSNR_PQ = _row(
    replace(
        _SPEC,
        name="psnr_pq",
        title="PSNR of PQ codes",
        domain="PQ of RGB",
        version="peak 1.0",
        citation="smpte_st2084",
        absolute=True,
    ),
    psnr_pq,
)
PSNR_LOG = _row(
    replace(
        _SPEC,
        name="psnr_log",
        title="PSNR of logarithms",
        domain="ln of RGB",
        version="peak ln 10000, floor 1e-5 cd/m²",
        citation="mantiuk2011",
        absolute=True,
    ),
    psnr_log,
)
PSNR_MU = _row(
    replace(
        _SPEC,
        name="psnr_mu",
        title="PSNR after the μ-law",
        domain="μ-law of RGB over the maximum of the reference",
        version="μ = 5000",
        citation="kalantari2017",
    ),
    psnr_mu,
)
