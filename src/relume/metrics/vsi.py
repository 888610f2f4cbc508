"""PU21-VSI: similarity of saliency, gradients and colours, weighted by saliency, in PU21 units.

References:  [zhang2014] for the index, [zhang2013] for saliency, [mantiuk2021] for the units
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.primaries import apply_matrix
from relume.color.transfer import srgb
from relume.metrics import pu21
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands

_SALIENCY_STABILITY = 1.27
_GRADIENT_STABILITY = 386.0
_COLOUR_STABILITY = 130.0
_GRADIENT_EXPONENT = 0.40
_COLOUR_EXPONENT = 0.02

_OPPONENT = np.array([[0.06, 0.63, 0.27], [0.30, 0.04, -0.35], [0.34, -0.60, 0.17]])
"""R, G, B to a brightness and two opponent colours."""

_SALIENCY_SIZE = 256
_BAND_CENTRE = 0.021
_BAND_WIDTH = 1.34
_CENTRE_WIDTH = 145.0
_WARMTH_WIDTH = 0.001
"""Of saliency: log-Gabor band in cycles/pixel and its width, the biases to the centre and to warm colours."""

_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
# As the authors have it: the white of D50 to a matrix of D65.
_WHITE = (0.9642, 1.0, 0.8251)

_SCHARR = ((3.0, 0.0, -3.0), (10.0, 0.0, -10.0), (3.0, 0.0, -3.0))


def pu_vsi(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """Visual saliency-induced index of RGB in PU21 units; 1 for equal pictures, higher is better.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture. PU21 units are taken as codes of 0..255 and may go
    beyond. Pictures of 384 pixels and more on the shorter side are measured at about 256.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.

    References:  [zhang2014]; [mantiuk2021]
    """
    left, right = absolute_operands(prediction, reference)
    height, width = left.shape[-2:]
    codes = [pu21.encode(light).reshape(-1, 3, height, width) for light in (left, right)]
    return vsi(*codes).view(left.shape[:-3])


def vsi(
    prediction: Float[Tensor, "batch 3 height width"], reference: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """Visual saliency-induced index of R'G'B' codes on the scale of 0..255."""
    factor = max(1, math.floor(min(prediction.shape[-2:]) / _SALIENCY_SIZE + 0.5))
    saliencies, gradients, firsts, seconds = [], [], [], []
    for codes in (prediction, reference):
        brightness, first, second = _reduced(apply_matrix(codes, _OPPONENT), factor).chunk(3, dim=1)
        saliencies.append(_reduced(saliency(codes), factor))
        gradients.append(_gradient(brightness))
        firsts.append(first)
        seconds.append(second)
    colour = _similarity(firsts, _COLOUR_STABILITY) * _similarity(seconds, _COLOUR_STABILITY)
    similarity = (
        _similarity(gradients, _GRADIENT_STABILITY).pow(_GRADIENT_EXPONENT)
        * _similarity(saliencies, _SALIENCY_STABILITY)
        * _real_power(colour, _COLOUR_EXPONENT)
    )
    weight = torch.maximum(*saliencies)
    # Where nothing stands out, as in flat pictures, all pixels count alike.
    weight = torch.where(weight.sum((-3, -2, -1), keepdim=True) > 0, weight, 1.0)
    return (similarity * weight).sum((-3, -2, -1)) / weight.sum((-3, -2, -1))


def saliency(codes: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Where the eye goes first, 0..1: contrast in a middle band, near the centre, in warm colours.

    Convention:  R'G'B' codes on the scale of 0..255; 0 everywhere for a picture without contrast.

    References:  [zhang2013]
    """
    height, width = codes.shape[-2:]
    lab = _lab(_resize(codes, _SALIENCY_SIZE, _SALIENCY_SIZE))
    spectrum = torch.fft.fft2(lab) * _log_gabor(codes)
    contrast = _root(torch.fft.ifft2(spectrum).real.square().sum(1, keepdim=True))
    place = torch.arange(1, _SALIENCY_SIZE + 1, dtype=codes.dtype, device=codes.device) - _SALIENCY_SIZE / 2
    centre = (-place.square() / _CENTRE_WIDTH**2).exp()
    warmth = 1.0 - (-_stretched(lab[:, 1:]).square().sum(1, keepdim=True) / _WARMTH_WIDTH**2).exp()
    return _stretched(_resize(contrast * centre[:, None] * centre * warmth, height, width))


def _similarity(pair: list[Tensor], stability: float) -> Tensor:
    left, right = pair
    return (2.0 * left * right + stability) / (left.square() + right.square() + stability)


def _real_power(base: Tensor, exponent: float) -> Tensor:
    """The real part of a power, which exists for opposite colours, too, with a finite slope at 0."""
    sign = torch.where(base < 0, math.cos(math.pi * exponent), 1.0)
    return sign * base.abs().clamp(min=1e-12).pow(exponent)


def _gradient(brightness: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Magnitude of the Scharr gradient; outside the picture is black."""
    across = brightness.new_tensor(_SCHARR) / 16.0
    both = torch.stack((across, across.mT))[:, None]
    return _root(functional.conv2d(brightness, both, padding=1).square().sum(1, keepdim=True))


def _reduced(image: Float[Tensor, "batch channels height width"], factor: int) -> Tensor:
    """Every n-th pixel of the mean over n×n; outside the picture is black."""
    if factor == 1:
        return image
    # An even window reaches one pixel further to the right and down.
    before, after = (factor - 1) // 2, factor // 2
    padded = functional.pad(image, (before, after, before, after))
    return functional.avg_pool2d(padded, factor, stride=factor)


def _lab(codes: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """CIELAB of sRGB codes, continued above 255."""
    light = srgb.eotf(codes / 255.0)
    ratio = apply_matrix(light, _RGB_TO_XYZ) / light.new_tensor(_WHITE).view(3, 1, 1)
    root = torch.where(
        ratio > 0.008856, ratio.clamp(min=0.008856).pow(1.0 / 3.0), (903.3 * ratio + 16.0) / 116.0
    )
    x, y, z = root.chunk(3, dim=1)
    return torch.cat((116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)), dim=1)


def _log_gabor(like: Tensor) -> Float[Tensor, "256 256"]:
    """Gain of the band at each frequency, round the circle of half a cycle per pixel."""
    frequency = torch.fft.fftfreq(_SALIENCY_SIZE, dtype=like.dtype, device=like.device)
    radius = (frequency[:, None].square() + frequency.square()).sqrt()
    # Corners outside the circle count as frequency 0, which the band does not pass.
    inside = (radius > 0) & (radius <= 0.5)
    distance = (torch.where(inside, radius, 1.0) / _BAND_CENTRE).log()
    return torch.where(inside, (-distance.square() / (2.0 * _BAND_WIDTH**2)).exp(), 0.0)


def _stretched(
    maps: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels height width"]:
    """Each map brought to 0..1; a flat one becomes 0."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    span = high - low
    return torch.where(span > 0, (maps - low) / torch.where(span > 0, span, 1.0), 0.0)


def _root(square: Tensor) -> Tensor:
    """The square root, with slope 0 at 0."""
    return torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)


def _resize(image: Float[Tensor, "batch channels height width"], height: int, width: int) -> Tensor:
    """Bilinear, antialiased where it shrinks, the border mirrored, as MATLAB's imresize."""
    rows, columns = (
        torch.from_numpy(_resizing_matrix(old, new)).to(image)
        for old, new in ((image.shape[-2], height), (image.shape[-1], width))
    )
    return rows @ image @ columns.mT


def _resizing_matrix(old: int, new: int) -> np.ndarray:
    """Weights of the old samples (columns) in the new ones (rows)."""
    shrinking = min(1.0, new / old)
    centres = (np.arange(new) + 0.5) * (old / new) - 0.5
    reach = 1.0 / shrinking
    taps = np.floor(centres - reach).astype(int)[:, None] + np.arange(math.ceil(2.0 * reach) + 2)
    weights = np.maximum(1.0 - shrinking * np.abs(centres[:, None] - taps), 0.0)
    weights /= weights.sum(1, keepdims=True)
    around = taps % (2 * old)
    places = np.where(around < old, around, 2 * old - 1 - around)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], places), weights)
    return matrix


PU_VSI = Metric(
    spec=MetricSpec(
        name="pu_vsi",
        title="PU21-VSI",
        unit="",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="PU21 of RGB",
        version="PU21 banding_glare",
        citation="zhang2014",
        lowest=0.0,
        highest=1.0,
        identical=1.0,
    ),
    score=full_reference(pu_vsi),
)
