"""Masia, Agustin, Fleming, Sorkine, Gutierrez 2009: evaluation of reverse tone mapping."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.color.transfer import gamma
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import gain, log_mean, percentile, strips

DOMAIN = "what the curve works on: encoded values, as in the papers, or linear light, as in the HDR Toolbox"

# The base layer is wide in space, and narrow in range so that only noise and quantization are left out.
_SIGMA_SPACE, _SIGMA_RANGE = 32.0, 0.01

# Logarithm of the steepest gain, 1e26.
_MOST = 60.0


@dataclass(frozen=True, kw_only=True)
class Masia2009(Method):
    """A power of luminance, peak·L^γ, whose exponent follows the key of the picture: γ = 10.44·key - 6.282.

    Convention:  L is the luminance of the encoded values, to which γ was fitted; colours keep the ratios of
        their linear light. A picture of one luminance, which has no key, gets γ = 1.

    Agreement: HDR Toolbox (linear domain), 2 cases, within 6e-8 relative in float64 (they are stored so),
        2e-5 in float32. There is nothing to compare the encoded domain with.
    Picture: γ was fitted to pictures that are too bright. A key below 0.7 gives an exponent below 1, which
        takes contrast away; below 0.6 the picture turns into its negative. `least_gamma=1` prevents both.

    References:  [masia2009], section 6.
    """

    peak: float = parameter(1000.0, "luminance of white", minimum=1.0, maximum=10_000.0, unit="cd/m²")
    domain: str = parameter("encoded", DOMAIN, choices=("encoded", "linear"))
    base_layer: bool = parameter(True, "expand a smoothed layer and keep the detail's contrast as it is")
    least_gamma: float | None = parameter(None, "smaller exponents are raised to this one; auto: none are")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="masia2009",
        title="Masia et al. 2009, power by the key of the picture",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="masia2009",
        memory=8.0,
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exponent, and the base layer if wanted."""
        light = whole_luminance(image, self.domain)
        key, known = key_of(light)
        exponent = torch.where(known, 10.44 * key - 6.282, 1.0)
        if self.least_gamma is not None:
            exponent = exponent.clamp(min=self.least_gamma)
        return {"exponent": exponent} | (smoothed(light) if self.base_layer else {})

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Raise luminance to the power and scale the colours with it."""
        statistics = statistics or self.measure(image)
        return power_expansion(image, statistics, peak=self.peak, domain=self.domain)


def whole_luminance(
    image: Float[Tensor, "batch 3 height width"], domain: str
) -> Float[Tensor, "batch 1 height width"]:
    """The luminance of an image on which the curve works; see `luminance_in`."""
    return torch.cat([luminance_in(strip, domain) for strip in strips(image)], dim=-2)


def luminance_in(
    image: Float[Tensor, "batch 3 height width"], domain: str
) -> Float[Tensor, "batch 1 height width"]:
    """Luminance of the values encoded with gamma 2.2, or of the linear light; at least 0."""
    return luminance(gamma.inverse_eotf(image, 2.2) if domain == "encoded" else image).clamp(min=0.0)


def key_of(light: Float[Tensor, "batch 1 height width"]) -> tuple[Tensor, Tensor]:
    """Where the log mean lies between the dark and the bright end, 0 to 1, and whether that can be said.

    References:  [masia2009], section 6; the ends are the 1st and the 99th percentile of what is not black.
    """
    ends = torch.cat([_ends(picture) for picture in light])
    low, high = ends[:, :1].log(), ends[:, 1:].log()
    known = low < high
    return (log_mean(light).log() - low) / torch.where(known, high - low, 1.0), known


def _ends(picture: Float[Tensor, "1 height width"]) -> Float[Tensor, "1 2 1 1"]:
    lit = picture[picture > 0.0].view(1, 1, 1, -1)
    if lit.numel() == 0:
        return picture.new_ones(1, 2, 1, 1)
    return torch.cat((percentile(lit, 0.01), percentile(lit, 0.99)), dim=1)


def smoothed(light: Float[Tensor, "batch 1 height width"]) -> Statistics:
    """The base layer: luminance without noise and quantization."""
    return {"base": bilateral_grid(light, sigma_space=_SIGMA_SPACE, sigma_range=_SIGMA_RANGE)}


def power_expansion(
    image: Float[Tensor, "batch 3 height width"], statistics: Statistics, *, peak: float, domain: str
) -> Float[Tensor, "batch 3 height width"]:
    """Colours scaled to peak·(L / base)·base^γ, where base is L itself unless there is a layer."""
    light = luminance_in(image, domain)
    base = statistics.get("base", light)
    lit = base > 0.0
    # A power below 0 of what is nearly black: not more than numbers of single precision can hold.
    steepness = ((statistics["exponent"] - 1.0) * torch.where(lit, base, 1.0).log()).clamp(max=_MOST).exp()
    expanded = torch.where(lit, peak * light * steepness, 0.0)
    return image * gain(luminance(image), expanded)
