"""A small U-Net that rebuilds clipped highlights: the worked example of a network, trained by `smoke`."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.color.transfer import srgb
from relume.method import Direction, MethodSpec

HALVINGS = 4
"""How often the picture is halved on the way down."""

HALO = 8 * 2**HALVINGS - 6
"""How far it looks: at each scale two convolutions down and two up, a mean of 2×2, a bilinear doubling."""

_SLOPE = 0.1
"""Of the leaky rectifiers below 0."""

SPEC = MethodSpec(
    name="unet",
    title="Small U-Net that rebuilds clipped highlights",
    direction=Direction.EXPAND,
    input=SRGB,
    output=LINEAR_SCENE,
    citation="ronneberger2015",
    size_multiple=2**HALVINGS,
    size_minimum=2**HALVINGS,
    precisions=("float32",),
    tolerance=1e-4,
    scaling="dependent",
)


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """How large the network is, and where it may change the picture."""

    width: int = 32
    """Channels at full resolution; twice, four and eight times as many below."""
    threshold: float = 0.95
    """Code value above which a channel counts as clipped, more and more up to 1."""


PRESETS = {"smoke": UNetConfig(width=8), "base": UNetConfig()}


class UNet(nn.Module):
    """Light times 2^residual, where the residual in stops acts on clipped channels only.

        sdr ─┬─ encoder ── ½ ─ encoder ── ½ ─ … ─ middle
             │     └───────────┐   └─ … ──┐         │ ×2
             │                 decoder ─ … ─ decoder ─┘
             │  eotf              └─ 1×1 → residual (stops)
             └────────── light · 2^(clipped · residual) → hdr

    The last layer starts at zero, and with it the network at the unprocessed input.

    Convention:  SDR, sRGB-encoded 0..1 → linear, relative, 1.0 = the level that clips, no upper end;
        channels at or below the threshold come back as their linear light. Height and width must be
        multiples of 16.

    References:  [ronneberger2015] for the shape of the network.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.threshold = config.threshold
        widths = [config.width * min(2**level, 8) for level in range(HALVINGS + 1)]
        self.encoders = nn.ModuleList(
            _two_convolutions(channels, width) for channels, width in zip([3, *widths], widths, strict=False)
        )
        self.decoders = nn.ModuleList(
            _two_convolutions(widths[level + 1] + widths[level], widths[level]) for level in range(HALVINGS)
        )
        self.head = nn.Conv2d(widths[0], 3, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.head.weight)

    def forward(self, sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """Rebuild the light above white."""
        stops = self._residual(sdr).float()  # the rest in full precision, also under autocast
        clipped = ((sdr - self.threshold) / (1.0 - self.threshold)).clamp(0.0, 1.0)
        return srgb.eotf(sdr) * torch.exp2(clipped * stops)

    def _residual(self, sdr: Tensor) -> Tensor:
        *encoders, middle = self.encoders
        features, skips = 2.0 * sdr - 1.0, []
        for encoder in encoders:
            features = encoder(features)
            skips.append(features)
            features = functional.avg_pool2d(features, 2)
        features = middle(features)
        for decoder, skip in zip(reversed(self.decoders), reversed(skips), strict=True):
            larger = functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
            features = decoder(torch.cat([larger, skip], dim=1))
        residual: Tensor = self.head(features)
        return residual


def _two_convolutions(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(width, width, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
    )
