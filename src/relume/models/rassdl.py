"""RASSDL: tone mapping by a dense network that taught itself, region by region, what a good picture is.

The light is encoded by a logarithm whose knee is found from the picture, the network maps that encoding to
lightness, and the colours of the scene are put back.

Of the paper only the abstract was at hand; the numbers are those of the code published with it, as facts.

References:  [rassdl2022]
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.color.luminance import luminance
from relume.method import Direction, MethodSpec, Statistics
from relume.models.measuring import MeasuringNetwork

HALO = 10
"""Ten convolutions of 3×3, of which each looks one pixel further."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)

# Added to light before logarithms, where the mean of the picture is 1.
_OFFSET = 1e-8
_SATURATION = 0.5
"""Exponent of the colours."""

# Rounds of the search for the knee; it takes 5 to 10 and would take 60 if it only halved.
_ROUNDS = 60
_CLOSE = 1e-6

SPEC = MethodSpec(
    name="rassdl",
    title="Dense network taught by itself, region by region",
    direction=Direction.TONEMAP,
    input=LINEAR_SCENE,
    output=SRGB,
    citation="rassdl2022",
    tolerance=1e-4,
    memory=6.0,
    scaling="invariant",
    differentiable=False,
    upper=1.0,
)

Light = Float[Tensor, "batch 1 height width"]
Number = Float[Tensor, "batch 1 1 1"]


@dataclass(frozen=True, kw_only=True)
class RassdlConfig:
    """How large the network is."""

    width: int
    """Channels that each layer adds."""
    dense: int
    """Layers whose output is concatenated to their input."""


PRESETS = {"paper": RassdlConfig(width=64, dense=6), "compact": RassdlConfig(width=16, dense=5)}


def key(light: Light) -> Number:
    """The mean that the encoded picture is to have, 0.333 to 0.48: darker pictures get a darker one.

    Convention:  linear luminance ≥ 0 whose mean is about 1.

    References:  [reinhard2003] for the form; 0.4 and 1.2 are those of the published code of [rassdl2022].
    """
    logarithm = (light + 2.0 * _OFFSET).log()
    mean = logarithm.mean((-2, -1), keepdim=True)
    low, high = logarithm.amin((-2, -1), keepdim=True), logarithm.amax((-2, -1), keepdim=True)
    span = high - low
    skew = torch.where(span > 0, (2.0 * mean - low - high) / torch.where(span > 0, span, 1.0), 0.0)
    return 0.4 * torch.exp2(skew * math.log2(1.2))


def knee(light: Light, mean: Number) -> Number:
    """The c for which log(1 + L/c) / log(1 + max L/c) has the wanted mean; 1 for a picture without light.

    The mean falls as c grows. Newton's method in log c, within a bracket that each round narrows; where a
    step leaves the bracket it is halved instead. Where no c gives the mean, the end that comes nearest.

    Convention:  linear luminance ≥ 0 whose darkest pixel is 0, and whose mean is about 1.

    References:  [rassdl2022], published code, where c is τ + 2e-8.
    """
    top = light.amax((-2, -1), keepdim=True)
    top = torch.where(top > 0, top, 1.0)
    low = torch.full_like(top, math.log(2.0 * _OFFSET))
    high = (1e4 * top).log()
    position = torch.zeros_like(top).clamp(low, high)
    for _ in range(_ROUNDS):
        value, slope = _mean_and_slope(light, top, position.exp())
        low = torch.where(value > mean, position, low)
        high = torch.where(value > mean, high, position)
        step = position - (value - mean) / slope
        inside = (step > low) & (step < high)  # also false where the slope is 0 or nothing is a number
        following = torch.where(inside, step, 0.5 * (low + high))
        moved = (following - position).abs().max()
        position = following
        if moved < _CLOSE:
            break
    return position.exp()


def _mean_and_slope(light: Light, top: Number, c: Number) -> tuple[Number, Number]:
    """The mean of the encoded picture, and its derivative with respect to log c."""
    total, height = (light / c).log1p().mean((-2, -1), keepdim=True), (top / c).log1p()
    total_slope = -(light / (c + light)).mean((-2, -1), keepdim=True)
    height_slope = -top / (c + top)
    return total / height, (total_slope * height - total * height_slope) / height.square()


@torch.no_grad()
def measure(image: Float[Tensor, "batch 3 height width"]) -> Statistics:
    """Scale, darkest luminance, knee, and the logarithm that becomes 1."""
    light = luminance(image.clamp(min=0.0), weights=LUMA_WEIGHTS)
    mean = light.mean((-2, -1), keepdim=True)
    scale = torch.where(mean > 0, mean, 1.0)
    light = light / scale
    darkest = light.amin((-2, -1), keepdim=True)
    light = light - darkest
    c = knee(light, key(light))
    top = (light.amax((-2, -1), keepdim=True) / c).log1p()
    return {"scale": scale, "darkest": darkest, "knee": c, "top": top}


def encode(image: Float[Tensor, "batch 3 height width"], statistics: Statistics) -> Light:
    """The light as the network takes it, 0..1; 0.4 everywhere where all of it is the same."""
    light = luminance(image.clamp(min=0.0), weights=LUMA_WEIGHTS) / statistics["scale"]
    top = statistics["top"]
    # Padding and rounding must not get below the darkest pixel of the picture.
    logarithm = ((light - statistics["darkest"]).clamp(min=0.0) / statistics["knee"]).log1p()
    return torch.where(top > 0, logarithm / torch.where(top > 0, top, 1.0), 0.4)


class Rassdl(MeasuringNetwork):
    """A residual dense network over the encoded light of a scene, and colour around it.

        light → log(1 + L/c) → conv, conv ─┬─ dense × n, conv, 1×1 ─ + ─ conv → sigmoid → lightness
                                           └─────────────────────────┘

    Departs from the published code: the light is divided by its mean first, so that the exposure of the
    picture does not matter, and colours are compared with the luminance before its darkest value is taken
    off, so that the darkest pixels of a foggy picture do not become white.

    Convention:  linear BT.709, any scale → sRGB-encoded 0..1; colours outside the gamut are clipped.

    References:  [rassdl2022]; [zhang2018rdn] for the shape of the network.
    """

    def __init__(self, config: RassdlConfig) -> None:
        super().__init__()
        width = config.width
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        *inputs, gathered = (number * width for number in range(1, config.dense + 2))
        self.dense = nn.ModuleList(_normalised(channels, width) for channels in inputs)
        self.last_dense = _normalised(gathered, width)
        self.fusion = nn.Conv2d(width, width, 1)
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def lightness(self, encoded: Light) -> Light:
        """The network itself: encoded light, 0..1, to lightness, 0..1.

        Convention:  beyond the border of a picture its outermost pixels go on; in training there are zeros,
            as in the published code, which draw a frame around the picture.
        """
        if self.training:
            return self._lightness(encoded)
        wide = functional.pad(encoded, [HALO] * 4, mode="replicate")
        return self._lightness(wide)[..., HALO:-HALO, HALO:-HALO]

    def _lightness(self, encoded: Light) -> Light:
        shallow: Tensor = self.second(self.first(encoded).relu()).relu()
        features = shallow
        for layer in self.dense:
            features = torch.cat([features, layer(features)], dim=1)
        result: Tensor = self.head(shallow + self.fusion(self.last_dense(features)))
        return result.to(torch.promote_types(result.dtype, torch.float32)).sigmoid()

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What `encode` must know of the whole picture."""
        return measure(image)

    def forward(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Tone map; lightness that the statistics bring along is not computed again."""
        statistics = statistics or measure(image)
        lightness = statistics.get("lightness")
        if lightness is None:
            lightness = self.lightness(encode(image, statistics))
        colours = image.clamp(min=0.0) / statistics["scale"]
        light = luminance(colours, weights=LUMA_WEIGHTS)
        return ((colours / light.clamp(min=_OFFSET)) ** _SATURATION * lightness).clamp(0.0, 1.0)


def _normalised(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
