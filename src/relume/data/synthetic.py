"""Synthetic HDR scenes without bound: occluding textured shapes, shadows, lamps, windows, sun and glow.

A scene is reflectance × illumination + light sources + their glow. Shapes occlude each other with sizes
after a power law (the dead leaves model, whose spectra and edges are those of natural pictures
[lee2001]); textures are noise with power-law spectra; sources have radiances measured in stops above what
they light. The four kinds (`KINDS`) differ in how bright and how many the sources are.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import BT709_WEIGHTS, luminance

Range = tuple[float, float]

LOG_MEAN = 0.18
CEILING = 60_000.0
"""Scenes have a log-mean luminance of 0.18 and end at 60 000, as the photographed ones do."""

# Radii of the shapes, relative to the height of the picture.
_SMALLEST, _LARGEST = 0.015, 0.45


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the light of one kind of scene is like; stops are above the diffuse light of the scene."""

    shadow_stops: Range
    """How much darker the shadows are than the directly lit parts."""
    sky: float
    """Probability of a sky or a row of bright windows behind everything."""
    sky_stops: Range
    lights: tuple[int, int]
    """How many sources there are, at least and at most."""
    light_stops: Range
    light_size: Range
    """Radius relative to the height of the picture."""
    saturation: float
    """Of the colours of sources: 0 white, 1 neon."""
    glow: Range
    """Share of a source's light that lens and air spread."""


KINDS = {
    "day": Kind(
        shadow_stops=(1.5, 4.0), sky=0.8, sky_stops=(0.5, 3.5), lights=(0, 1), light_stops=(8.0, 15.0),
        light_size=(0.004, 0.02), saturation=0.1, glow=(0.01, 0.06),
    ),
    "indoor": Kind(
        shadow_stops=(1.0, 4.0), sky=0.5, sky_stops=(3.0, 7.0), lights=(0, 8), light_stops=(3.0, 9.0),
        light_size=(0.01, 0.12), saturation=0.25, glow=(0.01, 0.05),
    ),
    "night": Kind(
        shadow_stops=(2.0, 6.0), sky=0.3, sky_stops=(-4.0, -1.0), lights=(3, 24), light_stops=(5.0, 13.0),
        light_size=(0.003, 0.03), saturation=0.6, glow=(0.03, 0.15),
    ),
    "studio": Kind(
        shadow_stops=(0.5, 3.0), sky=0.2, sky_stops=(1.0, 4.0), lights=(1, 4), light_stops=(4.0, 9.0),
        light_size=(0.05, 0.25), saturation=0.05, glow=(0.01, 0.04),
    ),
}  # fmt: skip


def synthetic_scene(
    *, size: tuple[int, int], generator: torch.Generator, kind: str | None = None
) -> Float[Tensor, "3 height width"]:
    """One scene, drawn on the device of the generator.

    Convention:  linear scene-referred BT.709 light, log-mean luminance 0.18, 0..60 000.

    Args:
        size: (height, width) in pixels.
        generator: where all randomness comes from; the same state gives the same scene.
        kind: one of `KINDS`, or None for any of them.
    """
    draw = _Draw(generator, size)
    about = KINDS[kind] if kind is not None else list(KINDS.values())[draw.integer(0, len(KINDS) - 1)]
    textures = draw.textures()
    scene = draw.reflectance(textures) * draw.illumination(about)
    scene = draw.with_sky(scene, about, textures)
    scene = scene + draw.highlights()
    sources = draw.sources(about)
    scene = torch.where(sources > scene, sources, scene) + _glow(sources) * draw.uniform(about.glow)
    return _finished(scene)


def _finished(scene: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """The lens's own blur, then the scale: log-mean at 0.18 and the top at 60 000."""
    kernel = torch.tensor([0.1, 0.8, 0.1], device=scene.device)
    blur = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    padded = functional.pad(scene[None], (1, 1, 1, 1), mode="replicate")
    scene = functional.conv2d(padded, blur, groups=3)[0].clamp(min=1e-5)
    return (scene * (LOG_MEAN / luminance(scene).log().mean().exp())).clamp(max=CEILING)


def _glow(sources: Float[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """Sources spread by lens and air: blurs of doubling width, each with half the weight of the last."""
    total = torch.zeros_like(sources)
    level = sources[None]
    weight = 0.5
    while min(level.shape[-2:]) >= 8:
        level = functional.avg_pool2d(functional.avg_pool2d(level, 3, 1, 1), 2)
        wide = functional.interpolate(level, size=sources.shape[-2:], mode="bilinear", align_corners=False)
        total += weight * wide[0]
        weight /= 2
    return total


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """An ellipse or rectangle: where it is, what it covers, how far each pixel is from its middle."""

    box: tuple[slice, slice]
    coverage: Float[Tensor, "rows columns"]
    """0..1, soft at the edge."""
    distance: Float[Tensor, "rows columns"]
    """0 in the middle, 1 at the edge."""


class _Draw:
    """Everything random about one scene, at one size."""

    def __init__(self, generator: torch.Generator, size: tuple[int, int]) -> None:
        self.generator, self.device = generator, generator.device
        self.height, self.width = size
        rows = (torch.arange(self.height, device=self.device) + 0.5) / self.height
        columns = (torch.arange(self.width, device=self.device) + 0.5) / self.height
        self.y, self.x = rows[:, None], columns[None, :]
        self.aspect = self.width / self.height
        self._shares: list[float] = []

    def uniform(self, interval: Range) -> float:
        """A number between the two."""
        return interval[0] + (interval[1] - interval[0]) * self._share()

    def normal(self) -> float:
        """A number of the standard normal distribution."""
        return math.sqrt(-2.0 * math.log(1.0 - self._share())) * math.cos(2.0 * math.pi * self._share())

    def _share(self) -> float:
        # Drawn by the thousand: one by one, the calls would take longer than the picture.
        if not self._shares:
            self._shares = torch.rand(2048, generator=self.generator, device=self.device).tolist()
        return self._shares.pop()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return min(int(self.uniform((low, high + 1))), high)

    def chance(self, probability: float) -> bool:
        """Whether something happens that has this probability."""
        return self.uniform((0.0, 1.0)) < probability

    def color(self, spread: float) -> Float[Tensor, "3 1 1"]:
        """A colour of luminance 1: log-normal gains of that spread, in stops."""
        gains = [math.exp2(spread * self.normal()) for _ in BT709_WEIGHTS]
        scale = 1.0 / sum(gain * weight for gain, weight in zip(gains, BT709_WEIGHTS, strict=True))
        return torch.tensor(gains, device=self.device).view(3, 1, 1) * scale

    def textures(self) -> list[Float[Tensor, "1 height width"]]:
        """A few fields of noise, mean 0 and variance 1, with spectra of amplitude 1/f^0.6 to 1/f^1.6."""
        return [self._noise(self.uniform((0.6, 1.6))) for _ in range(3)]

    def _noise(self, slope: float) -> Float[Tensor, "1 height width"]:
        white = torch.randn(1, self.height, self.width, generator=self.generator, device=self.device)
        rows = torch.fft.fftfreq(self.height, 1 / self.height, device=self.device)[:, None]
        columns = torch.fft.rfftfreq(self.width, 1 / self.width, device=self.device)[None]
        frequency = torch.hypot(rows, columns * self.height / self.width).clamp(min=1.0)
        spectrum = torch.fft.rfft2(white) * frequency.pow(-slope)
        field: Tensor = torch.fft.irfft2(spectrum, s=(self.height, self.width))
        return (field - field.mean()) / field.std().clamp(min=1e-6)

    def reflectance(self, textures: list[Tensor]) -> Float[Tensor, "3 height width"]:
        """Occluding shapes with power-law sizes, each with a colour and a texture of its own."""
        field = torch.empty(3, self.height, self.width, device=self.device)
        field[:] = 0.2 * self.color(0.3) * torch.exp2(0.4 * textures[0])
        for _ in range(self.integer(60, 240)):
            # Radii with density r^-3 between the two ends, by inversion.
            share = self.uniform((0.0, 1.0))
            radius = (_SMALLEST**-2 * (1 - share) + _LARGEST**-2 * share) ** -0.5
            shape = self._shape(radius)
            if shape is None:
                continue
            albedo = min(0.2 * math.exp2(1.3 * self.normal()), 0.92)
            texture = textures[self.integer(0, len(textures) - 1)][(..., *shape.box)]
            shade = albedo * self.color(0.35) * torch.exp2(self.uniform((0.05, 0.7)) * texture)
            field[(..., *shape.box)] = torch.lerp(field[(..., *shape.box)], shade, shape.coverage)
        return field.clamp(0.005, 1.2)

    def _shape(self, radius: float, softness: float = 1.0) -> _Shape | None:
        """A random shape, or None if it lies outside the picture.

        The radius is relative to the height, the softness of the edge in pixels.
        """
        centre_x, centre_y = self.uniform((-0.1, self.aspect + 0.1)), self.uniform((-0.1, 1.1))
        stretch = math.exp2(self.uniform((-1.2, 1.2)))
        half_width, half_height = radius * stretch**0.5, radius / stretch**0.5
        angle, round_ = self.uniform((0.0, math.pi)), self.chance(0.5)
        reach = 1.5 * max(half_width, half_height) + softness * 2 / self.height
        top, bottom = self._span(centre_y - reach, centre_y + reach, self.height)
        left, right = self._span(centre_x - reach, centre_x + reach, self.width)
        if top >= bottom or left >= right:
            return None
        dx, dy = self.x[:, left:right] - centre_x, self.y[top:bottom] - centre_y
        u = (dx * math.cos(angle) + dy * math.sin(angle)) / half_width
        v = (dy * math.cos(angle) - dx * math.sin(angle)) / half_height
        distance = torch.hypot(u, v) if round_ else torch.maximum(u.abs(), v.abs())
        scale = min(half_width, half_height) * self.height / softness
        coverage = ((1.0 - distance) * scale + 0.5).clamp(0.0, 1.0)
        return _Shape(box=(slice(top, bottom), slice(left, right)), coverage=coverage, distance=distance)

    def _span(self, low: float, high: float, end: int) -> tuple[int, int]:
        return max(int(low * self.height), 0), min(int(high * self.height) + 1, end)

    def illumination(self, about: Kind) -> Float[Tensor, "3 height width"]:
        """Direct light with a gradient, and shadows with soft edges and the colour of the sky."""
        direction, steepness = self.uniform((0.0, 2 * math.pi)), self.uniform((0.0, 2.0))
        ramp = (self.x / self.aspect - 0.5) * math.cos(direction) + (self.y - 0.5) * math.sin(direction)
        direct = self.color(0.15) * torch.exp2(steepness * ramp)
        lit = torch.ones(1, self.height, self.width, device=self.device)
        for _ in range(self.integer(0, 6)):
            shape = self._shape(self.uniform((0.1, 0.6)), softness=self.uniform((1.0, 40.0)))
            if shape is not None:
                lit[(..., *shape.box)] *= 1.0 - shape.coverage
        ambient = self.color(0.2) * math.exp2(-self.uniform(about.shadow_stops))
        return direct * lit + ambient

    def with_sky(self, scene: Tensor, about: Kind, textures: list[Tensor]) -> Float[Tensor, "3 height width"]:
        """Something bright and smooth behind everything: a sky with clouds, or windows."""
        if not self.chance(about.sky):
            return scene
        brightness = math.exp2(self.uniform(about.sky_stops))
        cloudy = torch.exp2(self.uniform((0.1, 1.0)) * textures[-1].clamp(-2.5, 2.5))
        sky = 0.18 * brightness * self.color(0.3) * cloudy * (1.0 + 0.8 * self.y)
        if self.chance(0.6):
            horizon = self.uniform((0.1, 0.7)) + self.uniform((0.0, 0.15)) * textures[0]
            return torch.lerp(scene, sky, ((horizon - self.y) * self.height).clamp(0.0, 1.0))
        for _ in range(self.integer(1, 4)):
            shape = self._shape(self.uniform((0.05, 0.25)))
            if shape is not None:
                box = (..., *shape.box)
                scene[box] = torch.lerp(scene[box], sky[box], shape.coverage)
        return scene

    def highlights(self) -> Float[Tensor, "3 height width"]:
        """Small reflections of sources on glossy things: soft blobs, 1 to 7 stops above the diffuse light."""
        layer = torch.zeros(3, self.height, self.width, device=self.device)
        for _ in range(self.integer(0, 30)):
            shape = self._shape(self.uniform((0.001, 0.012)), softness=self.uniform((1.0, 4.0)))
            radiance = 0.2 * math.exp2(self.uniform((1.0, 7.0))) * self.color(0.15)
            if shape is not None:
                layer[(..., *shape.box)] += radiance * shape.coverage**2
        return layer

    def sources(self, about: Kind) -> Float[Tensor, "3 height width"]:
        """Lamps, tubes, lit signs, the sun: evenly lit, or hot in the middle and falling to the edge."""
        layer = torch.zeros(3, self.height, self.width, device=self.device)
        for _ in range(self.integer(*about.lights)):
            low, high = about.light_size
            radius = low * (high / low) ** self.uniform((0.0, 1.0))
            shape = self._shape(radius, softness=self.uniform((1.0, 5.0)))
            radiance = 0.2 * math.exp2(self.uniform(about.light_stops)) * self.color(1.5 * about.saturation)
            falloff = self.uniform((0.0, 4.0))
            if shape is not None:
                light = radiance * shape.coverage * torch.exp2(-falloff * shape.distance.square())
                layer[(..., *shape.box)] = torch.maximum(layer[(..., *shape.box)], light)
        return layer
