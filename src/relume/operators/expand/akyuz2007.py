"""Akyüz, Fleming, Riecke, Reinhard, Bülthoff 2007: do HDR displays support LDR content?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, scale_to


@dataclass(frozen=True, kw_only=True)
class Akyuz2007(Method):
    """Luminance stretched over the range of the HDR display: peak · ((L - L_min) / (L_max - L_min))^γ.

    Convention:  an image of one luminance, which has no range, is stretched from 0.

    Agreement: 6e-8 (relative, float64) with AkyuzEO of the HDR Toolbox.

    Picture: the photograph, five times as bright: on a screen with the white of SDR, all that was lighter
        than dark grey is white.

    References:  [akyuz2007], section 4.
    """

    peak: float = parameter(
        1000.0, "luminance of the brightest pixel", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )
    gamma: float = parameter(
        1.0, "1 keeps mid-tones in proportion, higher darkens them", minimum=0.1, maximum=10.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="akyuz2007",
        title="Akyüz et al. 2007, linear stretch to the display",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="akyuz2007",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The smallest and the largest luminance."""
        light = light_of(image)
        bottom, top = light.amin((-2, -1), keepdim=True), light.amax((-2, -1), keepdim=True)
        return {"bottom": torch.where(bottom < top, bottom, 0.0), "top": top}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Stretch luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        bottom, top = statistics["bottom"], statistics["top"]
        light = luminance(image)
        share = (light - bottom).clamp(min=0.0) / (top - bottom).clamp(min=1e-12)
        return scale_to(image, light, self.peak * share.pow(self.gamma))
