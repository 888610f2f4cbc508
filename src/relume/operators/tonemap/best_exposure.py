"""Best exposure: one straight exposure, chosen so that it keeps as many pixels as it can."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, strips

_BINS = 4096
_STOPS = 8.0
"""What an 8-bit picture holds."""
_HEADROOM = 4.0
"""Stops from the middle of the chosen range to white."""


@dataclass(frozen=True, kw_only=True)
class BestExposure(Method):
    """A straight exposure; nothing is compressed, and what is brighter than white is cut by the display.

    `histogram` exposes for the 8 stops that hold the most pixels, their middle 4 stops below white; `mean`
    puts the mean luminance at a quarter.

    Agreement: 6e-8 (relative, float64) with BestExposureTMO of the HDR Toolbox, all three cases, once cut to
    0..1.

    Picture: an exposure as of a camera: all that is lit by day is right, lamps are white, deep shadows black.

    References:  [banterle2017].
    """

    rule: str = parameter("histogram", "what the exposure is chosen by", choices=("histogram", "mean"))

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="best_exposure",
        title="Best single exposure, no tone mapping",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="banterle2017",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        light = light_of(image)
        if self.rule == "mean":
            return {"exposure": 0.25 / light.mean((-2, -1), keepdim=True).clamp(min=LOG_OFFSET)}
        return {"exposure": (-_middle_of_fullest_range(light) - _HEADROOM).exp2()}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expose."""
        return image * (statistics or self.measure(image))["exposure"]


def _middle_of_fullest_range(light: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 1 1"]:
    """The middle, as log2 of luminance, of the darkest 8 stops that hold the most pixels."""
    low, high = ((light_end + LOG_OFFSET).log2() for light_end in torch.aminmax(light.flatten(1), dim=1))
    step = ((high - low) / _BINS).clamp(min=_STOPS / _BINS / 2**10)
    middles = [
        _middle_bin(_histogram(picture, bottom, width), float(width))
        for picture, bottom, width in zip(light.detach(), low.detach(), step.detach(), strict=True)
    ]
    return (low + torch.tensor(middles, dtype=low.dtype, device=low.device) * step).view(-1, 1, 1, 1)


def _histogram(light: Tensor, low: Tensor, step: Tensor) -> Tensor:
    counts = torch.zeros(_BINS, dtype=torch.long, device=light.device)
    for strip in strips(light[None]):
        bins = (((strip + LOG_OFFSET).log2() - low) / step).long().clamp_(0, _BINS - 1)
        counts += torch.bincount(bins.flatten(), minlength=_BINS)
    return counts


def _middle_bin(counts: Tensor, step: float) -> int:
    """The middle of the first window of 8 stops that no other surpasses."""
    width = math.ceil(_STOPS / step)
    if width + 1 > _BINS:
        return _BINS // 2
    cumulated = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
    inside = cumulated[width + 1 :] - cumulated[: -width - 1]
    return int((inside == inside.max()).int().argmax()) + math.floor(width / 2 + 0.5)
