"""ITU-R BT.2390: the EETF, from the range of a mastering display to that of another."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.eetf import eetf
from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import BT2020_WEIGHTS, luminance
from relume.color.primaries import BT2020
from relume.color.spaces import ictcp
from relume.color.transfer import pq
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import gain

_DARKEST = 1e-4
"""cd/m², the smallest peak: a black picture has a range as well."""


@dataclass(frozen=True, kw_only=True)
class Bt2390(Method):
    """In PQ, the range up to a knee as it is, from there a Hermite spline to the peak, and a lift for black.

    Convention:  linear BT.2020 in cd/m² in, 1.0 is `peak` out; where the display can show all that the master
        has, nothing is compressed. With a black level the brightest exceeds 1 by a trace, as in the report.

    Agreement: with the formula recomputed in numpy, three pairs of displays, 1e-9; no reference program.

    Picture: everything below the knee as it is, hence the balance of the scene; lamps keep their colours. One
        of the safest.

    References:  [bt2390], section 5.4.1.
    """

    peak: float = parameter(100.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")
    black_level: float = parameter(0.0, "black of the display", minimum=0.0, maximum=10.0, unit="cd/m²")
    source_peak: float | None = parameter(
        None,
        "white of the mastering display; auto is the largest channel of the picture",
        minimum=1.0,
        maximum=1e4,
        unit="cd/m²",
    )
    source_black: float = parameter(
        0.0, "black of the mastering display", minimum=0.0, maximum=10.0, unit="cd/m²"
    )
    domain: str = parameter(
        "luminance",
        "what the curve is applied to, keeping the ratios of the channels, but for rgb, each channel by "
        "itself, and ictcp, the intensity, with chroma shrinking as it changes",
        choices=("luminance", "max_rgb", "rgb", "ictcp"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2390",
        title="ITU-R BT.2390, EETF",
        direction=Direction.TONEMAP,
        input=replace(LINEAR_NITS, primaries=BT2020),
        output=replace(LINEAR_DISPLAY, primaries=BT2020),
        citation="bt2390",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """PQ codes of black and white of the master."""
        if self.source_peak is None:
            top = image.amax((-3, -2, -1), keepdim=True).clamp(min=_DARKEST)
        else:
            top = torch.full_like(image[:, :1, :1, :1], self.source_peak)
        return {
            "top": pq.inverse_eotf(torch.maximum(top, torch.full_like(top, self.source_black + _DARKEST)))
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Map the range and divide by the peak of the display."""
        top = (statistics or self.measure(image))["top"]
        if self.domain == "ictcp":
            return self._intensity(image, top) / self.peak
        if self.domain == "rgb":
            return self._map(image, top) / self.peak
        light = luminance(image, weights=BT2020_WEIGHTS)
        old = light if self.domain == "luminance" else image.amax(-3, keepdim=True)
        return image * (gain(old, self._map(old, top)) / self.peak)

    def _map(self, light: Tensor, top: Tensor) -> Tensor:
        return pq.eotf(self._map_code(pq.inverse_eotf(light), top))

    def _intensity(self, image: Tensor, top: Tensor) -> Tensor:
        """The curve on the intensity of ICtCp; chroma shrinks with what the intensity loses or gains."""
        intensity, tritan, protan = ictcp.from_linear(image).chunk(3, dim=-3)
        mapped = self._map_code(intensity, top)
        ratio = mapped / intensity.clamp(min=pq.BLACK_CODE)
        shrink = torch.minimum(ratio, 1.0 / ratio)
        return ictcp.to_linear(torch.cat((mapped, shrink * tritan, shrink * protan), dim=-3))

    def _map_code(self, code: Tensor, top: Tensor) -> Tensor:
        black, white, bottom = (
            pq.inverse_eotf(torch.full_like(top, level))
            for level in (self.black_level, self.peak, self.source_black)
        )
        span = top - bottom
        mapped = eetf((code - bottom) / span, (black - bottom) / span, (white - bottom) / span)
        return mapped * span + bottom
