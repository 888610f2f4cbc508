"""Ward Larson, Rushmeier, Piatko 1997: histogram adjustment, a visibility matching operator."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, scale_to, strips
from relume.operators.tonemap.visibility import just_visible_difference

_TOLERANCE = 0.025
"""Share of the pixels that the ceiling may still cut off when it is done."""
_FLAT = 1e-4
"""The smallest span of log luminance: a scene of one light has a histogram as well."""


@dataclass(frozen=True, kw_only=True)
class Ward1997(Method):
    """Equalise the histogram of log luminance, but nowhere with more contrast than the scene has.

    Counts are cut to a ceiling, again and again, until next to nothing is cut. `linear`: no contrast on the
    display above that of the scene. `visibility`: no difference visible on the display that an eye adapted to
    that light would not see in the scene. A scene whose range the display holds, or of which the ceiling
    leaves next to nothing, is scaled so that the brightest becomes white.

    The models of glare, of colour and of acuity in the dark are left out, and the histogram counts pixels
    where the paper counts means over one degree, for the field of view is not known.

    Convention:  light above that of the scene measured is white, below it black. The curve follows the
        histogram in steps, and has no gradient of the counts.

    Agreement: 6e-8 (relative, float64) with WardHistAdjTMO of the HDR Toolbox with `ceiling=linear`, all four
    cases, save for the few darkest pixels, which the toolbox leaves undefined and paints black.

    Picture: much contrast; the darkest colours go to black. Lamps keep their colours, and texture in the
        middle tones is coarse.

    References:  [larson1997], sections 4.3 to 4.5.
    """

    ceiling: str = parameter(
        "visibility", "what bounds the contrast of the result", choices=("visibility", "linear")
    )
    bins: int = parameter(100, "of the histogram", minimum=8, maximum=4096)
    black_level: float = parameter(1.0, "black of the display", minimum=1e-4, maximum=100.0, unit="cd/m²")
    peak: float = parameter(100.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="ward1997",
        title="Ward Larson et al. 1997, histogram adjustment",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="larson1997",
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The ends of log luminance, and the curve at evenly spaced places between: one channel for each."""
        light = light_of(image.detach())
        low, high = ((end + LOG_OFFSET).log() for end in torch.aminmax(light.flatten(1), dim=1))
        high = torch.maximum(high, low + _FLAT)
        curves = [
            self._curve(_histogram(picture, start, stop, self.bins), float(start), float(stop))
            for picture, start, stop in zip(light, low, high, strict=True)
        ]
        return {
            "low": low.view(-1, 1, 1, 1),
            "high": high.view(-1, 1, 1, 1),
            "curve": torch.stack(curves).to(light).view(len(light), self.bins, 1, 1),
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Look each luminance up in the curve and scale the colours with it."""
        statistics = statistics or self.measure(image)
        low, high, curve = statistics["low"], statistics["high"], statistics["curve"]
        light = luminance(image)
        place = (light.clamp(min=LOG_OFFSET).log() - low) / (high - low) * (self.bins - 1)
        place = place.clamp(0.0, self.bins - 1.0)
        index = place.long().clamp(max=self.bins - 2)
        table = curve.flatten()
        first = index + torch.arange(len(image), device=image.device).view(-1, 1, 1, 1) * self.bins
        share = torch.lerp(table[first], table[first + 1], place - index)
        return scale_to(image, light, self._display(share))

    def _display(self, share: Tensor) -> Tensor:
        """Luminance of the display, 0 to 1, at a share of its logarithmic range."""
        span = math.log(self.peak + LOG_OFFSET) - math.log(self.black_level + LOG_OFFSET)
        bottom = self.black_level + LOG_OFFSET
        return (bottom * (share * span).exp() - self.black_level) / (self.peak - self.black_level)

    def _curve(self, counts: Tensor, low: float, high: float) -> Tensor:
        """The share of the logarithmic range of the display at the places of the curve."""
        span = math.log(self.peak + LOG_OFFSET) - math.log(self.black_level + LOG_OFFSET)
        places = torch.linspace(low, high, self.bins, dtype=torch.float64)
        width = (high - low) / self.bins
        total = counts.sum()
        tolerance = _TOLERANCE * float(total)
        while float(total) > tolerance and high - low > span:
            ceiling = total * width / span * self._visible_slope(counts, places)
            trimmed = torch.minimum(counts, ceiling)
            cut = float((counts - trimmed).sum())
            counts, total = trimmed, trimmed.sum()
            if cut <= tolerance:
                return counts.cumsum(0) / total
        return 1.0 + (places - high) / span

    def _visible_slope(self, counts: Tensor, places: Tensor) -> Tensor | float:
        """The largest slope of log display over log scene luminance that shows no more than the eye sees."""
        if self.ceiling == "linear":
            return 1.0
        span = math.log(self.peak) - math.log(self.black_level)
        display = self.black_level * (counts.cumsum(0) / counts.sum() * span).exp()
        scene = places.exp()
        return just_visible_difference(display) / display * scene / just_visible_difference(scene)


def _histogram(light: Tensor, low: Tensor, high: Tensor, bins: int) -> Tensor:
    """Pixels in evenly spaced bins of log luminance, each without its lower and with its upper end.

    The darkest pixel is in none, and the brightest may miss the last by rounding.
    """
    counts = torch.zeros(bins + 2, dtype=torch.long, device=light.device)
    edges = low + (high - low) / bins * torch.arange(bins + 1, dtype=light.dtype, device=light.device)
    for strip in strips(light[None]):
        edge_above = torch.bucketize((strip + LOG_OFFSET).log(), edges)
        counts += torch.bincount(edge_above.flatten(), minlength=bins + 2)
    return counts[1:-1].double().cpu()
