"""What a file for an HDR screen holds of a picture: PQ or HLG, fit for a display of a given peak.

References:  [bt2100], tables 4 and 5; [cta_861_3] for MaxCLL and MaxFALL.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.display import hlg_display_light, hlg_system_light, into_gamut, roll_off
from relume.color.encoding import REFERENCE_WHITE, Encoding, Reference
from relume.color.luminance import luminance, luminance_weights
from relume.color.primaries import Primaries
from relume.color.transfer import TRANSFERS, hlg, pq
from relume.errors import ImageError
from relume.image import Image, convert
from relume.parallel import for_each

BLACK = 0.0001
"""cd/m²; the darkest that a file can say its mastering display shows."""

_STRIP_PIXELS = 1 << 15

_Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class LightLevel:
    """How bright a picture is, as files for screens state it."""

    max_cll: float
    """Maximum content light level: the largest of the channels R, G, B of any pixel, in cd/m²."""
    max_fall: float
    """Maximum frame-average light level: the mean over the pixels of the largest of R, G, B, in cd/m²."""


def light_level(image: Image) -> LightLevel:
    """MaxCLL and MaxFALL of one picture; NaN counts as black.

    Convention:  of light in the image's own primaries; 1.0 of an image without white is taken for 1 cd/m².

    References:  [cta_861_3], annex P.
    """
    linear = replace(image.encoding.linear, white=image.encoding.white or 1.0)
    source = replace(image.encoding, white=linear.white)
    most, total = 0.0, 0.0
    for rows in _strips(image):
        largest = convert(image.pixels[:, rows], source, linear).amax(0).nan_to_num(nan=0.0).clamp(min=0.0)
        most = max(most, float(largest.max()))
        total += float(largest.sum(dtype=torch.float64))
    white = linear.white or 1.0
    return LightLevel(max_cll=most * white, max_fall=total * white / (image.width * image.height))


def peak_luminance(image: Image) -> float:
    """The largest luminance of any pixel, NaN and infinities left out; at least 0.

    Convention:  cd/m² where 1.0 of the image says how many, else in units of 1.0.
    """
    linear, weights = image.encoding.linear, luminance_weights(image.encoding.primaries)
    strips = _strips(image)
    tops = [0.0] * len(strips)

    def work(index: int) -> None:
        light = luminance(convert(image.pixels[:, strips[index]], image.encoding, linear), weights=weights)
        top = float(light.max())
        tops[index] = top if math.isfinite(top) else float(light.nan_to_num(0.0, 0.0, 0.0).max())

    for_each(work, range(len(strips)))
    return max(0.0, max(tops)) * (image.encoding.white or 1.0)


def render(image: Image, *, transfer: str, primaries: Primaries, peak: float) -> Image:
    """The picture as a display of these primaries and this peak shows it, encoded with PQ or HLG.

    Linear light is asked for as itself: it has no peak and no gamut, and only becomes absolute.

    Convention:  light is absolute: reference white of an SDR picture lies at 203 cd/m², HLG is for a display
        of 1000 cd/m². Colours outside the gamut move towards grey, highlights above the peak roll off.

    Raises:
        EncodingError: the picture is HDR and does not say how bright its 1.0 is.
        ImageError: NaN or infinite light.
    """
    if not image.is_hdr and image.encoding.white is None:
        image = image.assume(replace(image.encoding, white=REFERENCE_WHITE))
    light = image.to(Encoding(primaries, "linear", Reference.DISPLAY_ABSOLUTE, 1.0))
    if not bool(torch.isfinite(light.pixels.sum())) and not bool(torch.isfinite(light.pixels).all()):
        raise ImageError("the picture has NaN or infinite pixels; --force sets them to black and to the top.")
    if transfer == "linear":
        return light
    weights = luminance_weights(primaries)
    to_system, to_light = _system(transfer, weights)
    top, system = _mapped(light, lambda strip: to_system(into_gamut(strip, weights=weights)))
    most = float(to_system(torch.full((3, 1, 1), peak)).max())
    if top > most:
        _, system = _mapped(system, lambda strip: roll_off(strip, top=top, peak=most))
    white = TRANSFERS[transfer].white or hlg.NOMINAL_PEAK
    target = Encoding(primaries, transfer, Reference.DISPLAY_ABSOLUTE, white)
    _, encoded = _mapped(system, lambda strip: convert(to_light(strip), light.encoding, target))
    return replace(encoded, encoding=target)


def fit(light: Image, *, peak: float) -> Image:
    """Linear light as a display of its primaries and of that peak in cd/m² shows it.

    Convention:  linear light with a white; colours outside the gamut move towards grey, highlights above the
        peak roll off; NaN counts as black, light above 10 000 cd/m² as that.
    """
    weights, white = luminance_weights(light.encoding.primaries), light.encoding.white or 1.0

    def inside(strip: Tensor) -> Tensor:
        nits = into_gamut(strip.nan_to_num(0.0, pq.PEAK / white, 0.0) * white, weights=weights)
        return nits.clamp(max=pq.PEAK)

    top, nits = _mapped(light, inside)
    _, shown = _mapped(nits, lambda strip: roll_off(strip, top=top, peak=peak) / white)
    return shown


def _system(transfer: str, weights: tuple[float, float, float]) -> tuple[_Map, _Map]:
    """To the light of which the transfer function holds a cube, and back; for PQ that of the display."""
    if transfer != "hlg":
        return lambda light: light, lambda light: light
    return (
        lambda light: hlg_system_light(light, weights=weights),
        lambda system: hlg_display_light(system, weights=weights),
    )


def _strips(image: Image) -> list[slice]:
    rows = max(1, _STRIP_PIXELS // image.width)
    return [slice(top, top + rows) for top in range(0, image.height, rows)]


def _mapped(image: Image, change: _Map) -> tuple[float, Image]:
    """Each strip changed, in as many threads as there are; the largest value of the result with it."""
    out: Float[Tensor, "3 height width"] = torch.empty_like(image.pixels)
    strips = _strips(image)
    tops = [0.0] * len(strips)

    def work(index: int) -> None:
        out[:, strips[index]] = changed = change(image.pixels[:, strips[index]])
        tops[index] = float(changed.max())

    for_each(work, range(len(strips)))
    return max(tops), replace(image, pixels=out)
