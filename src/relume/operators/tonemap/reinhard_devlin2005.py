"""Reinhard, Devlin 2005: dynamic range reduction inspired by photoreceptor physiology."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean, power, stops_of, strips

# Keeps the logarithm of no light finite; 1e-20 is beyond any camera.
_DARKEST = 1e-20

# A response whose luminance spans less than this is of one light: stretching it would show rounding.
_FLAT = 1e-5


@dataclass(frozen=True, kw_only=True)
class ReinhardDevlin2005(Method):
    """The response of photoreceptors, C / (C + (exp(-f) I_a)^m), stretched so that luminance spans 0 to 1.

    I_a, the light the receptor is adapted to, goes from the pixel's own to that of the whole image, and from
    luminance to the receptor's own channel. OpenCV calls this operator "Reinhard".

    Convention:  luminance is what spans 0 to 1, where the paper stretches the channels; automatic contrast
        comes from the 1st and the 99th percentile, where the paper has the extremes.

    Agreement: 6e-8 (relative, float64) with ReinhardDevlinTMO of the HDR Toolbox.

    Picture: bright and flat, with much colour in the shadows, where saturated channels clip at 0: dark
        coloured shapes turn into patches of pure colour.

    References:  [reinhard_devlin2005], eqs. 1 to 7.
    """

    intensity: float = parameter(0.0, "f: higher is brighter", minimum=-8.0, maximum=8.0)
    contrast: float | None = parameter(
        None, "m: higher is more contrast; auto from the histogram, 0.3 to 1", minimum=0.01, maximum=1.0
    )
    light_adaptation: float = parameter(
        1.0, "a: 1 adapts to each pixel, 0 to the mean of the image", minimum=0.0, maximum=1.0
    )
    chromatic_adaptation: float = parameter(
        0.0, "c: 1 adapts each channel by itself, which removes casts, 0 none", minimum=0.0, maximum=1.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="reinhard_devlin2005",
        title="Reinhard and Devlin 2005, photoreceptor physiology",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="reinhard_devlin2005",
        scaling="dependent",
        upper=1.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """Contrast, the light of the whole image, and the ends of the response's luminance."""
        light = light_of(image)
        mean = log_mean(light)
        contrast = (
            estimate_contrast(light, mean) if self.contrast is None else torch.full_like(mean, self.contrast)
        )
        colour = image.mean((-2, -1), keepdim=True).clamp(min=0.0)
        surround = torch.lerp(mean, colour, self.chromatic_adaptation)
        statistics = {"contrast": contrast, "surround": surround}
        bottom, top = self._ends(image, statistics)
        return {**statistics, "bottom": bottom, "top": top}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Let each channel respond, then stretch and clip."""
        statistics = statistics or self.measure(image)
        bottom, top = statistics["bottom"], statistics["top"]
        return ((self._response(image, statistics) - bottom) / (top - bottom)).clamp(0.0, 1.0)

    def _response(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics
    ) -> Float[Tensor, "batch 3 height width"]:
        """C / (C + (exp(-f) I_a)^m), 0 to 1."""
        channels = image.clamp(min=0.0)
        adaptation = luminance(channels)
        if self.chromatic_adaptation > 0.0:
            adaptation = torch.lerp(adaptation, channels, self.chromatic_adaptation)
        if self.light_adaptation < 1.0:
            adaptation = torch.lerp(statistics["surround"], adaptation, self.light_adaptation)
        adaptation = (adaptation * math.exp(-self.intensity)).clamp(min=_DARKEST)
        return channels / (channels + power(adaptation, statistics["contrast"]))

    def _ends(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics
    ) -> tuple[Float[Tensor, "batch 1 1 1"], Float[Tensor, "batch 1 1 1"]]:
        """The smallest and the largest luminance of the response; 0 and 1 where they are the same."""
        bottoms, tops = [], []
        for strip in strips(image):
            light = luminance(self._response(strip, statistics))
            bottoms.append(light.amin((-2, -1), keepdim=True))
            tops.append(light.amax((-2, -1), keepdim=True))
        bottom, top = torch.stack(bottoms).amin(0), torch.stack(tops).amax(0)
        flat = top - bottom <= _FLAT
        return torch.where(flat, 0.0, bottom), torch.where(flat, 1.0, top)


def estimate_contrast(
    light: Float[Tensor, "batch 1 height width"], mean: Float[Tensor, "batch 1 1 1"]
) -> Float[Tensor, "batch 1 1 1"]:
    """The contrast m, 0.3 to 1, from where the log mean lies between the ends of the light.

    Convention:  less than one stop between the ends counts as one, for there is nothing to tell from it.

    References:  [reinhard_devlin2005], eqs. 6 and 7.
    """
    low, middle, high = stops_of(light, mean, offset=1e-9)
    key = ((high - middle) / (high - low).clamp(min=1.0)).clamp(0.0, 1.0)
    return 0.3 + 0.7 * key**1.4
