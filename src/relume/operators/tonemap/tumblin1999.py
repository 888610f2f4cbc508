"""Tumblin, Hodgins, Guenter 1999: the operator of Tumblin and Rushmeier 1993, revised."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.yee_pattanaik2003 import LAYERS, local_adaptation

# Luminance over the adaptation, below which the curve is continued as a straight line.
_DARKEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Tumblin1999(Method):
    """Brightness as Stevens measured it, kept from the scene to the display.

    Ld = Lda m (L/Lwa)^(γw/γd), with γ(L) = 1.855 + 0.4 log10(L + 2.3e-5), at most 2.655, for the
    adaptation to the scene and to the display, and m = Cmax^((γwd - 1)/2), γwd = γw/γd.

    Convention:  highlights exceed 1 by far, for the exponent is near 1: the display cuts them. With
        `adaptation_map` each pixel has an adaptation of its own, and the operator becomes local.

    Agreement: 6e-8 (relative, float64) with TumblinTMO and YPTumblinTMO (correct labelling) of the HDR
    Toolbox with `display_logarithm=natural`, all four cases: the natural logarithm in γd of
    m, log10 in γ. Here both are log10, for γd is γ of the display.

    Picture: a contrasty exposure: sunlit surfaces and lamps are white, and colours in the middle tones are
        good. With `adaptation_map` lamps come out darker than what they light.

    References:  [tumblin1999], section 4; [yee2003] for the map.
    """

    peak: float = parameter(100.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")
    display_adaptation: float = parameter(
        20.0, "luminance the viewer of the display is adapted to", minimum=1e-2, maximum=1e4, unit="cd/m²"
    )
    contrast: float = parameter(100.0, "largest contrast of the display", minimum=2.0, maximum=1e6)
    adaptation: float | None = parameter(
        None,
        "luminance the eye is adapted to; auto is the log mean of the scene",
        minimum=1e-6,
        maximum=1e8,
        unit="cd/m²",
    )
    display_logarithm: str = parameter(
        "decimal", "logarithm in γd where it stands for m", choices=("decimal", "natural")
    )
    adaptation_map: bool = parameter(False, "find the adaptation of each pixel from segments of the scene")
    layers: int = parameter(LAYERS, "of the adaptation map: segmentations averaged", minimum=2, maximum=128)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="tumblin1999",
        title="Tumblin et al. 1999, revised Tumblin-Rushmeier",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="tumblin1999",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The adaptation to the scene, of all of it or of each pixel."""
        if self.adaptation_map:
            return {"adaptation": local_adaptation(light_of(image), layers=self.layers)}
        if self.adaptation is not None:
            return {"adaptation": torch.full_like(image[:, :1, :1, :1], self.adaptation)}
        return {"adaptation": log_mean(light_of(image))}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        adaptation = (statistics or self.measure(image))["adaptation"]
        scene = sensitivity(adaptation)
        display = float(sensitivity(torch.tensor(self.display_adaptation, dtype=torch.float64)))
        base = (0.5 * math.log(self.contrast) * (scene / self._gamma() - 1.0)).exp()
        factor = base * self.display_adaptation / (self.peak * adaptation)
        relative = (luminance(image) / adaptation).clamp(min=_DARKEST)
        return image * (factor * (relative.log() * (scene / display - 1.0)).exp())

    def _gamma(self) -> float:
        """γd as it stands for m."""
        if self.display_logarithm == "natural":
            return 1.855 + 0.4 * math.log(self.display_adaptation)
        return float(sensitivity(torch.tensor(self.display_adaptation, dtype=torch.float64)))


def sensitivity(adaptation: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """γ, Stevens' contrast sensitivity of an eye adapted to that luminance in cd/m².

    References:  [tumblin1999], section 4.
    """
    return torch.where(adaptation <= 100.0, 1.855 + 0.4 * (adaptation + 2.3e-5).log10(), 2.655)
