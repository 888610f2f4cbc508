"""Narkowicz 2015: a curve fitted to the output transform of ACES."""

from dataclasses import dataclass
from typing import ClassVar

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


@dataclass(frozen=True, kw_only=True)
class AcesNarkowicz2015(Method):
    """x (2.51 x + 0.03) / (x (2.43 x + 0.59) + 0.14) per channel: the contrast of ACES, not its colours.

    Convention:  brighter than the transform it was fitted to; exposure_stops=-0.737, a factor of 0.6, brings
        it to that level, as the author says. The curve ends at 2.51 / 2.43; what exceeds 1 is cut by the
        display, not here. Channels by themselves: bright saturated colours clip, and their hue turns.

    Agreement: with the formula recomputed in numpy, 1e-12; a fit, not a conformant ACES transform.

    Picture: contrasty and bright, sunlit surfaces almost white, lamps white.

    References:  [narkowicz2015].
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="aces_narkowicz2015",
        title="Narkowicz 2015, a curve fitted to ACES",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=LINEAR_DISPLAY,
        citation="narkowicz2015",
        scaling="dependent",
        upper=2.51 / 2.43,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Apply the curve to each channel."""
        x = exposed(image, statistics or self.measure(image))
        return x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
