"""Curves that the channels of a pixel share: what an inverse response is where colours were kept."""

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import luminance
from relume.response.curve import inverse_lookup, lookup

_HALVINGS = 24
"""Of the range in which a luma lies, until it is known as well as float32 tells it."""


def joint_lookup(
    codes: Float[Tensor, "batch 3 height width"], curves: Float[Tensor, "batch 2 samples"]
) -> Float[Tensor, "batch 3 height width"]:
    """The light of codes: greys through one curve, ratios of channels through another.

    A camera takes each channel through its response, so that its inverse has equal curves. Tone mapping acts
    on luminance and keeps the ratios of channels: there the second curve is that of the screen alone. With
    G and H the curves and y the luma of the codes c, light is H(c) · G(y) / H(y).

    Convention:  codes 0..1 → light, 1.0 = white. The curves rise from 0 to 1: black stays black, white stays
        white. Where G is above H, a saturated colour may be brighter than white.

    Args:
        curves: of greys, and of channels.
    """
    return lookup(codes, curves[:, 1]) * lookup(luminance(codes), _shade(curves))


def joint_codes(
    light: Float[Tensor, "batch 3 height width"], curves: Float[Tensor, "batch 2 samples"]
) -> Float[Tensor, "batch 3 height width"]:
    """The codes whose light that is: `joint_lookup` turned round, 1 at most. No gradient flows.

    Convention:  where G rises much less than H, saturated colours of several codes have the same light: these
        are one of them.
    """
    shade, low = _shade(curves), torch.zeros_like(light[:, :1])
    high = torch.ones_like(low)
    for _ in range(_HALVINGS):
        luma = (low + high) / 2
        brighter = luminance(inverse_lookup(light / lookup(luma, shade), curves[:, 1])) > luma
        low, high = torch.where(brighter, luma, low), torch.where(brighter, high, luma)
    return inverse_lookup(light / lookup((low + high) / 2, shade), curves[:, 1])


def _shade(curves: Float[Tensor, "batch 2 samples"]) -> Float[Tensor, "batch samples"]:
    """By luma, the factor that all channels share."""
    greys, channels = curves[..., 1:].unbind(1)
    # A curve that is flat at its dark end, as rounding may leave it, has light of 0 there.
    ratio = greys / channels.clamp(min=torch.finfo(channels.dtype).tiny)
    return torch.cat([ratio[:, :1], ratio], dim=1)
