"""Ember: the inverse response and the light above white, seen on a small copy, applied to cleaned codes."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.color.transfer import srgb
from relume.filters.enlarge import enlarged
from relume.method import Direction, MethodSpec, Statistics
from relume.models import cleaner
from relume.models.cleaner import Cleaner, CleanerConfig
from relume.models.measuring import MeasuringNetwork
from relume.response.curve import sample_points
from relume.response.joint import joint_lookup

FOLD = 4
"""Pixels of the small copy that become channels of one, each way."""

MOST_STOPS = 10.0
"""The most that light is raised, or lowered."""

HISTOGRAM_BINS = 32
_HISTOGRAM_STEP = 4
"""The histogram counts each fourth pixel, each way."""

MOST_CODES = 0.95
"""How far a code of 8 bits may be brought back to where it was: so little that it is rounded to the same one
or to its neighbour, also when half precision has rounded its light."""

_SLOPE = 0.1
"""Of the leaky rectifiers below 0."""

SPEC = MethodSpec(
    name="ember",
    title="Ember: estimated response, and light rebuilt where channels are clipped",
    direction=Direction.EXPAND,
    input=SRGB,
    output=LINEAR_SCENE,
    citation="relume",
    precisions=("float32",),
    tolerance=1e-5,
    memory=1.0,
    small_maps=("stops",),
    masks=("clipped", "confidence"),
    scaling="dependent",
)


@dataclass(frozen=True, kw_only=True)
class EmberConfig:
    """How large the network is, and where it may change the picture."""

    widths: tuple[int, ...] = (32, 64, 96, 160, 224)
    """Channels at a quarter of the small copy's resolution, at an eighth, and so on."""
    blocks: tuple[int, ...] = (1, 1, 1, 2, 2)
    """Residual blocks at each of them, on the way down and again on the way up."""
    coefficients: int = 10
    """Cosines of which the logarithm of a curve's slope consists."""
    side: int = 320
    """Longest side of the small copy, in pixels."""
    threshold: float = 0.94
    """Code value above which a channel counts as clipped, more and more up to 1."""
    cleaner: CleanerConfig | None = None
    """What cleans the codes at full size; None: nothing does."""


_BASE = EmberConfig()

PRESETS = {
    "base": _BASE,
    "full": replace(_BASE, cleaner=CleanerConfig()),
    # Other designs, to be compared with the base at equal budget.
    "small": replace(_BASE, widths=(16, 32, 48, 80, 112)),
    "shallow": replace(_BASE, widths=(32, 64, 96), blocks=(1, 1, 1)),
    "eager": replace(_BASE, threshold=0.75),
    "smoke": EmberConfig(
        widths=(8, 12, 16),
        blocks=(1, 1, 1),
        coefficients=4,
        side=64,
        cleaner=CleanerConfig(width=4),
    ),
}

HALO = cleaner.HALO
"""All else at full size is computed of each pixel by itself."""


class Ember(MeasuringNetwork):
    """Light through the inverse response, times 2^stops where channels are clipped.

        sdr ─ small copy ─ U-Net ─┬─ stops of each channel ─ enlarged ─┐
         │                        └─ slopes of two curves, the         │
         │                              │ inverse response (monotone   │
         │                              │ by construction)             │
         └──── cleaner ─────── inverse response ─── · 2^(clipped · stops) → hdr

    What is looked at as a whole costs the same for pictures of every size; it is looked at twice, the second
    time mirrored, and the mirrored picture gives the mirrored result. At full size a few convolutions
    take noise, JPEG and rounding out of the codes, within one code of 8 bits; nothing else there looks beyond
    its pixel. Where no channel is clipped, the result is the inverse response of those codes and nothing
    else: putting it through the response gives the picture back, but for that one code.

    The curves come from the U-Net's coarsest features and a histogram; the slope of each is e^(sum of
    cosines) times that of the sRGB curve, so that it rises everywhere. One is that of greys. The other is
    what colours go through (see `joint_lookup`): the same if a camera took each channel through its response,
    that of the screen if tone mapping kept the ratios of channels. Fresh weights give the unprocessed input.

    Convention:  SDR, sRGB-encoded 0..1 → linear, relative, 1.0 = the level that clips. Any size.
    """

    cosines: Tensor
    log_slope: Tensor

    def __init__(self, config: EmberConfig) -> None:
        super().__init__()
        self.config = config
        widths, deepest = config.widths, config.widths[-1]
        self.entry = _convolution(6 * FOLD**2 + 2, widths[0])
        self.encoders = nn.ModuleList(map(_blocks, widths, config.blocks))
        self.reductions = nn.ModuleList(
            _convolution(fine, coarse, stride=2) for fine, coarse in pairwise(widths)
        )
        self.enlargements = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.decoders = nn.ModuleList(map(_blocks, widths[:-1], config.blocks))
        self.head = _silent(_convolution(widths[0], 3 * FOLD**2))
        self.overview = nn.Sequential(
            nn.Linear(2 * deepest + 3 * HISTOGRAM_BINS, 256),
            nn.LeakyReLU(_SLOPE),
            _silent(nn.Linear(256, deepest + 2 * config.coefficients)),
        )
        self.cleaner = Cleaner(config.cleaner) if config.cleaner is not None else None
        nodes = sample_points().float()
        middles = (nodes[1:] + nodes[:-1]) / 2
        orders = torch.arange(1, config.coefficients + 1).view(-1, 1)
        self.register_buffer("cosines", torch.cos(math.pi * orders * middles), persistent=False)
        self.register_buffer("log_slope", srgb.eotf(nodes).diff().log(), persistent=False)

    def measure(self, image: Float[Tensor, "batch 3 height width"], *, wraps: bool = False) -> Statistics:
        """The stops of every pixel of a small copy of the whole, and the curves of the inverse response.

        Args:
            wraps: whether the right edge goes on at the left one, as in panoramas of 360°. The copy is then
                looked at a second time, turned by half: what was seen at its edges counts for nothing, and
                turning the panorama by half turns the result.
        """
        small = self._small(image)
        stops, curves = self._estimate_around(small) if wraps else self._estimate_both_ways(small)
        return {"stops": stops, "curves": curves.flatten(1)[:, :, None, None]}

    def forward(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Rebuild the light."""
        statistics = statistics or self.measure(image)
        light = joint_lookup(self.cleaned(image), measured_curves(statistics))
        return self.rekindled(light, image, enlarged(statistics["stops"], size=image.shape[-2:]))

    def cleaned(
        self, sdr: Float[Tensor, "batch 3 height width"], *, codes: float = MOST_CODES
    ) -> Float[Tensor, "batch 3 height width"]:
        """The picture with noise, JPEG and rounding taken out of what is neither clipped nor black.

        Args:
            codes: by how many of 8 bits a value may change at most.
        """
        if self.cleaner is None or codes == 0.0:
            return sdr
        most = codes / 255.0
        room = torch.minimum(sdr, (1.0 - sdr) * (most / (1.0 - self.config.threshold))).clamp(max=most)
        result: Tensor = sdr + (self.cleaner(sdr) / 255.0).clamp(-room, room)
        return result

    def rekindled(
        self,
        light: Float[Tensor, "batch 3 height width"],
        sdr: Float[Tensor, "batch 3 height width"],
        stops: Float[Tensor, "batch 3 height width"],
    ) -> Float[Tensor, "batch 3 height width"]:
        """Light raised by these stops where the channels of the picture are clipped."""
        return light * torch.exp2(self.clipped(sdr) * stops)

    def clipped(self, sdr: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """How much each channel counts as clipped, 0..1."""
        return ((sdr - self.config.threshold) / (1.0 - self.config.threshold)).clamp(0.0, 1.0)

    def estimate(
        self, small: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 2 samples"]]:
        """The stops of each pixel, and the curves of greys and of channels, of a picture as large as it is.

        Convention:  height and width are padded to multiples of 4 and cut again.
        """
        height, width = small.shape[-2:]
        padded = functional.pad(small, (0, -width % FOLD, 0, -height % FOLD), mode="replicate")
        features, skips = self._described(padded), []
        for level, encoder in enumerate(self.encoders):
            features = encoder(self.reductions[level - 1](features) if level else features)
            skips.append(features)
        found = self.overview(
            torch.cat([features.mean((2, 3)), features.amax((2, 3)), _histogram(padded)], dim=1)
        )
        deepest = features.shape[1]
        features = features + found[:, :deepest, None, None]
        for decoder, enlargement, skip in zip(
            reversed(self.decoders), reversed(self.enlargements), reversed(skips[:-1]), strict=True
        ):
            larger = functional.interpolate(
                enlargement(features), size=skip.shape[-2:], mode="bilinear", align_corners=False
            )
            features = decoder(larger + skip)
        # In the precision of the network's buffers, also under autocast.
        raw = functional.pixel_shuffle(self.head(functional.leaky_relu(features, _SLOPE)), FOLD)
        raw = raw.to(self.log_slope.dtype)
        stops = MOST_STOPS * torch.tanh(raw / MOST_STOPS)
        return stops[..., :height, :width], self._curves(found[:, deepest:].to(self.log_slope.dtype))

    def _estimate_both_ways(
        self, small: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 2 samples"]]:
        """The mean of the estimates of a picture and of its mirror image."""
        stops, curves = self.estimate(torch.cat([small, small.flip(-1)]))
        here, mirrored = stops.chunk(2)
        first, second = curves.chunk(2)
        return (here + mirrored.flip(-1)) / 2, (first + second) / 2

    def _estimate_around(
        self, small: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 2 samples"]]:
        """The same of a picture without edges at its left and right."""
        width = small.shape[-1]
        stops, curves = self._estimate_both_ways(torch.cat([small, small.roll(width // 2, -1)]))
        here, there = stops.chunk(2)
        angle = 2.0 * math.pi / width * (torch.arange(width, dtype=stops.dtype, device=stops.device) + 0.5)
        blended = torch.lerp(there.roll(-(width // 2), -1), here, 0.5 - 0.5 * angle.cos())
        first, second = curves.chunk(2)
        return blended, (first + second) / 2

    def _small(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 rows columns"]:
        """The picture reduced by area until its longer side fits; smaller ones as they are."""
        height, width = image.shape[-2:]
        scale = self.config.side / max(height, width)
        if scale >= 1.0:
            return image
        size = max(round(height * scale), 1), max(round(width * scale), 1)
        return functional.interpolate(image, size=size, mode="area")

    def _described(self, padded: Float[Tensor, "batch 3 height width"]) -> Tensor:
        """Codes, what is clipped and where it lies, folded."""
        batch, _, height, width = padded.shape
        folded = functional.pixel_unshuffle(torch.cat([2.0 * padded - 1.0, self.clipped(padded)], 1), FOLD)
        down, right = (
            torch.linspace(-1.0, 1.0, side // FOLD, dtype=padded.dtype, device=padded.device)
            for side in (height, width)
        )
        place = torch.stack(torch.meshgrid(down, right, indexing="ij")).expand(batch, -1, -1, -1)
        described: Tensor = self.entry(torch.cat([folded, place], dim=1))
        return described

    def _curves(self, coefficients: Float[Tensor, "batch count"]) -> Float[Tensor, "batch 2 samples"]:
        """The curves whose slopes have these cosines in their logarithms: rising, from 0 to 1.

        Convention:  first the cosines of greys, then what is added to them for channels.
        """
        cosines = coefficients.view(len(coefficients), 2, -1).cumsum(1)
        rises = torch.softmax(self.log_slope + cosines @ self.cosines, dim=-1)
        inner = rises.cumsum(-1)[..., :-1].clamp(max=1.0)
        return functional.pad(functional.pad(inner, (0, 1), value=1.0), (1, 0))


def measured_curves(statistics: Statistics) -> Float[Tensor, "batch 2 samples"]:
    """The curves of greys and of channels among what was measured."""
    curves = statistics["curves"]
    return curves.view(len(curves), 2, -1)


class _Residual(nn.Module):
    """x + what two convolutions make of x; at first nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = _silent(_convolution(width, width))

    def forward(self, features: Tensor) -> Tensor:
        """Add what is new."""
        inner = self.first(functional.leaky_relu(features, _SLOPE))
        result: Tensor = features + self.second(functional.leaky_relu(inner, _SLOPE))
        return result


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Residual(width) for _ in range(count)))


def _convolution(channels: int, width: int, *, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, 3, stride=stride, padding=1)


_Layer = TypeVar("_Layer", nn.Conv2d, nn.Linear)


def _silent(layer: _Layer) -> _Layer:
    """The layer with weights of 0."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _histogram(sdr: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch bins"]:
    """Log shares of the codes of each channel near evenly spaced ones, about -3 to 1."""
    codes = sdr[..., ::_HISTOGRAM_STEP, ::_HISTOGRAM_STEP].flatten(2) * (HISTOGRAM_BINS - 1)
    shares = [(1.0 - (codes - node).abs()).clamp(min=0.0).mean(-1) for node in range(HISTOGRAM_BINS)]
    return torch.stack(shares, dim=-1).flatten(1).clamp(min=1e-4).log10() + 1.0
