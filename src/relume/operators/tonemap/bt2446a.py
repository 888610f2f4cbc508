"""ITU-R BT.2446, method A: HDR to SDR for programmes, from 1000 cd/m² to 100."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import BT2020_WEIGHTS, luminance
from relume.color.primaries import BT2020
from relume.color.transfer import bt1886
from relume.method import Direction, Method, MethodSpec, Statistics, parameter

_BLUE, _RED = 1.8814, 1.4746
"""Scales of the colour differences of BT.2020."""
# Luma below which the curve is a straight line, so that black has a finite slope.
_DARKEST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Bt2446a(Method):
    """Luma compressed on a perceptual scale, colour differences scaled with it, reds held down.

    Convention:  linear BT.2020 in cd/m² in, R'G'B' for a BT.1886 display out. Light above `source_peak`
        goes on along the last part of the curve, and comes out above 1.

    Agreement: luma with the formula recomputed in numpy, 1e-12; no reference program.

    Picture: grey and soft, lamps white with thin coloured rims.

    References:  [bt2446], section 4, tables 1 and 2.
    """

    source_peak: float = parameter(
        1000.0, "white of the HDR picture", minimum=100.0, maximum=1e4, unit="cd/m²"
    )
    peak: float = parameter(100.0, "white of the SDR display", minimum=10.0, maximum=1e3, unit="cd/m²")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2446a",
        title="ITU-R BT.2446 method A",
        direction=Direction.TONEMAP,
        input=replace(LINEAR_NITS, primaries=BT2020),
        output=replace(LINEAR_DISPLAY, primaries=BT2020, transfer="bt1886"),
        citation="bt2446",
        scaling="dependent",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luma and scale the colour differences."""
        encoded = bt1886.inverse_eotf(image / self.source_peak)
        luma = luminance(encoded, weights=BT2020_WEIGHTS)
        ratio = self._ratio(luma)
        red, _, blue = encoded.chunk(3, dim=-3)
        difference_blue = ratio / 1.1 * (blue - luma) / _BLUE
        difference_red = ratio / 1.1 * (red - luma) / _RED
        compressed = ratio * luma - (0.1 * difference_red).clamp(min=0.0)
        new_red, new_blue = compressed + _RED * difference_red, compressed + _BLUE * difference_blue
        weight_red, weight_green, weight_blue = BT2020_WEIGHTS
        new_green = (compressed - weight_red * new_red - weight_blue * new_blue) / weight_green
        return torch.cat((new_red, new_green, new_blue), dim=-3)

    def _ratio(self, luma: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
        """Compressed luma over luma."""
        lit = luma.clamp(min=_DARKEST)
        return compress(lit, source_peak=self.source_peak, peak=self.peak) / lit


def compress(
    luma: Float[Tensor, "batch 1 height width"], *, source_peak: float, peak: float
) -> Float[Tensor, "batch 1 height width"]:
    """Luma of HDR to luma of SDR.

    Convention:  encoded with gamma 2.4, relative to the peaks in cd/m²; 1 stays 1.

    References:  [bt2446], section 4, table 2.
    """
    rho_source, rho = (1.0 + 32.0 * (level / 1e4) ** (1.0 / 2.4) for level in (source_peak, peak))
    perceived = ((rho_source - 1.0) * luma).log1p() / math.log(rho_source)
    knee = perceived * (2.7811 - 1.1510 * perceived) - 0.6302
    upper = torch.where(perceived < 0.9909, knee, 0.5 * perceived + 0.5)
    curve = torch.where(perceived <= 0.7399, 1.0770 * perceived, upper)
    compressed: Tensor = (curve * math.log(rho)).expm1() / (rho - 1.0)
    return compressed
