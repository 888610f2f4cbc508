"""iTMN: an inverse tone mapping network, and the discriminator that regularizes its training.

References:  [itmn2018]
"""

from dataclasses import dataclass, replace
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor, nn

from relume.color.encoding import PQ_BT2020, SRGB
from relume.color.primaries import BT2020
from relume.method import Direction, MethodSpec

HALVINGS = 5
"""Strided convolutions on the way down, and transposed ones on the way up."""

HALO = 3 * 2**HALVINGS - 3
"""How far it looks."""

# An untrained network codes light as sigmoid(_LOW + sum of gain · LeakyReLU(code − knee)): PQ where white is
# 203 cd/m², off by 0.0024 (root of mean square, codes above 0.02). Found by least squares.
_KNEES = (0.0, 0.036, 0.149, 0.324, 0.592)
_GAINS = (33.893, -26.254, -4.013, -1.663, -0.800)
_LOW = -3.378

_SLOPE = 0.2
_KERNEL, _STRIDE, _PADDING = 4, 2, 1
_POOLED = 4
"""Side of the features that the discriminator judges."""

SPEC = MethodSpec(
    name="itmn",
    title="Inverse tone mapping network with an adversarial regularizer",
    direction=Direction.EXPAND,
    # Tone mapping leaves the primaries as they are, so what it is given has those of the result.
    input=replace(SRGB, primaries=BT2020),
    output=PQ_BT2020,
    citation="itmn2018",
    size_multiple=2**HALVINGS,
    size_minimum=2**HALVINGS,
    tolerance=1e-4,
    scaling="dependent",
    upper=1.0,
)


@dataclass(frozen=True, kw_only=True)
class ItmnConfig:
    """How wide the networks are."""

    widths: tuple[int, int, int, int, int]
    """Channels after each strided convolution, of both networks."""
    nodes: int
    """Of the discriminator's hidden layer."""


PAPER = ItmnConfig(widths=(64, 128, 256, 512, 512), nodes=1024)
# At full width where the light is passed on.
COMPACT = ItmnConfig(widths=(64, 64, 128, 256, 256), nodes=256)
PRESETS = {"paper": PAPER, "compact": COMPACT}


class Itmn(nn.Module):
    """A U-Net of five strided convolutions and five transposed ones: SDR codes to PQ codes.

    The paper's table of layers is lost; kernels of 4×4, the widths and the slope are those of networks of its
    kind and time. Batch normalisation stands in all layers but the last.

    Convention:  BT.2020 with the curve of sRGB, 0..1 → PQ codes 0..1 of BT.2020, 1.0 = 10 000 cd/m². Height
        and width must be multiples of 32.

    References:  [itmn2018], section 2.2 and figure 1; [isola2017] for kernels and slope.
    """

    def __init__(self, config: ItmnConfig) -> None:
        super().__init__()
        widths = config.widths
        downs = [
            nn.Conv2d(channels, width, _KERNEL, _STRIDE, _PADDING)
            for channels, width in zip((3, *widths), widths, strict=False)
        ]
        self.encoders = nn.ModuleList(_layer(down) for down in downs)
        # The deepest decoder has no skip beside it, the others take twice their level's channels.
        outputs = (*widths[-2::-1], 3)
        inputs = (widths[-1], *(2 * width for width in widths[-2::-1]))
        ups = [
            nn.ConvTranspose2d(channels, width, _KERNEL, _STRIDE, _PADDING)
            for channels, width in zip(inputs, outputs, strict=True)
        ]
        self.decoders = nn.ModuleList([*(_layer(up) for up in ups[:-1]), ups[-1]])
        if widths[0] >= 3 * _STRIDE**2 * len(_KNEES):
            _pass_light(downs[0], ups[-1])

    def forward(self, sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The HDR picture as codes."""
        features: Tensor = sdr
        skips = []
        for encoder in self.encoders:
            features = encoder(features)
            skips.append(features)
        features = self.decoders[0](skips.pop())
        for decoder in self.decoders[1:]:
            features = decoder(torch.cat([features, skips.pop()], dim=1))
        # Not in half precision, which has too few codes near 1.
        return features.to(torch.promote_types(features.dtype, torch.float32)).sigmoid()


class Discriminator(nn.Module):
    """Judges HDR pictures: the logit of the probability that one is the generator's.

    Convention:  codes 0..1, at least 32×32 → logits; above 0 the picture is taken for a fake, as the paper
        has it, where other GANs have the probability of a real picture.

    References:  [itmn2018], eq. 3 and figure 1.
    """

    def __init__(self, config: ItmnConfig) -> None:
        super().__init__()
        pairs = zip((3, *config.widths), config.widths, strict=False)
        self.features = nn.Sequential(
            *(_layer(nn.Conv2d(channels, width, _KERNEL, _STRIDE, _PADDING)) for channels, width in pairs),
            nn.AdaptiveAvgPool2d(_POOLED),
        )
        self.judge = nn.Sequential(
            nn.Linear(config.widths[-1] * _POOLED**2, config.nodes),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(config.nodes, 1),
        )

    def forward(self, hdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, " batch"]:
        """One logit for each picture."""
        logits: Tensor = self.judge(self.features(hdr).flatten(1))
        return logits[:, 0]


@torch.no_grad()
def _pass_light(first: nn.Conv2d, last: nn.ConvTranspose2d) -> None:
    """Begin with the light that the picture shows, as PQ codes: through the outermost skip alone.

    Otherwise training spends its time on drawing the picture anew.
    """
    skip = last.in_channels // 2
    nn.init.zeros_(last.weight)
    nn.init.constant_(_bias(last), _LOW)
    inner = range(_PADDING, _PADDING + _STRIDE)
    units = product(zip(_KNEES, _GAINS, strict=True), range(3), inner, inner)
    for feature, ((knee, gain), channel, row, column) in enumerate(units):
        first.weight[feature].zero_()
        first.weight[feature, channel, row, column] = 1.0
        _bias(first)[feature] = -knee
        last.weight[skip + feature, channel, row, column] = gain


def _bias(convolution: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


def _layer(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(_SLOPE))
