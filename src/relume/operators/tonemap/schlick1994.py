"""Schlick 1994: quantization techniques for visualization of high dynamic range pictures."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

# Black is told from nothing by this share of the brightest pixel.
_DARKEST = 1e-9


@dataclass(frozen=True, kw_only=True)
class Schlick1994(Method):
    """Uniform rational quantization: Ld = p L / ((p - 1) L + Lmax).

    `nonuniformity` lets p follow each pixel: p (1 - k + k L / √(Lmin Lmax)), as the eye adapts to what it
    looks at.

    Convention:  the darkest luminance is the smallest that is not black. The curve hangs on the brightest
        pixel: with p = 200 a scene with a lamp is dark, one without is washed out. The automatic p (0), which
        the paper gives, suits both better; `nonuniformity` is meant to go with it.

    Agreement: 6e-8 (relative, float64) with SchlickTMO of the HDR Toolbox, four cases: manual, automatic and
    non-uniform.

    Picture: depends on the brightest pixel: pale where that is near, nearly black at night. Not to be used
        without a look.

    References:  [schlick1994], sections 3 and 4.
    """

    brightness: float = parameter(
        200.0,
        "p: higher lifts the dark; 0 finds it from the range: darkest_level Lmax / (levels Lmin)",
        minimum=0.0,
        maximum=1e9,
    )
    levels: int = parameter(
        256, "of automatic brightness: N, levels of the display", minimum=2, maximum=65536
    )
    darkest_level: float = parameter(
        1.0, "of automatic brightness: M, the darkest level told from black", minimum=1e-3, maximum=255.0
    )
    nonuniformity: float = parameter(
        0.0, "k: 0 is one curve for all, 1 wholly local", minimum=0.0, maximum=1.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="schlick1994",
        title="Schlick 1994, uniform rational quantization",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="schlick1994",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The largest luminance, the middle of the range, and the brightness p."""
        light = light_of(image)
        top = light.amax((-2, -1), keepdim=True)
        top = torch.where(top > 0.0, top, 1.0)
        bottom = torch.where(light > _DARKEST * top, light, top).amin((-2, -1), keepdim=True)
        automatic = self.darkest_level * top / (self.levels * bottom)
        given = torch.full_like(top, self.brightness)
        return {
            "top": top,
            "middle": (bottom * top).sqrt(),
            "brightness": given if self.brightness > 0.0 else automatic.clamp(min=1.0),
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        brightness, top = statistics["brightness"], statistics["top"]
        light = luminance(image).clamp(min=0.0)
        if self.nonuniformity > 0.0:
            brightness = brightness * (1.0 + self.nonuniformity * (light / statistics["middle"] - 1.0))
        return image * (brightness / ((brightness - 1.0) * light + top))
