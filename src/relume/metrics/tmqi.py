"""TMQI, the tone-mapped image quality index: is the structure of the HDR kept, and does the SDR look natural?

References:  [yeganeh2013]; numerically the authors' version 1.0.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.errors import ImageError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, channels_first, light_tensor, matched, require_same_shape
from relume.metrics.ssim import WINDOW, half, window_mean

MINIMUM_SIZE = 176
"""Height and width below which the fifth scale has no room for its 11×11 window."""

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SCALE_FREQUENCIES = (16.0, 8.0, 4.0, 2.0, 1.0)
"""Of the scales in cycles/degree, finest first."""

_C1 = 0.01
_C2 = 10.0

# Means and spreads of natural photographs, in 8-bit codes: a normal and a beta distribution.
_BRIGHTNESS_MEAN, _BRIGHTNESS_DEVIATION = 115.94, 27.99
_CONTRAST_SCALE, _CONTRAST_ALPHA, _CONTRAST_BETA = 64.29, 4.4, 10.1

# Added inside square roots, where the slope would be infinite; 1e-12 of a code value.
_VARIANCE_FLOOR = 1e-24


class Tmqi(NamedTuple):
    """The index and its two parts, each 0..1, higher is better; one value for each picture."""

    q: Float[Tensor, "*batch"]
    """The index, 0.8012 s^0.3046 + 0.1988 n^0.7088."""
    s: Float[Tensor, "*batch"]
    """Structural fidelity."""
    n: Float[Tensor, "*batch"]
    """Statistical naturalness."""


def tmqi(sdr: Picture, hdr: Picture) -> Tmqi:
    """How well an SDR picture shows an HDR one.

    Convention:  `sdr` is encoded (sRGB or alike): floating point 0..1, or 8-bit codes; `hdr` is linear in any
    unit. Arrays are (height, width, 3), tensors (..., 3, height, width), at least 176×176 pixels. Computed
    in float64, because the variances of the HDR picture do not fit into float32. Only valid windows count.
    Gradients reach both pictures, but for the range of the HDR picture, which counts as a constant.

    Raises:
        ImageError: too small, shapes that differ, NaN, codes outside the range.

    References:  [yeganeh2013]
    """
    codes, light = matched(codes_of(sdr), light_tensor(hdr, "hdr"))
    require_same_shape(codes, light, ("sdr", "hdr"))
    height, width = codes.shape[-2:]
    if min(height, width) < MINIMUM_SIZE:
        raise ImageError(
            f"the pictures are {width}×{height}; TMQI needs {MINIMUM_SIZE}×{MINIMUM_SIZE} pixels."
        )
    batch = codes.shape[:-3]
    sdr_luma = luminance(codes.double().reshape(-1, 3, height, width))
    hdr_luminance = luminance(light.double().reshape(-1, 3, height, width))
    s = _structural_fidelity(_stretched(hdr_luminance), sdr_luma)
    n = _statistical_naturalness(sdr_luma)
    q = 0.8012 * _power(s, 0.3046) + 0.1988 * _power(n, 0.7088)
    return Tmqi(*(value.view(batch).to(codes.dtype) for value in (q, s, n)))


def codes_of(sdr: Picture) -> Float[Tensor, "*batch 3 height width"]:
    """Encoded floating point 0..1, or 8-bit codes, as floating point 0..255.

    Raises:
        ImageError: values outside the range, or what `light_tensor` refuses.
    """
    if sdr.dtype in (np.uint8, torch.uint8):
        return channels_first(sdr, "sdr").double()
    encoded = light_tensor(sdr, "sdr")
    low, high = encoded.min().item(), encoded.max().item()
    if low < -1e-6 or high > 1.0 + 1e-6:
        raise ImageError(
            f"sdr reaches from {low:g} to {high:g}; expected encoded values 0..1 or 8-bit codes (uint8)."
        )
    return encoded * 255.0


def _stretched(light: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
    """The range of each picture spread over 32 bits, with the rounded factor of the authors' program."""
    low = light.amin((-2, -1), keepdim=True).detach()
    span = (light.amax((-2, -1), keepdim=True) - low).detach()
    return torch.where(span > 0, (2.0**32 - 1.0) / span, 0.0).round() * (light - low)


def _structural_fidelity(hdr: Float[Tensor, "n 1 h w"], sdr: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    fidelity = torch.ones(hdr.shape[0], dtype=hdr.dtype, device=hdr.device)
    for scale, (weight, frequency) in enumerate(zip(_SCALE_WEIGHTS, _SCALE_FREQUENCIES, strict=True)):
        if scale > 0:
            hdr, sdr = half(hdr), half(sdr)
        fidelity = fidelity * _power(_local_fidelity(hdr, sdr, frequency), weight)
    return fidelity


def _local_fidelity(
    hdr: Float[Tensor, "n 1 h w"], sdr: Float[Tensor, "n 1 h w"], frequency: float
) -> Float[Tensor, " n"]:
    """Mean over the windows of: is contrast visible in both or in neither, and has it the same structure."""
    hdr_mean, sdr_mean = window_mean(hdr, "valid"), window_mean(sdr, "valid")
    hdr_deviation = _deviation(window_mean(hdr.square(), "valid") - hdr_mean.square())
    sdr_deviation = _deviation(window_mean(sdr.square(), "valid") - sdr_mean.square())
    covariance = window_mean(hdr * sdr, "valid") - hdr_mean * sdr_mean
    a, b = _visibility(hdr_deviation, frequency), _visibility(sdr_deviation, frequency)
    contrast = (2.0 * a * b + _C1) / (a.square() + b.square() + _C1)
    structure = (covariance + _C2) / (hdr_deviation * sdr_deviation + _C2)
    return (contrast * structure).mean((-3, -2, -1))


def _visibility(deviation: Float[Tensor, "n 1 h w"], frequency: float) -> Float[Tensor, "n 1 h w"]:
    """Probability that a contrast of that standard deviation is seen at that frequency."""
    sensitivity = 260.0 * (0.0192 + 0.114 * frequency) * math.exp(-((0.114 * frequency) ** 1.1))
    threshold = 128.0 / (1.4 * sensitivity)
    probability: Tensor = torch.special.ndtr((deviation - threshold) / (threshold / 3.0))
    return probability


def _statistical_naturalness(sdr: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    """How likely a photograph has this mean and this local contrast, relative to the likeliest."""
    z = (sdr.mean((-3, -2, -1)) - _BRIGHTNESS_MEAN) / _BRIGHTNESS_DEVIATION
    mode = (_CONTRAST_ALPHA - 1.0) / (_CONTRAST_ALPHA + _CONTRAST_BETA - 2.0)
    x = (_block_deviation(sdr) / _CONTRAST_SCALE).clamp(0.0, 1.0)
    rise = (x / mode).pow(_CONTRAST_ALPHA - 1.0)
    fall = ((1.0 - x) / (1.0 - mode)).pow(_CONTRAST_BETA - 1.0)
    return (-0.5 * z.square()).exp() * rise * fall


def _block_deviation(luma: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
    """Mean over pixels of the sample deviation of their 11×11 block; blocks at the end are filled with 0."""
    height, width = luma.shape[-2:]
    padded = functional.pad(luma, (0, -width % WINDOW, 0, -height % WINDOW))
    blocks = padded.reshape(len(luma), -(-height // WINDOW), WINDOW, -(-width // WINDOW), WINDOW)
    deviation = _deviation(blocks.var((-3, -1)))
    pixels = torch.outer(_pixels_of_blocks(height, luma), _pixels_of_blocks(width, luma))
    return (deviation * pixels).sum((-2, -1)) / (height * width)


def _pixels_of_blocks(length: int, like: Tensor) -> Float[Tensor, " blocks"]:
    """How many pixels of a side of that length lie in each block."""
    starts = torch.arange(0, length, WINDOW, dtype=like.dtype, device=like.device)
    return (length - starts).clamp(max=WINDOW)


def _power(base: Float[Tensor, " n"], exponent: float) -> Float[Tensor, " n"]:
    """A power with a finite slope at zero; a base below zero (structures are opposite) counts as 0."""
    return base.clamp(min=1e-30).pow(exponent)


def _deviation(variance: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    return variance.clamp(min=_VARIANCE_FLOOR).sqrt()


def _row(name: str, title: str, part: str) -> Metric:
    return Metric(
        spec=MetricSpec(
            name=name,
            title=title,
            unit="",
            direction=Direction.HIGHER,
            operands=Operands.TONE_MAPPING,
            domain="codes against linear light",
            version="1.0",
            citation="yeganeh2013",
            absolute=False,
            lowest=0.0,
            highest=1.0,
            minimum_size=MINIMUM_SIZE,
        ),
        score=full_reference(lambda sdr, hdr: getattr(tmqi(sdr, hdr), part)),
    )


TMQI = _row("tmqi", "Tone-mapped image quality index", "q")
TMQI_STRUCTURE = _row("tmqi_structure", "Structural fidelity of TMQI", "s")
TMQI_NATURALNESS = _row("tmqi_naturalness", "Statistical naturalness of TMQI", "n")
