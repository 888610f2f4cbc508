"""Pattanaik, Tumblin, Yee, Greenberg 2000: visual adaptation, for an eye that has come to rest."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.primaries import BT709, apply_matrix, rgb_to_xyz_matrix
from relume.method import Direction, Method, MethodSpec, Statistics, parameter

_EXPONENT = 0.73
_DARKEST = 1e-9
"""cd/m², below which light counts as this: the slope of the responses is infinite at 0."""
# The four digits printed in the standard, which the implementations of the field were written with.
_RGB_TO_XYZ = rgb_to_xyz_matrix(BT709).round(4)


@dataclass(frozen=True, kw_only=True)
class Pattanaik2000(Method):
    """The sum of the responses of rods and cones to light, each adapted to a level of its own.

    R = B Lⁿ / (Lⁿ + σⁿ), n = 0.73, with B (bleaching) and σ (half saturation) from the adaptation level;
    colours are (C/L)^S R, S the slope of the cones' response against ln L.

    The eye is at rest: the course in time towards an adaptation is the paper's too, and so is the inverse
    of the response for a viewer before a display. Both are left out, as in the HDR Toolbox.

    Convention:  1.0 is the largest response of the cones. The picture is pale and soft where the scene is
        much brighter than the adaptation, and dark where it is much darker: the scene's own level belongs
        into the two parameters.

    Agreement: 6e-8 (relative, float64) with PattanaikTMO of the HDR Toolbox, all three cases.

    Picture: almost grey: at the default adaptation the slope of the response, which is the exponent of the
        colours, is small. Nobody would want it as it is; adaptations from the scene help somewhat.

    References:  [pattanaik2000], section 3; [larson1997] for the luminance that rods see.
    """

    rod: float = parameter(
        80.0, "luminance that the rods are adapted to", minimum=1e-6, maximum=1e8, unit="cd/m²"
    )
    cone: float = parameter(
        80.0, "luminance that the cones are adapted to", minimum=1e-6, maximum=1e8, unit="cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="pattanaik2000",
        title="Pattanaik et al. 2000, rods and cones at rest",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="pattanaik2000",
        scaling="dependent",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The response to each pixel, with its colour."""
        x, light, z = apply_matrix(image, _RGB_TO_XYZ).clamp(min=0.0).chunk(3, dim=-3)
        scotopic = (light * (1.33 * (1.0 + (light + z) / (x + 1e-6)) - 1.68)).clamp(min=0.0)
        half_rod, half_cone = _rod_half_saturation(self.rod), _cone_half_saturation(self.cone)
        bleached_rod, bleached_cone = 0.04 / (0.04 + self.rod), 2e6 / (2e6 + self.cone)
        response = bleached_rod * _response(scotopic, half_rod) + bleached_cone * _response(light, half_cone)
        excited = _response(light, half_cone)
        slope = _EXPONENT * bleached_cone * excited * (1.0 - excited)
        ratios = torch.where(light > _DARKEST, image.clamp(min=0.0) / light.clamp(min=_DARKEST), 0.0)
        lit = ratios > 0.0
        return torch.where(lit, torch.where(lit, ratios, 1.0).pow(slope) * response, 0.0)


def _response(light: Tensor, half_saturation: float) -> Tensor:
    """Naka-Rushton: Lⁿ / (Lⁿ + σⁿ)."""
    powered = light.clamp(min=_DARKEST).pow(_EXPONENT)
    response: Tensor = powered / (powered + half_saturation**_EXPONENT)
    return response


def _cone_half_saturation(level: float) -> float:
    k = (1.0 / (5.0 * level + 1.0)) ** 4
    return 12.9223 * level / (k * level + (1.0 - k) ** 2 * math.cbrt(level))


def _rod_half_saturation(level: float) -> float:
    j = (1.0 / (5e5 * level + 1.0)) ** 2
    return 2.5874 * level / (19000.0 * j * level + 0.2615 * (1.0 - j) ** 4 * math.pow(level, 1.0 / 6.0))
