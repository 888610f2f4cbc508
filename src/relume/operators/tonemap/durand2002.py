"""Durand, Dorsey 2002: fast bilateral filtering for the display of high dynamic range images."""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.filters.bilateral import bilateral
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, gain, light_of

_SIGMA_SPACE = 0.02
"""Of the filter, as a share of the longer side."""
_SIGMA_RANGE = 0.4
"""In log10 units."""


@dataclass(frozen=True, kw_only=True)
class Durand2002(Method):
    """Compress the contrasts of a base layer, which keeps strong edges, and leave the detail as it is.

    base = bilateral filter of log10 L, detail = log10 L - base, log10 Ld = f (base - max base) + detail, f so
    that the base spans `contrast`.

    Convention:  the brightest base is white; details upon it go above. Less contrast than wanted is not
        stretched. The 5 : 1 of the paper makes flat, bright pictures
        in which the noise of dark walls stands out in colour; 50 looks more like a photograph.

    Agreement: 1e-7 (relative, float64) with DurandTMO of the HDR Toolbox, its cases with the full filter
    (filter=exact) and that with the grid. Its default draws random samples by the clock and agrees with
    nothing, itself included.

    Picture: everything at about the same brightness, shadows as light as the sun; lamps have double outlines.
        `contrast=50` looks more like a photograph, though dark.

    References:  [durand2002], section 5.
    """

    contrast: float = parameter(
        5.0,
        "from the darkest to the brightest part of the base layer",
        minimum=1.1,
        maximum=1e4,
        unit="ratio",
    )
    filter: str = parameter(
        "grid",
        "how the base is found: grid, in time that hardly depends on the size of the filter; exact, by "
        "definition, for small pictures only",
        choices=("grid", "exact"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="durand2002",
        title="Durand and Dorsey 2002, bilateral base and detail",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="durand2002",
        memory=7.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What each pixel is multiplied with."""
        light = light_of(image)
        base = self._base((light + LOG_OFFSET).log10())
        top, bottom = base.amax((-2, -1), keepdim=True), base.amin((-2, -1), keepdim=True)
        factor = math.log10(self.contrast) / (top - bottom).clamp(min=math.log10(self.contrast))
        detail = light / (10.0**base - LOG_OFFSET).clamp(min=1e-3 * LOG_OFFSET)
        display = (detail * 10.0 ** (factor * (base - top)) - LOG_OFFSET).clamp(min=0.0)
        return {"gain": gain(light, display)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale the colours with the luminance."""
        statistics = statistics or self.measure(image)
        return image * statistics["gain"]

    def _base(
        self, logarithm: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        sigma = _SIGMA_SPACE * max(logarithm.shape[-2:])
        if self.filter == "exact":
            return bilateral(logarithm, sigma_space=sigma, sigma_range=_SIGMA_RANGE)
        low, high = logarithm.amin((-2, -1), keepdim=True), logarithm.amax((-2, -1), keepdim=True)
        return bilateral_grid(logarithm, sigma_space=sigma, sigma_range=_SIGMA_RANGE, low=low, high=high)
