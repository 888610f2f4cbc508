"""What the U-Nets of Dnet and OOnet share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1
"""Of the leaky rectifiers below 0."""


def two_convolutions(channels: int, width: int, *, kernel: int = 3) -> nn.Sequential:
    """Two convolutions that keep the size, each followed by a leaky rectifier."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, padding=kernel // 2),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(width, width, kernel, padding=kernel // 2),
        nn.LeakyReLU(SLOPE),
    )


class UpBlock(nn.Module):
    """Twice the size, a convolution, the features of the way down beside it, another convolution."""

    def __init__(self, channels: int, skip: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.second = nn.Conv2d(width + skip, width, 3, padding=1)

    def forward(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        skip: Float[Tensor, "batch skipped height width"],
    ) -> Float[Tensor, "batch wide height width"]:
        """Features of the size of the skip."""
        larger = functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
        larger = functional.leaky_relu(self.first(larger), SLOPE)
        return functional.leaky_relu(self.second(torch.cat([larger, skip], dim=1)), SLOPE)
