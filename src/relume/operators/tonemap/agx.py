"""AgX: Sobotka's picture formation, in the compact form that engines use."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY
from relume.color.luminance import luminance
from relume.color.primaries import apply_matrix
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.tonemap.exposure import (
    WHITE_SCENE,
    automatic_parameter,
    exposed,
    exposure_parameter,
    measure_exposure,
)

_INSET = np.array(
    [
        [0.842479062253094, 0.0784335999999992, 0.0792237451477643],
        [0.0423282422610123, 0.878468636469772, 0.0791661274605434],
        [0.0423756549057051, 0.0784336, 0.879142973793104],
    ]
)
_OUTSET = np.linalg.inv(_INSET)
_DARKEST, _BRIGHTEST = -12.47393, 4.026069
"""Log2 of the light that becomes black and white."""
_PIVOT = 20 / 33
_TOE, _SHOULDER = (3.0, 59.507875), (3.25, 69.86278913545539)
"""Power and scale of the two ends of the sigmoid."""
_POLYNOMIAL = (15.5, -40.14, 31.96, -6.868, 0.4298, 0.1191, -0.00232)
"""From the 6th power down."""

_LOOKS = {
    "base": ((1.0, 1.0, 1.0), 1.0, 1.0),
    "golden": ((1.0, 0.9, 0.5), 0.8, 0.8),
    "punchy": ((1.0, 1.0, 1.0), 1.25, 1.4),
}
"""Slope, power and saturation."""


@dataclass(frozen=True, kw_only=True)
class Agx(Method):
    """A sigmoid of log2 light in an inset gamut: bright colours fade as on film, and hues hold.

    Convention:  the result is encoded for a display of gamma 2.2; 0.18 becomes 0.5. The primaries are those
        of BT.709, and the inset is not that of the version in Blender 4: the same name, a near relative.

    Agreement: with the formulas recomputed in numpy, 1e-12, sigmoid and polynomial, base look.

    Picture: soft and pale; every lamp goes to white smoothly, none in a wrong hue. `look=golden` paints all
        of it yellow-brown, white included: its slopes take away half of the blue.

    References:  [sobotka_agx]; [wrensch2023] for the compact form, the polynomial and the looks.
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()
    curve: str = parameter(
        "sigmoid",
        "sigmoid: exact; polynomial: the fit that shaders use, off by up to 0.003",
        choices=("sigmoid", "polynomial"),
    )
    look: str = parameter(
        "base",
        "golden: warm and soft; punchy: more contrast and colour",
        choices=("base", "golden", "punchy"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="agx",
        title="AgX, Sobotka's picture formation",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=replace(LINEAR_DISPLAY, transfer="gamma2.2"),
        citation="sobotka_agx",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Inset, curve, look, outset."""
        light = apply_matrix(exposed(image, statistics or self.measure(image)), _INSET)
        stops = light.clamp(min=2.0**_DARKEST).log2().clamp(max=_BRIGHTEST)
        place = (stops - _DARKEST) / (_BRIGHTEST - _DARKEST)
        signal = sigmoid(place) if self.curve == "sigmoid" else polynomial(place)
        return apply_matrix(self._graded(signal), _OUTSET)

    def _graded(self, signal: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        if self.look == "base":
            return signal
        slope, exponent, saturation = _LOOKS[self.look]
        gain = torch.tensor(slope, dtype=signal.dtype, device=signal.device).view(3, 1, 1)
        graded = (signal * gain).clamp(min=1e-9) ** exponent
        return torch.lerp(luminance(graded), graded, saturation)


def sigmoid(place: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The curve of AgX, through (0, 0), (20/33, 0.5) with slope 2, and (1, 1).

    Convention:  place of the light in the log range, 0..1 → signal for gamma 2.2, 0..1.

    References:  [sobotka_agx].
    """
    distance = place - _PIVOT
    power, scale = _TOE
    toe = (1.0 + scale * (-distance).clamp(min=0.0) ** power) ** (-1.0 / power)
    power, scale = _SHOULDER
    shoulder = (1.0 + scale * distance.clamp(min=0.0) ** power) ** (-1.0 / power)
    return 0.5 + 2.0 * distance * torch.where(distance < 0.0, toe, shoulder)


def polynomial(place: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A fit of the 6th degree to the curve, from -0.0023 to 0.9986.

    Convention:  as `sigmoid`.

    References:  [wrensch2023].
    """
    total = torch.zeros_like(place)
    for coefficient in _POLYNOMIAL:
        total = total * place + coefficient
    return total
