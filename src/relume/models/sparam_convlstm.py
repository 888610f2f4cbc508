"""SParam-Net and ConvLSTM-Net: an estimated curve makes a pseudo-HDR picture, and a recurrent network that
reads it band by band, from the brightest to the darkest, makes the HDR picture.

References:  [oh2022]
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.method import Direction, MethodSpec, Statistics
from relume.models.measuring import MeasuringNetwork
from relume.models.region_maps import band_thresholds, region_maps
from relume.models.s_curve import inverse_s_curve

Picture = Float[Tensor, "batch 3 height width"]

STATE = 6
"""Channels of the encoder's result: two pictures' worth."""

_CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Of VGG16, by block."""
_POOLED = 7
_DROPOUT = 0.5
_LEAST = 1e-3
"""Of the curve's parameters, which must stay positive."""
_MAPPING = 4
"""Layers between shrinking and expanding in the decoder."""

_LEVEL = 0.25
"""What light of 1 begins as in the cells; with less, highlights are kept better and training learns worse."""
_OPEN = 4.0
"""Bias of a gate that begins open; of one that begins closed, its negative."""

SPEC = MethodSpec(
    name="sparam_convlstm",
    title="Estimated inverse curve, then bands of brightness read by a recurrent network",
    direction=Direction.EXPAND,
    input=SRGB,
    output=LINEAR_SCENE,
    citation="oh2022",
    tolerance=1e-4,
    memory=9.0,
    scaling="dependent",
    differentiable=False,
)


@dataclass(frozen=True, kw_only=True)
class SparamConvLstmConfig:
    """How large the networks are."""

    bands: int = 5
    """N"""
    trunk: tuple[int, int, int, int, int]
    """Channels of the five blocks of SParam-Net."""
    nodes: int
    """Of its two hidden layers."""
    side: int
    """Height and width at which it sees the picture."""
    peak: float
    """The light of white that its estimates start at."""
    hidden: int
    """Channels of the first recurrent layer."""
    features: int
    """Channels of the decoder's outer layers."""
    shrunk: int
    """Of its inner layers."""


PAPER = SparamConvLstmConfig(
    trunk=(64, 128, 256, 512, 512),
    nodes=4096,
    side=256,
    peak=3.6,
    hidden=64,
    features=64,
    shrunk=12,
)
COMPACT = SparamConvLstmConfig(
    trunk=(16, 32, 48, 64, 64),
    nodes=256,
    side=128,
    peak=2.0,
    hidden=12,
    features=24,
    shrunk=12,
)
PRESETS = {
    "paper": PAPER,
    "compact": COMPACT,
    **{f"compact_n{bands}": replace(COMPACT, bands=bands) for bands in (3, 4, 6, 7)},
}

_DECODER_RADIUS = 2 + _MAPPING + 4


def halo(bands: int) -> int:
    """How far ConvLSTM-Net looks: a pixel for each band and the second layer, and the decoder."""
    return bands + 1 + _DECODER_RADIUS


HALO = halo(max(config.bands for config in PRESETS.values()))
"""Of the preset with the most bands; 16 with five."""


class SparamNet(nn.Module):
    """VGG16 with four poolings over the picture and its region maps: the light of white, and three whites.

    Convention:  picture and maps, encoded 0..1 → L′max, R, G and B white, all above 0. At least 16×16.

    References:  [oh2022], section 2.2; [simonyan2015]
    """

    def __init__(self, config: SparamConvLstmConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3 * (config.bands + 1)
        for block, (width, count) in enumerate(zip(config.trunk, _CONVOLUTIONS, strict=True)):
            if block:
                layers.append(nn.MaxPool2d(2))
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(_POOLED))
        self.estimate = nn.Sequential(
            nn.Linear(channels * _POOLED**2, config.nodes),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(config.nodes, config.nodes),
            nn.ReLU(),
            nn.Dropout(_DROPOUT),
            nn.Linear(config.nodes, 4),
        )
        # The published text has a rectifier at the end, which can die at 0, where the curve divides by it.
        last = self.estimate[-1]
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight, std=0.01 / math.sqrt(config.nodes))
        start = torch.tensor([config.peak, 5.0, 5.0, 5.0]) - _LEAST
        with torch.no_grad():
            last.bias.copy_(start.expm1().log())

    def forward(
        self, picture: Float[Tensor, "batch channels height width"]
    ) -> tuple[Float[Tensor, "batch 1 1 1"], Float[Tensor, "batch 3 1 1"]]:
        """L′max and the whites."""
        raw: Tensor = self.estimate(self.trunk(picture).flatten(1))
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        peak, white = (functional.softplus(raw) + _LEAST)[..., None, None].split_with_sizes([1, 3], dim=1)
        return peak, white


class ConvLstmCell(nn.Module):
    """A recurrent layer whose gates are convolutions of 3×3, without peepholes.

    References:  [shi2015], eq. 3, without the terms of the cell in the gates.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(channels + hidden, 4 * hidden, 3, padding=1)

    @torch.no_grad()
    def pass_on(self, level: float) -> float:
        """Let the first three channels tell those of the last picture, and forget those before.

        Returns:
            What they begin as, for small values that come in.
        """
        weight, bias = self.gates.weight.chunk(4), self.gates.bias.chunk(4)  # type: ignore[union-attr]
        for kernels, offsets, gate in zip(weight, bias, (_OPEN, -_OPEN, _OPEN, 0.0), strict=True):
            kernels[:3] = 0.0
            offsets[:3] = gate
        _pass_on(weight[-1], level)
        # Two open gates let this much through, twice; what is not quite forgotten brings one of them back.
        return level / (1.0 + math.exp(-_OPEN))

    def forward(
        self, sequence: Sequence[Float[Tensor, "batch channels height width"]]
    ) -> Iterator[Float[Tensor, "batch hidden height width"]]:
        """The hidden states, one for each picture of the sequence, from a state of zeros."""
        state = sequence[0].new_zeros(sequence[0].shape[0], self.hidden, *sequence[0].shape[-2:])
        cell = state
        for picture in sequence:
            gates: Tensor = self.gates(torch.cat([picture, state], dim=1))
            entrance, forget, exit_, candidate = gates.chunk(4, dim=1)
            cell = forget.sigmoid() * cell + entrance.sigmoid() * candidate.tanh()
            state = exit_.sigmoid() * cell.tanh()
            yield state


class ConvLstmNet(nn.Module):
    """Two recurrent layers over the bands, and a decoder like FSRCNN without upscaling.

    Its first weights make about the pseudo-HDR picture; the paper tells none.

    Convention:  pseudo-HDR, linear, and region maps, encoded 0..1 → linear light ≥ 0, without an upper end.

    References:  [oh2022], section 2.3; [dong2016]
    """

    def __init__(self, config: SparamConvLstmConfig) -> None:
        super().__init__()
        self.first = ConvLstmCell(STATE, config.hidden)
        self.second = ConvLstmCell(config.hidden, STATE)
        features, shrunk = config.features, config.shrunk
        self.decoder = nn.Sequential(
            *_rectified(nn.Conv2d(STATE, features, 5, padding=2)),
            *_rectified(nn.Conv2d(features, shrunk, 1)),
            *(
                layer
                for _ in range(_MAPPING)
                for layer in _rectified(nn.Conv2d(shrunk, shrunk, 3, padding=1))
            ),
            *_rectified(nn.Conv2d(shrunk, features, 1)),
            last := nn.ConvTranspose2d(features, 3, 9, padding=4),
            nn.ReLU(),
        )
        self._pass_light(last)

    @torch.no_grad()
    def _pass_light(self, last: nn.ConvTranspose2d) -> None:
        """Begin with about the pseudo-HDR picture as the result, and learn what to change."""
        gain = self.first.pass_on(_LEVEL) * self.second.pass_on(1.0)
        assert last.bias is not None
        for layer in self.decoder:
            if isinstance(layer, nn.Conv2d):
                assert layer.bias is not None
                layer.weight[:3] = layer.bias[:3] = 0.0
                _pass_on(layer.weight, 1.0)
        last.weight.zero_()
        last.bias.zero_()
        _pass_on(last.weight, 1.0 / gain)

    def forward(self, pseudo: Picture, maps: Sequence[Picture]) -> Picture:
        """The HDR picture."""
        sequence = [torch.cat([pseudo, region], dim=1) for region in maps]
        *_, state = self.second(list(self.first(sequence)))
        result: Tensor = self.decoder(state)
        return result


class SparamConvLstm(MeasuringNetwork):
    """Region maps → curve → pseudo-HDR → HDR.

    The curve's parameters are estimated from the picture at a fixed small size, the bands from all of it;
    both are measured once, the rest is computed tile by tile.

    Convention:  sRGB-encoded 0..1 → linear, relative, in the unit of the training's targets.

    References:  [oh2022], figure 1.
    """

    def __init__(self, config: SparamConvLstmConfig) -> None:
        super().__init__()
        self.bands, self.side = config.bands, config.side
        self.sparam = SparamNet(config)
        self.convlstm = ConvLstmNet(config)

    def measure(self, image: Picture) -> Statistics:
        """The curve's parameters and the thresholds of the bands."""
        small = image
        if tuple(image.shape[-2:]) != (self.side, self.side):
            size = (self.side, self.side)
            small = functional.interpolate(
                image, size=size, mode="bilinear", antialias=True, align_corners=False
            )
        maps = region_maps(small, band_thresholds(small, bands=self.bands))
        peak, white = self.sparam(torch.cat([small, *maps], dim=1))
        thresholds = band_thresholds(image, bands=self.bands)
        named = {f"threshold{number}": value for number, value in enumerate(thresholds, start=1)}
        return {"peak": peak, "white": white, **named}

    def pseudo_hdr(self, image: Picture, statistics: Statistics) -> Picture:
        """What the curve alone makes of the picture."""
        return inverse_s_curve(image, peak=statistics["peak"], white=statistics["white"])

    def reconstruct(self, image: Picture, pseudo: Picture, statistics: Statistics) -> Picture:
        """What the recurrent network makes of it and the bands."""
        thresholds = [statistics[f"threshold{number}"] for number in range(1, self.bands)]
        return self.convlstm(pseudo, region_maps(image, thresholds))  # type: ignore[no-any-return]

    def forward(self, image: Picture, statistics: Statistics | None = None) -> Picture:
        """The HDR picture."""
        statistics = statistics or self.measure(image)
        return self.reconstruct(image, self.pseudo_hdr(image, statistics), statistics)


def _pass_on(kernels: Tensor, level: float) -> None:
    """Each of the first three channels from itself, at the centre of its kernel."""
    centre = kernels.shape[-1] // 2
    kernels[[0, 1, 2], [0, 1, 2], centre, centre] = level


def _rectified(convolution: nn.Conv2d) -> tuple[nn.Module, nn.Module]:
    return convolution, nn.PReLU(convolution.out_channels)
