"""Exposure and gamma: what a picture looks like without tone mapping."""

from dataclasses import dataclass, replace
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY
from relume.color.transfer import gamma
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.tonemap.exposure import (
    WHITE_SCENE,
    automatic_parameter,
    exposed,
    exposure_parameter,
    measure_exposure,
)


@dataclass(frozen=True, kw_only=True)
class Gamma(Method):
    """(2^stops · C)^(1/gamma) per channel, for a display of gamma 2.2: at 2.2 a straight exposure.

    Convention:  what is brighter than white is cut by the display, not here.

    Agreement: 6e-8 (relative, float64) with GammaTMO of the HDR Toolbox, both cases, once cut to 0..1.

    Picture: a straight exposure: what exceeds diffuse white is white.

    References:  [banterle2017].
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()
    gamma: float = parameter(2.2, "above 2.2 lifts the dark and lowers contrast", minimum=1.0, maximum=10.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="gamma",
        title="Exposure and gamma, no tone mapping",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=replace(LINEAR_DISPLAY, transfer="gamma2.2"),
        citation="banterle2017",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expose and encode."""
        return gamma.inverse_eotf(exposed(image, statistics or self.measure(image)), self.gamma)
