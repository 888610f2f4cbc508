"""Khronos PBR Neutral: base colours as they are, highlights compressed."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY
from relume.method import Direction, Method, MethodSpec, Statistics
from relume.operators.tonemap.exposure import (
    WHITE_SCENE,
    automatic_parameter,
    exposed,
    exposure_parameter,
    measure_exposure,
)

_FRESNEL = 0.04
"""What a dielectric reflects at normal incidence, taken off so that base colours keep their saturation."""
_START = 0.8 - _FRESNEL
"""The largest channel, above which compression begins."""
_DESATURATION = 0.15


@dataclass(frozen=True, kw_only=True)
class KhronosNeutral(Method):
    """Light less a small offset; above 0.76 the largest channel is compressed, and colours fade to white.

    Convention:  for pictures of objects lit so that white is 1.0: what is brighter than 1 is nearly white.

    Agreement: with the formula recomputed in numpy, 1e-12.

    Picture: colours of the middle tones as they are, strong and dark in the shadows, where the offset of 0.04
        takes grey away; lamps go to white.

    References:  [khronos_neutral].
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="khronos_neutral",
        title="Khronos PBR Neutral",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=LINEAR_DISPLAY,
        citation="khronos_neutral",
        scaling="dependent",
        upper=1.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Take off the offset, compress the largest channel, fade to white."""
        light = exposed(image, statistics or self.measure(image))
        smallest = light.amin(-3, keepdim=True)
        dark = smallest - smallest**2 / (4.0 * _FRESNEL)
        light = light - torch.where(smallest < 2.0 * _FRESNEL, dark, _FRESNEL)
        largest = light.amax(-3, keepdim=True).clamp(min=_START)
        room = 1.0 - _START
        compressed = 1.0 - room**2 / (largest + room - _START)
        white = 1.0 - 1.0 / (_DESATURATION * (largest - compressed) + 1.0)
        return torch.lerp(light * (compressed / largest), compressed, white)
