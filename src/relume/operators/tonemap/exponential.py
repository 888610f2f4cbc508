"""Exponential mapping: the oldest baseline of tone mapping."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean

# Luminance over the log mean, below which the curve is a straight line to the last digit.
_DARKEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Exponential(Method):
    """Luminance saturates as film does under more and more light: Ld = 1 - exp(-k L / log mean of L).

    Agreement: 6e-8 (relative, float64) with ExponentialTMO of the HDR Toolbox, both cases.

    Picture: very bright: the log mean comes out at 63 % of white, so that all light parts are pale.
        `strength=0.3` is nearer to a photograph.

    References:  [banterle2017], the exponential mapping.
    """

    strength: float = parameter(1.0, "k: higher is brighter", minimum=1e-3, maximum=1e3)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="exponential",
        title="Exponential mapping, a baseline",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="banterle2017",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What luminance is multiplied with before it goes into the exponential."""
        return {"exposure": self.strength / log_mean(light_of(image))}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        exposed = (luminance(image) * statistics["exposure"]).clamp(min=_DARKEST)
        return image * (statistics["exposure"] * -(-exposed).expm1() / exposed)
