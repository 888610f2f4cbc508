"""What noise, JPEG and rounding did to codes, told from the codes around them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

FOLD = 2
"""Pixels that are looked at as one, each way; tiles must begin at multiples of it."""

HALO = 4
"""How far around a fold the result depends on pixels."""

_STEEPEST = 8.0
"""Steps between neighbours are seen cut at so many codes of 8 bits: what is steeper is an edge."""

_SLOPE = 0.1
"""Of the leaky rectifier below 0."""


@dataclass(frozen=True, kw_only=True)
class CleanerConfig:
    """How large the network is."""

    width: int = 16
    """Channels."""


class Cleaner(nn.Module):
    """The change that brings each code back to where it was before noise, JPEG and rounding.

    It sees the steps from pixel to pixel alone and has no biases: where the picture is constant nothing
    changes, and a shade is cleaned like any other. Fresh weights change nothing.

    Convention:  SDR, encoded 0..1 → change in codes of 8 bits, unlimited. Any size.
    """

    def __init__(self, config: CleanerConfig) -> None:
        super().__init__()
        told = 3 * FOLD**2
        self.entry = nn.Conv2d(6, config.width, 2 * FOLD, stride=FOLD, bias=False)
        self.head = nn.Conv2d(config.width, told, 3, bias=False)
        self.direct = nn.Conv2d(config.width, told, 1, bias=False)
        nn.init.kaiming_normal_(self.entry.weight, a=_SLOPE)
        for layer in (self.head, self.direct):
            nn.init.zeros_(layer.weight)

    def forward(self, sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The change of every code."""
        height, width = sdr.shape[-2:]
        beyond = HALO - 1
        margins = (HALO, beyond + width % FOLD, HALO, beyond + height % FOLD)
        codes = functional.pad(255.0 * sdr, margins, mode="replicate")
        here, before, above = codes[..., 1:, 1:], codes[..., 1:, :-1], codes[..., :-1, 1:]
        steps = torch.cat([here - before, here - above], dim=1).clamp(-_STEEPEST, _STEEPEST)
        features = self.entry(steps)
        change = self.head(functional.leaky_relu(features, _SLOPE))
        change = change + self.direct(features)[..., 1:-1, 1:-1]
        return functional.pixel_shuffle(change, FOLD)[..., :height, :width]
