"""ITU-R BT.2446, method A: SDR to HDR of 1000 cd/m²."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import BT2020_WEIGHTS, luminance
from relume.color.primaries import BT2020
from relume.color.transfer import bt1886
from relume.method import Direction, Method, MethodSpec, Statistics

_PEAK = 1000.0
"""cd/m², for which the curve was fitted."""

# The exponent of the luma of 0..255, a polynomial of it: at most 70, and above.
_DARK, _BRIGHT = (1.8712e-5, -2.7334e-3, 1.3141), (2.8305e-6, -7.4622e-4, 1.2528)
_JOINT = 70.0

_SATURATION = 1.075
"""Colour differences are scaled with luma, and by this much more."""

# Luma below which the curve is a straight line, so that black has a finite slope.
_DARKEST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Bt2446aInverse(Method):
    """Luma of 0..255 raised to an exponent of itself, 1.31 in the dark and 1.25 at white, colour with it.

    Convention:  R'G'B' for a BT.1886 display in, linear BT.2020 in cd/m² out. What would lie below 0 or above
        1000 is clipped: yellow asks for negative blue. White comes out at 999.5.

    Agreement: luma with the formula recomputed by hand; the two programs that the constants were taken from
        agree with each other. Not the exact inverse of method A for HDR to SDR.

    Picture: brighter and with more contrast throughout, mid-tones double and white at five times diffuse
        white; dark parts stay. Colours gain with it. The best balanced of those that stretch everything.

    References:  [bt2446], section 4.2.
    """

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2446a_inverse",
        title="ITU-R BT.2446 method A, SDR to HDR",
        direction=Direction.EXPAND,
        input=replace(LINEAR_DISPLAY, primaries=BT2020, transfer="bt1886"),
        output=replace(LINEAR_NITS, primaries=BT2020),
        citation="bt2446",
        scaling="dependent",
        upper=_PEAK,
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expand luma and scale the colour differences."""
        luma = luminance(image, weights=BT2020_WEIGHTS)
        lit = luma.clamp(min=_DARKEST)
        ratio = expand(lit) / lit
        # The same factor for both differences of colour is one for the distance of each channel to luma.
        expanded = ratio * (luma + _SATURATION * (image - luma))
        return _PEAK * bt1886.eotf(expanded.clamp(0.0, 1.0))


def expand(luma: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Luma of SDR to luma of HDR, both encoded with gamma 2.4 and relative to white, here 100 and 1000 cd/m².

    Convention:  positive; white becomes 0.9998.

    References:  [bt2446], section 4.2.
    """
    level = 255.0 * luma
    dark, bright = ((a * level + b) * level + c for a, b, c in (_DARK, _BRIGHT))
    exponent = torch.where(level <= _JOINT, dark, bright)
    return level.pow(exponent) / 1000.0
