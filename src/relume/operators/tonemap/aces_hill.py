"""Hill: a fit to the reference and output transforms of ACES, with their desaturation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY
from relume.color.primaries import apply_matrix
from relume.method import Direction, Method, MethodSpec, Statistics
from relume.operators.tonemap.exposure import (
    WHITE_SCENE,
    automatic_parameter,
    exposed,
    exposure_parameter,
    measure_exposure,
)

_INPUT = np.array([[0.59719, 0.35458, 0.04823], [0.07600, 0.90834, 0.01566], [0.02840, 0.13383, 0.83777]])
"""BT.709 to AP1, with the saturation of the reference transform."""
_OUTPUT = np.array(
    [[1.60475, -0.53108, -0.07367], [-0.10208, 1.10813, -0.00605], [-0.00327, -0.07276, 1.07602]]
)
"""The saturation of the output transform, and back to BT.709."""


@dataclass(frozen=True, kw_only=True)
class AcesHill(Method):
    """A rational curve between the matrices of ACES: bright colours go to white as they do there.

    v = M_in C; v = (v (v + 0.0245786) - 0.000090537) / (v (0.983729 v + 0.4329510) + 0.238081); M_out v.

    Convention:  dark, as the transform it was fitted to: 0.18 becomes 0.106. Some engines divide the input by
        0.6 (exposure_stops=0.737). Saturated colours leave 0..1, which the display cuts, not this.

    Agreement: with the formula recomputed in numpy, 1e-12; a fit, not a conformant ACES transform.

    Picture: as `aces_narkowicz2015` but darker, and colours of lamps fade more smoothly.

    References:  [hill_aces].
    """

    exposure_stops: float = exposure_parameter()
    automatic: bool = automatic_parameter()

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="aces_hill",
        title="Hill, a fit to the transforms of ACES",
        direction=Direction.TONEMAP,
        input=WHITE_SCENE,
        output=LINEAR_DISPLAY,
        citation="hill_aces",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure."""
        return measure_exposure(image, stops=self.exposure_stops, automatic=self.automatic)

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Apply the curve between the two matrices."""
        v = apply_matrix(exposed(image, statistics or self.measure(image)), _INPUT)
        fitted = (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081)
        return apply_matrix(fitted, _OUTPUT)
