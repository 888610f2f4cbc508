"""Van Hateren 2006: encoding of high dynamic range video with a model of human cones."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_NITS, SRGB
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import scale_to

# The steady state of the cone, I the current: a I⁵ + I⁴ = 1 / (c + k trolands).
_A, _C, _K = 0.09, 2.8e-3, 1.6e-4


def _dark_current() -> float:
    current: float = _C**-0.25
    for _ in range(20):
        current -= (_A * current**5 + current**4 - 1.0 / _C) / (5.0 * _A * current**4 + 4.0 * current**3)
    return current


_DARK = _dark_current()
# Relative to the dark, with v = I / I_dark: α v⁵ + β v⁴ = 1 / (1 + k/c trolands), α + β = 1.
_ALPHA, _BETA = _A * _DARK**5 * _C, _DARK**4 * _C


@dataclass(frozen=True, kw_only=True)
class VanHateren2006(Method):
    """The response of a cone that light has shone on for long: how much less current it lets through.

    Ld = 1 - I / I_dark, I the root of a I⁵ + I⁴ = 1 / (c + k L A), A the area of the pupil. The filters in
    time, which the paper adds for video, are left out.

    Convention:  the response is the signal of the display, with no curve between: encoded. The ratios of
        linear channels are kept in it, so saturated colours become glaring: met by the
        golden values, and wanted by nobody.

    Agreement: 6e-8 (relative, float64) with VanHaterenTMO of the HDR Toolbox, all three cases.

    Picture: glaring, flat colours, as of a poster; greys are right.

    References:  [vanhateren2006], the steady state of the cone model.
    """

    pupil_area: float = parameter(10.0, "A, of the viewer", minimum=0.5, maximum=60.0, unit="mm²")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="van_hateren2006",
        title="Van Hateren 2006, the response of human cones",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=SRGB,
        citation="vanhateren2006",
        scaling="dependent",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Respond to luminance and scale the colours with it."""
        light = luminance(image)
        return scale_to(image, light, response(light.clamp(min=0.0) * self.pupil_area))


def response(trolands: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """The part of the dark current that light takes away, 0 to 1.

    Convention:  retinal illuminance in trolands → encoded, relative.

    References:  [vanhateren2006].
    """
    bleaching = trolands * (_K / _C)
    left = 1.0 / (1.0 + bleaching)
    root = left.sqrt().sqrt()
    current = (left / (_BETA + _ALPHA * root)).sqrt().sqrt()
    for _ in range(3):
        cubed = current**3
        excess = cubed * current * (_ALPHA * current + _BETA) - left
        current = current - excess / (cubed * (5.0 * _ALPHA * current + 4.0 * _BETA))
    return torch.where(current > 0.5, _small_response(1.0 - current, bleaching * left), 1.0 - current)


def _small_response(first: Tensor, taken: Tensor) -> Tensor:
    """One more step of Newton's method, on an equation for the response, which keeps its digits near 0."""
    r = first
    four = r * (4.0 - r * (6.0 - r * (4.0 - r)))
    five = r * (5.0 - r * (10.0 - r * (10.0 - r * (5.0 - r))))
    slope = (1.0 - r) ** 3 * (4.0 * _BETA + 5.0 * _ALPHA * (1.0 - r))
    return r - (_BETA * four + _ALPHA * five - taken) / slope.clamp(min=1e-3)
