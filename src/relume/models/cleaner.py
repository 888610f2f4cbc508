"""What noise, JPEG and rounding did to codes, told from the codes around them."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

FOLD = 2
"""Pixels that become channels of one, each way."""

_LIMITS = (2.0, 12.0)
"""Differences, in codes of 8 bits, are seen cut at these: a step of one code is told from an edge."""

_SLOPE = 0.1
"""Of the leaky rectifiers below 0."""


@dataclass(frozen=True, kw_only=True)
class CleanerConfig:
    """How large the network is."""

    width: int = 16
    """Channels."""
    layers: int = 3
    """Convolutions, one after the other."""

    @property
    def halo(self) -> int:
        """How many pixels around a fold the result depends on."""
        return FOLD * (1 + self.layers)


class Cleaner(nn.Module):
    """The change that brings each code back to where it was before noise, JPEG and rounding.

    It sees differences to the local mean alone and has no biases: where the picture is constant nothing
    changes, and a shade is cleaned like any other. Fresh weights change nothing.

    Convention:  SDR, encoded 0..1 → change in codes of 8 bits, unlimited. Any size; tiles must begin at
        multiples of 2.
    """

    def __init__(self, config: CleanerConfig) -> None:
        super().__init__()
        self.config = config
        seen, told = 3 * FOLD**2 * len(_LIMITS), 3 * FOLD**2
        widths = pairwise([seen, *[config.width] * (config.layers - 1), told])
        self.layers = nn.ModuleList(nn.Conv2d(narrow, wide, 3, bias=False) for narrow, wide in widths)
        self.direct = nn.Conv2d(seen, told, 1, bias=False)
        for layer in self.layers[:-1]:
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE)  # type: ignore[arg-type]
        for layer in (self.layers[-1], self.direct):
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]

    def forward(self, sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The change of every code."""
        height, width = sdr.shape[-2:]
        around = self.config.halo
        margins = (around, around + width % FOLD, around, around + height % FOLD)
        codes = functional.pad(255.0 * sdr, margins, mode="replicate")
        differences = _differences(functional.pixel_unshuffle(codes, FOLD))
        features = torch.cat([differences.clamp(-limit, limit) / limit for limit in _LIMITS], dim=1)
        inner = len(self.layers)
        direct = self.direct(features[..., inner:-inner, inner:-inner])
        for number, layer in enumerate(self.layers):
            features = layer(functional.leaky_relu(features, _SLOPE) if number else features)
        return functional.pixel_shuffle(features + direct, FOLD)[..., :height, :width]


def _differences(folded: Float[Tensor, "batch folded rows columns"]) -> Tensor:
    """Of each pixel to the mean around its fold, one fold less on each side.

    Means of two are exact where the two are equal, so that constant pictures have no differences at all.
    """
    batch, _, rows, columns = folded.shape
    parts = folded.view(batch, 3, FOLD, FOLD, rows, columns)
    mean = (parts[:, :, 0] + parts[:, :, 1]) / 2
    mean = (mean[:, :, 0] + mean[:, :, 1]) / 2
    for _ in range(2):
        mean = (mean[..., 1:, :] + mean[..., :-1, :]) / 2
        mean = (mean[..., 1:] + mean[..., :-1]) / 2
    return (parts[..., 1:-1, 1:-1] - mean[:, :, None, None]).flatten(1, 3)
