"""Hearth: relume's own tone mapping, a curve for each picture that is found by trying some."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.color.transfer import srgb
from relume.filters.bilateral_grid import bilateral_grid
from relume.filters.guided import box_mean
from relume.method import Direction, Method, MethodSpec, Statistics, Temporal, parameter
from relume.operators.statistics import light_of, percentile
from relume.operators.tonemap.likeness import Likeness
from relume.parallel import for_each

_PIXELS = 256 * 192
"""Of the small copy, at most."""

_DEEPEST = 20.0
"""Stops under the top below which light is black."""
_BOTTOM, _TOP = 0.01, 0.999
"""The shares of the light that count as its bottom and its top."""

# Of the base: cells of the grid, as a share of the longest side and in stops; and what carries it to full
# size, a window in pixels of the small copy and a variance in stops².
_CELL, _EDGE = 1.0 / 32.0, 0.8
_CARRIED_RADIUS, _CARRIED_VARIANCE = 3, 0.02

_GLOW = 0.5
"""How much of the colour that does not fit under white stays and is clipped, so that the sun sets in gold
and not in pink."""

_CUT = 2.0
"""Stops of the log mean between two frames from which a new scene begins."""

_STRIP_PIXELS = 1 << 16
_TINY = 1e-30


class Scene(NamedTuple):
    """The light of a picture, from end to end: stops, but for the floor."""

    floor: Float[Tensor, "batch 1 1 1"]
    """The least light that is told from black, in the unit of the picture."""
    bottom: Float[Tensor, "batch 1 1 1"]
    middle: Float[Tensor, "batch 1 1 1"]
    """The log mean of what is not black."""
    top: Float[Tensor, "batch 1 1 1"]


class Tone(NamedTuple):
    """What is sought for each picture."""

    exposure: Float[Tensor, "batch 1 1 1"]
    """Where the log mean goes before the curve, in stops from white."""
    large: Float[Tensor, "batch 1 1 1"]
    """Contrast of large shapes; 1 is that of the scene."""
    small: Float[Tensor, "batch 1 1 1"]
    """Contrast of what is smaller, likewise."""
    shoulder: Float[Tensor, "batch 1 1 1"]
    """Hardness of the shoulder: 1 as of Schlick's curve, more is nearer to clipping."""
    headroom: Float[Tensor, "batch 1 1 1"]
    """Stops by which the top of the light lies above white."""
    toe: Float[Tensor, "batch 1 1 1"]
    """Depth of the blacks: the multiple of the bottom of the light that is halved."""


class _Span(NamedTuple):
    """How one number of `Tone` is sought."""

    start: float
    low: float
    high: float
    step: float
    far: float
    """The distance from the start that costs `_RELUCTANCE`, twice of it four times as much."""


_SPANS = (
    _Span(-2.4, -4.5, -0.5, 0.5, 1.0),
    _Span(0.9, 0.6, 1.2, 0.15, 0.3),
    _Span(1.1, 0.9, 1.4, 0.1, 0.3),
    _Span(1.5, 1.0, 3.0, 0.4, 1.0),
    _Span(0.0, -1.0, 2.0, 0.4, 1.0),
    _Span(0.5, 0.0, 2.0, 0.5, 1.0),
)
_ROUNDS = 3
"""After each the steps are halved."""
_RELUCTANCE = 0.004

# What a bottom above, and a top below, these codes costs, per whole range of codes. Where the scene itself
# has less contrast, its own ends at an exposure of middle grey count instead.
_HAZE, _BLACK = 0.5, 30.0
_DULLNESS, _WHITE = 0.75, 245.0
_GREY = -2.3

Values = tuple[float, ...]
"""The numbers of a `Tone`, in its order."""


@dataclass(frozen=True, kw_only=True)
class Hearth(Method):
    """The curve that shows this picture best among those of one family, found on a small copy.

    x = e + large · (base - middle) + small · (log2 L - base), y = 2^x / (1 + 2^(n x) (1 - w^-n))^(1/n),
    Ld = y² (1 + b) / (y + b). The base is what a bilateral grid leaves of the logarithm of light; carried to
    full size as a linear function of that in each small window, it keeps the edges of the full size. With
    n = 1, y is Schlick's curve, and Reinhard's where white is far; with w = 1 it is a straight line. b is
    `toe` times what becomes of the bottom of the light.

    Exposure e, the two contrasts, the shoulder n, the headroom that makes w, and the toe start from what
    suits most pictures and climb, a number at a time, as long as structure and naturalness in the sense of
    TMQI grow faster than what is paid for distance from the start, lost ends, haze and dull whites. About 40
    pictures of 256×192 pixels are tried, whatever the size.

    Colours keep their ratios to luminance, times `saturation`; half of what would exceed white is taken back
    towards grey and the rest clips.

    Convention:  light 20 stops under the top (the 99.9th percentile) and below counts as that much, and zero
        as black. The scale of the light does not matter, so a dark scene comes out as bright as any other. In
        a clip the curve leaks from frame to frame and begins anew where the log mean changes by two stops.

    Agreement: none to seek, it is relume's own; the curve is tested against those it contains.

    Picture: as a good camera would: bright, with real blacks and whites and crisp surfaces; light sources
        keep their colours. Night scenes turn into evening; the small contrast of mist and bare walls grows.

    References:  [yeganeh2013] for what is sought; [schlick1994] and [reinhard2002], eq. 3, for the curve;
        [chen2007] for the grid; [he2013], eqs. 5, 6 and 8, for carrying it.
    """

    saturation: float = parameter(
        1.12, "strength of the colours; 1: ratios as in the scene, 0: grey", minimum=0.0, maximum=3.0
    )
    leak: float = parameter(
        0.1,
        "in a clip, the share that a new frame has in the curve; 1: each frame by itself",
        minimum=1e-3,
        maximum=1.0,
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="hearth",
        title="Hearth: a curve sought for each picture, detail kept",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="relume",
        temporal=Temporal.RECURRENT,
        memory=3.0,
        differentiable=False,
        upper=1.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The ends of the light, the curve, and the base at every pixel."""
        with torch.no_grad():
            measured = [_measured(picture[None]) for picture in image.detach()]
        if len(measured) == 1:
            return measured[0]
        return {name: torch.cat([statistics[name] for statistics in measured]) for name in measured[0]}

    def carry(self, measured: Statistics, previous: Statistics | None) -> Statistics:
        """The numbers leak, or begin anew at a cut; the base is that of the frame."""
        if previous is None:
            return measured
        cut = (measured["middle"] - previous["middle"]).abs() > _CUT
        carried = {
            name: torch.where(cut, measured[name], torch.lerp(previous[name], measured[name], self.leak))
            for name in (*Scene._fields, *Tone._fields)
        }
        return measured | carried

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The curve for luminance, and colours as far as they fit."""
        statistics = statistics or self.measure(image)
        scene = Scene(*(statistics[name] for name in Scene._fields))
        tone = Tone(*(statistics[name] for name in Tone._fields))
        light = luminance(image)
        floored = torch.maximum(light, scene.floor)
        shown = display(floored.log2(), statistics["base"], scene, tone) * (light > 0.0)
        chroma = (image - light) / floored
        return (shown * (1.0 + chroma * fitting(chroma, shown, self.saturation))).clamp(0.0, 1.0)


def display(
    level: Float[Tensor, "batch 1 height width"],
    base: Float[Tensor, "batch 1 height width"],
    scene: Scene,
    tone: Tone,
) -> Float[Tensor, "batch 1 height width"]:
    """Luminance on the display, linear 0..1.

    Args:
        level: log2 of the light.
        base: its large shapes, in stops as well.
    """
    white = (exposed(scene.top, scene.top, scene, tone) - tone.headroom).clamp(min=0.0)
    bottom = bent(exposed(scene.bottom, scene.bottom, scene, tone), white, tone.shoulder)
    light = bent(exposed(level, base, scene, tone), white, tone.shoulder)
    toe = tone.toe * bottom
    return light * light * ((1.0 + toe) / (light + toe).clamp(min=_TINY))


def exposed(
    level: Float[Tensor, "batch 1 height width"],
    base: Float[Tensor, "batch 1 height width"],
    scene: Scene,
    tone: Tone,
) -> Float[Tensor, "batch 1 height width"]:
    """Light before the curve, in stops from where white is when nothing needs compression."""
    return tone.small * level + (
        (tone.large - tone.small) * base + (tone.exposure - tone.large * scene.middle)
    )


def bent(
    stops: Float[Tensor, "batch 1 height width"],
    white: Float[Tensor, "batch 1 1 1"],
    shoulder: Float[Tensor, "batch 1 1 1"],
) -> Float[Tensor, "batch 1 height width"]:
    """A curve of light that has slope 1 at black, reaches 1 at white and ends there.

    Convention:  stops → linear; white in stops, not below 0.
    """
    stops = torch.minimum(stops, white)
    bend = (1.0 + torch.exp2(shoulder * stops) * (1.0 - torch.exp2(-shoulder * white))).log2()
    return torch.exp2(stops - bend / shoulder)


def fitting(
    chroma: Float[Tensor, "batch 3 height width"], shown: Float[Tensor, "batch 1 height width"], wanted: float
) -> Float[Tensor, "batch 1 height width"]:
    """The saturation of each pixel: at most the wanted, with no channel below 0 and not far above 1.

    Args:
        chroma: what the channels have over luminance, relative to it.
        shown: luminance on the display.
    """
    above = (1.0 / shown.clamp(min=_TINY) - 1.0) / chroma.amax(1, keepdim=True).clamp(min=1e-6)
    below = -1.0 / chroma.amin(1, keepdim=True).clamp(max=-1e-6)
    most = below.clamp(max=wanted)
    return torch.lerp(torch.minimum(above, most), most, _GLOW)


def _measured(image: Float[Tensor, "1 3 height width"]) -> Statistics:
    light = _small_copy(image)
    scene = _scene_of(light)
    level = torch.maximum(light, scene.floor).log2()
    base = bilateral_grid(
        level,
        sigma_space=max(1.0, _CELL * max(level.shape[-2:])),
        sigma_range=_EDGE,
        low=level.amin((-2, -1), keepdim=True),
        high=level.amax((-2, -1), keepdim=True),
    )
    found: dict[str, Tensor] = {}

    @torch.no_grad()
    def seek() -> None:
        found.update(best_tone(light, level, base, scene)._asdict())

    @torch.no_grad()
    def carry() -> None:
        found["base"] = carried(base, level, image, scene.floor)

    # Side by side, each on one thread: small pictures are not worth two.
    for_each(lambda work: work(), (seek, carry))
    return {name: value.to(image.dtype) for name, value in (scene._asdict() | found).items()}


def _small_copy(image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 1 rows columns"]:
    """Luminance, not negative, in float64, averaged down to `_PIXELS` at most, row by row of the result."""
    height, width = image.shape[-2:]
    scale = (_PIXELS / (height * width)) ** 0.5
    if scale >= 1.0:
        return light_of(image).double()
    rows, columns = max(int(height * scale), 1), max(int(width * scale), 1)
    small = image.new_empty((1, 1, rows, columns), dtype=torch.float64)

    @torch.no_grad()
    def work(row: int) -> None:
        above, below = row * height // rows, -(-(row + 1) * height // rows)
        light = luminance(image[..., above:below, :]).clamp_(min=0.0)
        small[..., row, :] = functional.interpolate(light, size=(1, columns), mode="area")[..., 0, :]

    for_each(work, range(rows))
    return small


def _scene_of(light: Float[Tensor, "1 1 rows columns"]) -> Scene:
    """What is black has no part in it, as bars around a picture; of a black picture the light is 1."""
    lit = light[light > 0.0] if bool((light > 0.0).any()) else light.new_ones(1)
    floor = percentile(lit[None, None, None], _TOP) * 2.0**-_DEEPEST
    stops = lit[lit >= floor.flatten()].log2()[None, None, None]
    return Scene(
        floor=floor,
        bottom=percentile(stops, _BOTTOM),
        middle=stops.mean((-2, -1), keepdim=True),
        top=percentile(stops, _TOP),
    )


def best_tone(
    light: Float[Tensor, "1 1 rows columns"],
    level: Float[Tensor, "1 1 rows columns"],
    base: Float[Tensor, "1 1 rows columns"],
    scene: Scene,
) -> Tone:
    """The best that climbing finds, from a small copy of the light, its log2 and the base of that."""
    likeness = Likeness(light, bottom=scene.bottom.exp2(), top=scene.top.exp2())
    darkest = max(_BLACK, float(_codes(torch.exp2(scene.bottom - scene.top))))
    brightest = min(_WHITE, float(_codes(torch.exp2(scene.top - scene.middle + _GREY).clamp(max=1.0))))

    def worth(values: Values) -> float:
        shown = partial(display, scene=scene, tone=_tone(values, light))
        haze = max(0.0, float(_codes(shown(scene.bottom, scene.bottom))) - darkest) / 255.0
        dullness = max(0.0, brightest - float(_codes(shown(scene.top, scene.top)))) / 255.0
        distance = sum(
            ((value - span.start) / span.far) ** 2 for value, span in zip(values, _SPANS, strict=True)
        )
        cost = _HAZE * haze + _DULLNESS * dullness + _RELUCTANCE * distance
        return likeness(_codes(shown(level, base))) - cost

    return _tone(climb(worth), light)


def _codes(shown: Tensor) -> Tensor:
    return 255.0 * srgb.inverse_eotf(shown)


def _tone(values: Values, like: Tensor) -> Tone:
    return Tone(*like.new_tensor(values).view(-1, 1, 1, 1, 1))


def climb(worth: Callable[[Values], float]) -> Values:
    """From the start uphill along one number after the other, with steps that are halved after each round."""
    values: Values = tuple(span.start for span in _SPANS)
    best = worth(values)
    for halving in range(_ROUNDS):
        for index, span in enumerate(_SPANS):
            step = span.step / 2**halving
            higher, found = _ascend(worth, values, best, index, step)
            if higher == values:
                higher, found = _ascend(worth, values, best, index, -step)
            values, best = higher, found
    return values


def _ascend(
    worth: Callable[[Values], float], values: Values, best: float, index: int, step: float
) -> tuple[Values, float]:
    """As far as it goes up in one direction, within the span."""
    span = _SPANS[index]
    while True:
        moved = min(max(values[index] + step, span.low), span.high)
        tried = (*values[:index], moved, *values[index + 1 :])
        if tried == values or (found := worth(tried)) <= best:
            return values, best
        values, best = tried, found


def carried(
    base: Float[Tensor, "1 1 rows columns"],
    level: Float[Tensor, "1 1 rows columns"],
    image: Float[Tensor, "1 3 height width"],
    floor: Float[Tensor, "1 1 1 1"],
) -> Float[Tensor, "1 1 height width"]:
    """The base of a small copy at the size of the picture, with the edges of the picture.

    In each window of the small copy the base is fitted by a linear function of the level; slope and offset
    are enlarged and applied to the level of the picture.

    References:  [he2013], eqs. 5, 6 and 8.
    """
    radius = min(_CARRIED_RADIUS, min(level.shape[-2:]) - 1)
    mean, base_mean = box_mean(level, radius), box_mean(base, radius)
    variance = (box_mean(level * level, radius) - mean * mean).clamp(min=0.0)
    slope = (box_mean(level * base, radius) - mean * base_mean) / (variance + _CARRIED_VARIANCE)
    lines = torch.cat([box_mean(slope, radius), box_mean(base_mean - slope * mean, radius)], dim=1)
    return _applied(lines.to(image.dtype), image, floor.to(image.dtype))


def _applied(
    lines: Float[Tensor, "1 2 rows columns"], image: Float[Tensor, "1 3 height width"], floor: Tensor
) -> Float[Tensor, "1 1 height width"]:
    """Slope · level + offset, both interpolated bilinearly, strip by strip."""
    height, width = image.shape[-2:]
    count = lines.shape[-2]
    wide = functional.interpolate(lines, size=(count, width), mode="bilinear", align_corners=False)
    place = (torch.arange(height, dtype=torch.float64, device=image.device) + 0.5) * (count / height) - 0.5
    place = place.clamp(0.0, count - 1.0)
    above = place.long()
    below = (above + 1).clamp(max=count - 1)
    share = (place - above).to(image.dtype)[:, None]
    result = torch.empty_like(image[:, :1])
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        line = torch.lerp(wide[..., above[strip], :], wide[..., below[strip], :], share[strip])
        level = torch.maximum(luminance(image[..., strip, :]), floor).log2_()
        torch.addcmul(line[:, 1:], line[:, :1], level, out=result[..., strip, :])
    return result
