"""What a picture tells of the response of its camera, code by code.

A response bends everything that light would have alike at all brightnesses: how much neighbours differ, how
strong colours are, how coarse the grain is. Each of these, averaged over the pixels of one code and laid out
over the codes, shows the slope of the response there.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

BINS = 32
"""Codes at which profiles are sampled."""

REDUCTION = 4
"""Of the copy in which structure is compared, rather than edges and grain."""

PROFILES = 25
"""Four and three of each channel, and four of the brightest channel."""

_STRIDE = 2
"""Only each second pixel is counted, each way."""
_GRAIN = 0.02
"""Differences above that are edges rather than grain."""
# What a bin without pixels shows, and the least that any shows.
_PRIOR, _LEAST = 3e-3, 1e-4

Picture = Float[Tensor, "batch channels height width"]


@torch.no_grad()
def code_profiles(sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
    """Logarithms of the profiles, about -2 to 2: `PROFILES` times `BINS` numbers; no gradient flows.

    Shares of the codes, contrast, curvature and grain of each channel; shares, contrast and curvature of each
    channel of a reduced copy; shares and three differences of colours by the brightest channel.

    Convention:  encoded 0..1, at least 4×4 pixels.
    """
    contrast, curvature = _differences(sdr)
    grain = curvature.clamp(max=_GRAIN) / _GRAIN * 0.4
    reduced = functional.avg_pool2d(sdr, REDUCTION)
    red, green, blue = sdr[:, :1], sdr[:, 1:2], sdr[:, 2:]
    brightest = sdr.amax(1, keepdim=True)
    colours = (brightest - sdr.amin(1, keepdim=True), (red - green).abs(), (blue - green).abs())
    profiles = (
        *_profiles(sdr, (contrast, curvature, grain), stride=_STRIDE),
        *_profiles(reduced, _differences(reduced), stride=1),
        *_profiles(brightest, colours, stride=_STRIDE),
    )
    return torch.cat(profiles, dim=1).to(sdr.dtype)


def _differences(sdr: Picture) -> tuple[Picture, Picture]:
    """How much each value differs from its neighbours, and how far it is from their mean."""
    padded = functional.pad(sdr, (1, 1, 1, 1), mode="replicate")
    left, right = padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]
    above, below = padded[..., :-2, 1:-1], padded[..., 2:, 1:-1]
    contrast = ((right - left).abs() + (below - above).abs()) / 2
    curvature = ((2 * sdr - left - right).abs() + (2 * sdr - above - below).abs()) / 2
    return contrast, curvature


def _profiles(
    codes: Picture, values: tuple[Picture, ...], *, stride: int
) -> list[Float[Tensor, "batch bins"]]:
    """Log shares of the codes, then the log mean of each kind of values over them; all channels in a row."""
    batch, channels = codes.shape[:2]
    count = batch * channels
    position = codes[..., ::stride, ::stride].reshape(count, -1).clamp(0.0, 1.0) * (BINS - 1)
    lower = position.long().clamp(max=BINS - 2)
    upper_share = position - lower
    lower = lower + BINS * torch.arange(count, device=codes.device)[:, None]
    bins = torch.cat([lower.flatten(), lower.flatten() + 1])

    def collected(weights: Float[Tensor, "count pixels"]) -> Float[Tensor, "count bins"]:
        halves = torch.cat([((1.0 - upper_share) * weights).flatten(), (upper_share * weights).flatten()])
        return torch.bincount(bins, weights=halves, minlength=count * BINS).view(count, BINS)

    pixels = collected(torch.ones_like(position))
    found: list[Tensor] = [pixels / position.shape[1]]
    for value in values:
        total = collected(value[..., ::stride, ::stride].reshape(count, -1))
        found.append((total + _PRIOR) / (pixels + 1.0))
    return [(one.clamp(min=_LEAST).log10() + 2.0).view(batch, -1) for one in found]
