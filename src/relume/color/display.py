"""Light made fit for a display: colours inside its gamut, highlights below its peak, hues as they were.

What the display can show is not touched, but for a shoulder below the peak where the picture exceeds it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.eetf import eetf
from relume.color.luminance import luminance
from relume.color.transfer import hlg, pq

Weights = tuple[float, float, float]


def into_gamut(
    light: Float[Tensor, "*batch 3 height width"], *, weights: Weights
) -> Float[Tensor, "*batch 3 height width"]:
    """Colours outside the gamut moved towards the grey of their luminance, up to where they are inside.

    Convention:  linear in the primaries of the display, any unit; colours inside stay bit for bit. Along
        that line the dominant wavelength stays, and luminance does; no luminance becomes black.
    """
    grey = luminance(light, weights=weights).clamp(min=0.0)
    lowest = light.amin(dim=-3, keepdim=True).clamp(max=0.0)
    distance = grey - lowest
    kept = torch.where(lowest < 0.0, grey / distance.clamp(min=torch.finfo(light.dtype).tiny), 1.0)
    moved = (grey + kept * (light - grey)).clamp(min=0.0)
    return torch.where(lowest < 0.0, moved, light)


def roll_off(
    light: Float[Tensor, "*batch 3 height width"], *, top: float, peak: float
) -> Float[Tensor, "*batch 3 height width"]:
    """Highlights compressed so that no channel exceeds the peak of the display.

    The curve is the EETF of BT.2390 on the largest channel, and all three are scaled alike, so that hue and
    saturation stay. Where `top` is no higher than the peak nothing changes.

    Convention:  linear in cd/m², not negative, in the primaries of the display.

    Args:
        top: the largest channel of the whole picture; above 10 000 counts as that.
        peak: the largest that the display has.

    References:  [bt2390], section 5.4.1.
    """
    if top <= peak:
        return light
    largest = light.amax(dim=-3, keepdim=True)
    white = pq.inverse_eotf(largest.new_tensor(top))
    high = pq.inverse_eotf(largest.new_tensor(peak)) / white
    code = pq.inverse_eotf(largest) / white
    mapped = pq.eotf(eetf(code, torch.zeros_like(high), high) * white).clamp(max=peak)
    # Below the knee the curve is the identity; rounding of the codes must not touch the light there.
    return torch.where(code < 1.5 * high - 0.5, light, light * (mapped / largest.clamp(min=1e-9)))


def hlg_system_light(
    light: Float[Tensor, "*batch 3 height width"], *, weights: Weights
) -> Float[Tensor, "*batch 3 height width"]:
    """The scene light that HLG codes stand for, scaled so that its 1.0 is the nominal peak, 1000 cd/m².

    A saturated colour reaches the top code before its light reaches the peak: what HLG can hold is a cube of
    this light, not of that of the display.

    Convention:  linear display light in cd/m², not negative → scene light times 1000.
    """
    return hlg.NOMINAL_PEAK * hlg.inverse_ootf(light / hlg.NOMINAL_PEAK, weights=weights)


def hlg_display_light(
    system: Float[Tensor, "*batch 3 height width"], *, weights: Weights
) -> Float[Tensor, "*batch 3 height width"]:
    """The inverse of `hlg_system_light`: scene light times 1000 → display light in cd/m²."""
    return hlg.NOMINAL_PEAK * hlg.ootf(system / hlg.NOMINAL_PEAK, weights=weights)
