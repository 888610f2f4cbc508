"""Bist, Cozot, Madec, Ducloux 2017: tone expansion using lighting style aesthetics."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, percentile, scale_to

# The median of L* / 100 is kept within these, so that a black frame and a white one have an exponent.
_DARKEST, _LIGHTEST = 0.05, 0.95

# The straight part of CIELAB.
_EPSILON, _SLOPE = 216.0 / 24389.0, 24389.0 / 27.0


@dataclass(frozen=True, kw_only=True)
class Bist2017(Method):
    """A power of luminance, peak·L^γ, whose exponent follows the lighting style: γ = 1 + log10(1 / m).

    m is the median lightness of the frame, L* / 100: about 1.3 where it is medium, 1.1 in high key, 2 in low
    key.

    Agreement: none. The paper was not at hand: the exponent is as it is remembered and has not been checked
        against it; the correction of saturation is left out, for its formula is not known to us. Colours keep
        their ratios.

    Picture: contrast and brightness of the whole picture rise together; white is as bright as a lamp.

    References:  [bist2017].
    """

    peak: float = parameter(1000.0, "luminance of white", minimum=1.0, maximum=10_000.0, unit="cd/m²")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bist2017",
        title="Bist et al. 2017, power by the lighting style",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="bist2017",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exponent."""
        median = percentile(light_of(image), 0.5)
        root = median.clamp(min=_EPSILON).pow(1.0 / 3.0)
        lightness = torch.where(median > _EPSILON, 1.16 * root - 0.16, median * (_SLOPE / 100.0))
        return {"exponent": 1.0 - lightness.clamp(_DARKEST, _LIGHTEST).log10()}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Raise luminance to the power and scale the colours with it."""
        exponent = (statistics or self.measure(image))["exponent"]
        light = luminance(image)
        lit = light > 0.0
        expanded = torch.where(lit, torch.where(lit, light, 1.0).pow(exponent), 0.0)
        return scale_to(image, light, self.peak * expanded)
