"""Landis 2002: production-ready global illumination."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS, REFERENCE_WHITE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of


@dataclass(frozen=True, kw_only=True)
class Landis2002(Method):
    """Light below a threshold as it is; above, blended towards the peak: L(1 - w) + peak·L·w.

    The weight is w = ((L - threshold) / (L_max - threshold))^α. The method was made to turn photographs into
    light for rendering, where only the sum of the light counts.

    Agreement: HDR Toolbox, 3 cases, within 6e-8 relative in float64 (they are stored so), 3e-6 in float32.
    Picture: everything lighter than the threshold, faces and paper too, shines like a lamp.

    References:  [landis2002].
    """

    peak: float = parameter(
        1000.0, "luminance of the brightest pixel", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )
    threshold: float = parameter(
        0.5, "linear light where the expansion begins, relative to white", minimum=0.0, maximum=1.0
    )
    alpha: float = parameter(
        2.0, "higher keeps more of what is near the threshold", minimum=0.1, maximum=10.0
    )
    reference_white: float = parameter(
        REFERENCE_WHITE, "luminance of SDR white", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="landis2002",
        title="Landis 2002, power expansion above a threshold",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="landis2002",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The largest luminance."""
        return {"top": light_of(image).amax((-2, -1), keepdim=True)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Blend by the weight and scale the colours with luminance."""
        top = (statistics or self.measure(image))["top"]
        light = luminance(image)
        above = (light - self.threshold).clamp(min=0.0) / (top - self.threshold).clamp(min=1e-12)
        weight = torch.where(above > 0.0, torch.where(above > 0.0, above, 1.0).pow(self.alpha), 0.0)
        return image * torch.lerp(
            torch.full_like(weight, self.reference_white), torch.full_like(weight, self.peak), weight
        )
