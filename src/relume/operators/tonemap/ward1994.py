"""Ward 1994: a contrast-based scale factor for luminance display."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.yee_pattanaik2003 import LAYERS, local_adaptation


@dataclass(frozen=True, kw_only=True)
class Ward1994(Method):
    """One factor that makes a just visible contrast of the scene just visible on the display.

    m = ((1.219 + (Ldmax/2)^0.4) / (1.219 + Lwa^0.4))^2.5, and display light is m L.

    Convention:  nothing is compressed: what is brighter than the display is cut by it, not here. With
        `adaptation_map` each pixel has an adaptation of its own, and the factor becomes local.

    Agreement: 6e-8 (relative, float64) with WardGlobalTMO and YPWardGlobalTMO (correct labelling) of the HDR
    Toolbox, five cases, once cut to 0..1. The picture of a scene with lamps is their surroundings, well
    exposed, and the lamps white.

    Picture: a straight exposure, bright: sunlit surfaces and lamps are white and without detail. With
        `adaptation_map` it is pale, colours faded, with outlines around lamps.

    References:  [ward1994]; [yee2003] for the map.
    """

    peak: float = parameter(100.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")
    adaptation: float | None = parameter(
        None,
        "luminance the eye is adapted to; auto is the log mean of the scene",
        minimum=1e-6,
        maximum=1e8,
        unit="cd/m²",
    )
    adaptation_map: bool = parameter(False, "find the adaptation of each pixel from segments of the scene")
    layers: int = parameter(LAYERS, "of the adaptation map: segmentations averaged", minimum=2, maximum=128)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="ward1994",
        title="Ward 1994, contrast-based scale factor",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="ward1994",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What the image is multiplied with: a number, or one for each pixel."""
        scene = self._adaptation(image)
        return {"factor": ((1.219 + (0.5 * self.peak) ** 0.4) / (1.219 + scene**0.4)) ** 2.5 / self.peak}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale the light."""
        return image * (statistics or self.measure(image))["factor"]

    def _adaptation(self, image: Tensor) -> Tensor:
        if self.adaptation_map:
            return local_adaptation(light_of(image), layers=self.layers)
        if self.adaptation is not None:
            return torch.full_like(image[:, :1, :1, :1], self.adaptation)
        return log_mean(light_of(image))
