"""How well a picture of a few hundred pixels shows a scene: quick, so that dozens of pictures can be tried.

The questions are those of TMQI: is contrast that the scene has visible in the picture, with the same
structure, and has the picture the brightness and the local contrast of a photograph? Windows are boxes here,
the finest scale is left out, and what the picture loses at the ends of its range counts against it.

References:  [yeganeh2013], whose constants these are; `relume.metrics.tmqi` is the metric itself.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_WINDOW, _STEP = 5, 2
"""Side of the windows in which structure is compared, and how far apart they lie, in pixels of a scale."""
_BLOCK = 9
"""Side of the blocks whose contrast is taken: of 256 pixels as much as the metric's 11 are of 320."""

_SCALES = ((8.0, 0.3304), (4.0, 0.3001), (2.0, 0.2363), (1.0, 0.1333))
"""Cycles/degree and weight, finest first. The picture itself is no scale: its weight is that of the first."""

_C1, _C2 = 0.01, 10.0
_VARIANCE_FLOOR = 1e-24

_BRIGHTNESS_MEAN, _BRIGHTNESS_DEVIATION = 115.94, 27.99
_CONTRAST_SCALE, _CONTRAST_ALPHA, _CONTRAST_BETA = 64.29, 4.4, 10.1
_CONTRAST_MODE = (_CONTRAST_ALPHA - 1.0) / (_CONTRAST_ALPHA + _CONTRAST_BETA - 2.0)

_NEARLY_BLACK, _NEARLY_WHITE = 16.0, 225.0
"""Codes beyond which a pixel begins to be lost."""
_LOSS = 0.3
"""What a picture costs that is lost altogether."""


class _Scale(NamedTuple):
    """What the scene is at one scale."""

    light: Float[Tensor, "1 1 rows columns"]
    mean: Float[Tensor, "1 1 windows_down windows_across"]
    deviation: Float[Tensor, "1 1 windows_down windows_across"]
    visibility: Float[Tensor, "1 1 windows_down windows_across"]
    frequency: float
    weight: float


class Likeness:
    """Judges pictures of one scene.

    Args:
        light: luminance of the scene in float64, linear, any unit, a few hundred pixels across.
        bottom: light that may be black, and what is darker, too.
        top: light that may be white, and what is brighter, too.
    """

    def __init__(
        self,
        light: Float[Tensor, "1 1 height width"],
        *,
        bottom: Float[Tensor, "1 1 1 1"],
        top: Float[Tensor, "1 1 1 1"],
    ) -> None:
        stops = light.clamp(min=torch.finfo(light.dtype).tiny).log2()
        self._above_bottom = (stops - bottom.log2()).clamp(0.0, 1.0)
        self._below_top = (top.log2() - stops).clamp(0.0, 1.0)
        self._scales = _scales_of(_stretched(light))

    def __call__(self, codes: Float[Tensor, "1 1 height width"]) -> float:
        """At most 1, higher is better.

        Convention:  encoded values 0..255 of the picture without its colours.
        """
        s, n = self.structure(codes), naturalness(codes)
        return 0.8012 * math.pow(s, 0.3046) + 0.1988 * math.pow(n, 0.7088) - _LOSS * self.loss(codes)

    def structure(self, codes: Float[Tensor, "1 1 height width"]) -> float:
        """How far contrasts are visible in both or in neither, with the same structure, 0..1."""
        fidelity = 1.0
        for scale in self._scales:
            codes = functional.avg_pool2d(codes, 2)
            fidelity *= math.pow(max(_fidelity(scale, codes), 0.0), scale.weight)
        return fidelity

    def loss(self, codes: Float[Tensor, "1 1 height width"]) -> float:
        """The share of pixels that are black or white, unless they may be; those nearly so count in part."""
        black = ((_NEARLY_BLACK - codes) / _NEARLY_BLACK).clamp(min=0.0)
        white = ((codes - _NEARLY_WHITE) / (255.0 - _NEARLY_WHITE)).clamp(min=0.0)
        return float((black * self._above_bottom + white * self._below_top).mean())


def naturalness(codes: Float[Tensor, "1 1 height width"]) -> float:
    """How likely a photograph has this mean and this local contrast, 0..1."""
    z = (float(codes.mean()) - _BRIGHTNESS_MEAN) / _BRIGHTNESS_DEVIATION
    x = min(_contrast(codes) / _CONTRAST_SCALE, 1.0)
    rise = math.pow(x / _CONTRAST_MODE, _CONTRAST_ALPHA - 1.0)
    fall = math.pow((1.0 - x) / (1.0 - _CONTRAST_MODE), _CONTRAST_BETA - 1.0)
    return math.exp(-0.5 * z * z) * rise * fall


def _contrast(codes: Tensor) -> float:
    """The mean deviation within blocks; 0 where the picture has no room for one."""
    height, width = (side // _BLOCK * _BLOCK for side in codes.shape[-2:])
    if 0 in (height, width):
        return 0.0
    blocks = codes[0, 0, :height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    return float(blocks.var((1, 3)).sqrt().mean())


def _stretched(light: Tensor) -> Tensor:
    """The range of the scene spread over 32 bits."""
    low, high = float(light.min()), float(light.max())
    return (light - low) * ((2.0**32 - 1.0) / (high - low) if high > low else 0.0)


def _scales_of(light: Tensor) -> list[_Scale]:
    """As many as have room for a window."""
    scales: list[_Scale] = []
    for frequency, weight in _SCALES:
        if min(light.shape[-2:]) < 2 * _WINDOW:
            break
        light = functional.avg_pool2d(light, 2)
        mean, deviation = _moments(light)
        scales.append(_Scale(light, mean, deviation, _visibility(deviation, frequency), frequency, weight))
    return scales


def _fidelity(scale: _Scale, codes: Tensor) -> float:
    mean, deviation = _moments(codes)
    covariance = _window_mean(codes * scale.light) - mean * scale.mean
    a, b = scale.visibility, _visibility(deviation, scale.frequency)
    contrast = (2.0 * a * b + _C1) / (a.square() + b.square() + _C1)
    structure = (covariance + _C2) / (deviation * scale.deviation + _C2)
    return float((contrast * structure).mean())


def _moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation in each window."""
    mean = _window_mean(image)
    variance = _window_mean(image.square()) - mean.square()
    return mean, variance.clamp(min=_VARIANCE_FLOOR).sqrt()


def _window_mean(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, _WINDOW, _STEP)


def _visibility(deviation: Tensor, frequency: float) -> Tensor:
    """Probability that a contrast of that standard deviation is seen at that frequency."""
    sensitivity = 260.0 * (0.0192 + 0.114 * frequency) * math.exp(-((0.114 * frequency) ** 1.1))
    threshold = 128.0 / (1.4 * sensitivity)
    probability: Tensor = torch.special.ndtr((deviation - threshold) / (threshold / 3.0))
    return probability
