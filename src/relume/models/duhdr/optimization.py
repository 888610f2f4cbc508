"""OOnet: adjusts contrast and colour of the whole picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.models.duhdr.unet_parts import UpBlock, two_convolutions

UNITS = 3
"""Of the multi-scale attention."""

_SHARE = 0.1
"""Of the fused scales of a receptive field block."""

_KERNELS = (3, 5, 7)
"""Of the scales of a unit of attention."""


@dataclass(frozen=True, kw_only=True)
class OOnetConfig:
    """How large OOnet is, and which of its parts it has."""

    width: int = 16
    """Channels at full resolution; twice, four, eight and eight times as many below."""
    rfb: bool = True
    """Receptive field blocks on the way down, in place of two convolutions."""
    attention: bool = True
    """MS-SE: multi-scale channel attention between the way down and the way up."""


class OOnet(nn.Module):
    """A U-Net over light, truncated light and non-linear picture, whose result is added to the light.

    The last layer starts at zero, and with it the network at the light that it is given.

    Convention:  light and truncated light, linear, 1.0 = the level that clips, and a picture, encoded 0..1 →
        light, linear, not negative. Height and width must be multiples of 32.

    References:  [duhdr2023], section 3.4, eqs. 21 to 23; the sizes of the layers are those of the published
    code, whose released inference gives it the SDR picture in place of the light: here it gets the light.
    """

    def __init__(self, config: OOnetConfig) -> None:
        super().__init__()
        widths = [config.width * factor for factor in (1, 2, 4, 8, 8)]
        self.first = two_convolutions(9, config.width, kernel=7)
        self.down = nn.ModuleList(
            ReceptiveFieldBlock(channels, wide)
            if config.rfb
            else two_convolutions(channels, wide, kernel=5 if level == 0 else 3)
            for level, (channels, wide) in enumerate(pairwise(widths))
        )
        self.attention = MultiScaleAttention(widths[-1]) if config.attention else None
        self.up = nn.ModuleList(
            UpBlock(deep, shallow, shallow)
            for deep, shallow in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(config.width, 3, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(
        self,
        light: Float[Tensor, "batch 3 height width"],
        truncated: Float[Tensor, "batch 3 height width"],
        nonlinear: Float[Tensor, "batch 3 height width"],
        gates: Sequence[Float[Tensor, "batch channels 1 1"]] | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """The adjusted light, eq. 21; with the gates of `gates` where this is a tile of a larger picture."""
        features, skips = self._encoded(light, truncated, nonlinear)
        if self.attention is not None:
            features, _ = self.attention(features, gates)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            features = block(features, skip)
        return functional.relu(light + self.head(features).to(light.dtype))

    def gates(
        self,
        light: Float[Tensor, "batch 3 height width"],
        truncated: Float[Tensor, "batch 3 height width"],
        nonlinear: Float[Tensor, "batch 3 height width"],
    ) -> list[Float[Tensor, "batch channels 1 1"]]:
        """The factors on channels, which depend on the whole picture; none without attention."""
        if self.attention is None:
            return []
        features, _ = self._encoded(light, truncated, nonlinear)
        gates: list[Tensor] = self.attention(features, None)[1]
        return gates

    def _encoded(self, light: Tensor, truncated: Tensor, nonlinear: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = self.first(torch.cat([light, truncated, nonlinear], dim=1))
        skips = []
        for block in self.down:
            skips.append(features)
            features = block(functional.avg_pool2d(features, 2))
        return features, skips


class ReceptiveFieldBlock(nn.Module):
    """Three branches that look 3, 5 and 11 pixels wide, a tenth of what they find added to the input.

    References:  [duhdr2023], section 3.4, after [liu2018].
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        inner = channels // 8
        middle = max(3 * inner // 2, 1)
        wide = 2 * inner
        self.branches = nn.ModuleList(
            [
                nn.Sequential(
                    _convolution(channels, wide, 1),
                    nn.ReLU(),
                    _convolution(wide, wide, 3),
                ),
                nn.Sequential(
                    _convolution(channels, inner, 1),
                    nn.ReLU(),
                    _convolution(inner, wide, 3),
                    nn.ReLU(),
                    _convolution(wide, wide, 3, dilation=2),
                ),
                nn.Sequential(
                    _convolution(channels, inner, 1),
                    nn.ReLU(),
                    _convolution(inner, middle, 3),
                    nn.ReLU(),
                    _convolution(middle, wide, 3),
                    nn.ReLU(),
                    _convolution(wide, wide, 3, dilation=3),
                ),
            ]
        )
        self.join = _convolution(3 * wide, width, 1)
        self.shortcut = _convolution(channels, width, 1)

    def forward(
        self, features: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch wide height width"]:
        """Features of the same size."""
        scales = torch.cat([branch(features) for branch in self.branches], dim=1)
        return functional.relu(_SHARE * self.join(scales) + self.shortcut(features))


class MultiScaleAttention(nn.Module):
    """MS-SE: weighs channels by what the whole picture shows, at three scales.

    References:  [duhdr2023], section 3.4 and eq. 23, after [hu2020].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 5, padding=2)
        self.smaller = nn.Conv2d(width, 2 * width, 5, stride=2, padding=2)
        self.mix = nn.Conv2d(2 * width, 2 * width, 1)
        self.units = nn.ModuleList(_Unit(2 * width) for _ in range(UNITS))
        self.join = nn.Conv2d(width + width // 2, width, 1)

    def forward(
        self,
        features: Float[Tensor, "batch channels height width"],
        gates: Sequence[Float[Tensor, "batch double 1 1"]] | None,
    ) -> tuple[Float[Tensor, "batch channels height width"], list[Float[Tensor, "batch double 1 1"]]]:
        """Features of the same shape, and the gates that were used: those given, or found here."""
        features = functional.relu(self.first(features))
        small = functional.relu(self.mix(functional.relu(self.smaller(features))))
        used = []
        for index, unit in enumerate(self.units):
            small, gate = unit(small, gates[index] if gates else None)
            used.append(gate)
        larger = functional.pixel_shuffle(small, 2)
        return functional.relu(self.join(torch.cat([features, larger], dim=1))), used


class _Unit(nn.Module):
    """Three scales of each channel added up, each channel times its gate, mixed, and added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width) for kernel in _KERNELS
        )
        self.squeeze = nn.Linear(width, width // 2, bias=False)
        self.excite = nn.Linear(width // 2, width, bias=False)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(
        self,
        features: Float[Tensor, "batch width rows columns"],
        gate: Float[Tensor, "batch width 1 1"] | None,
    ) -> tuple[Float[Tensor, "batch width rows columns"], Float[Tensor, "batch width 1 1"]]:
        scales = torch.stack([functional.relu(scale(features)) for scale in self.scales]).sum(0)
        if gate is None:
            squeezed = functional.relu(self.squeeze(scales.mean((-2, -1))))
            gate = torch.sigmoid(self.excite(squeezed))[..., None, None]
        return features + functional.relu(self.mix(scales * gate)), gate


def _convolution(channels: int, width: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """A normalised convolution that keeps the size."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(width),
    )
