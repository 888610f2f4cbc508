"""Dnet: gives codes of 8 bits the values back that they were rounded from, and takes noise away."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.models.duhdr.unet_parts import UpBlock, two_convolutions


class Dnet(nn.Module):
    """A U-Net whose bounded output is added to the picture.

    The last layer starts at zero, and with it the network at the picture itself.

    Convention:  encoded 0..1 → encoded 0..1. Height and width must be multiples of 16.

    Args:
        width: channels at full resolution, 16 in the paper; twice to 16 times as many below.

    References:  [duhdr2023], section 3.1. Its text says six stacks of layers; five fit its count of
    parameters, and are what its published code and [liu2020] have.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        kernels = [7, 5, 3, 3, 3]
        self.down = nn.ModuleList(
            two_convolutions(channels, wide, kernel=kernel)
            for channels, wide, kernel in zip([3, *widths[:-1]], widths, kernels, strict=True)
        )
        self.up = nn.ModuleList(
            UpBlock(deep, shallow, shallow)
            for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The non-linear picture before quantization, Î_n."""
        first, *deeper = self.down
        features = first(sdr)
        skips = []
        for block in deeper:
            skips.append(features)
            features = block(functional.avg_pool2d(features, 2))
        for block, skip in zip(self.up, reversed(skips), strict=True):
            features = block(features, skip)
        return (sdr + torch.tanh(self.head(features))).clamp(0.0, 1.0)
