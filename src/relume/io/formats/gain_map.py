"""Gain maps: the stops, for each pixel, between an SDR picture and the HDR picture that belongs to it.

What a file says of its map stands here in both forms that are in use, the binary one of ISO 21496-1 and the
older XMP properties `hdrgm`; and how a map is measured and applied.

    light = (base + base offset) · 2^stops - alternate offset
    stops = min + (max - min) · stored^(1 / gamma)

References:  [iso21496]; [ultrahdr], for XMP.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from xml.etree import ElementTree

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.errors import EncodingError
from relume.parallel import for_each

Triple = tuple[float, float, float]

OFFSET = 1 / 64
"""Added to both lights before their ratio is taken, as all writers do: black has a ratio then."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"

# What no picture needs: more than 7 000 000 times white, and offsets larger than white.
_MOST_STOPS = 23.0
_LARGEST_OFFSET = 1.0
_GAMMAS = (1 / 64, 64.0)

_MULTICHANNEL, _BASE_COLORS, _COMMON_DENOMINATOR, _BACKWARD = 0x80, 0x40, 0x08, 0x04
_FINEST_DENOMINATOR = 1 << 24
_BRIGHTEST = 2.0**16
_STRIP_PIXELS = 1 << 15
# Ends of the range lie on this grid, so that both forms of the metadata say them exactly.
_STEP = 2.0**-12


@dataclass(frozen=True, kw_only=True)
class GainMap:
    """How the stored values of a map turn the light of an SDR picture into that of the HDR picture.

    Raises:
        EncodingError: values that no picture needs, or that say nothing.
    """

    min_stops: Triple
    """Gain of stored 0, for red, green and blue."""
    max_stops: Triple
    """Gain of stored 1."""
    gamma: Triple = (1.0, 1.0, 1.0)
    base_offset: Triple = (OFFSET, OFFSET, OFFSET)
    alternate_offset: Triple = (OFFSET, OFFSET, OFFSET)
    base_headroom: float = 0.0
    """Stops above white of a screen up to which the SDR picture is shown as it is."""
    headroom: float
    """Stops above white of a screen from which on the map is applied in full."""
    in_base_colors: bool = True
    """Whether red, green and blue are the primaries of the SDR picture; else those of the map's profile."""

    def __post_init__(self) -> None:
        _check("gain", (*self.min_stops, *self.max_stops), -_MOST_STOPS, _MOST_STOPS)
        _check("offset", (*self.base_offset, *self.alternate_offset), -_LARGEST_OFFSET, _LARGEST_OFFSET)
        _check("gamma", self.gamma, *_GAMMAS)
        _check("headroom", (self.base_headroom, self.headroom), 0.0, _MOST_STOPS)
        if any(low > high for low, high in zip(self.min_stops, self.max_stops, strict=True)):
            raise EncodingError(f"gains from {self.min_stops} to {self.max_stops} stops are no range.")
        if self.base_headroom >= self.headroom:
            raise EncodingError(
                f"the SDR picture is for {self.base_headroom:g} stops of headroom and the HDR one for "
                f"{self.headroom:g}; expected more for the latter."
            )

    @property
    def is_neutral(self) -> bool:
        """Whether red, green and blue are treated alike, as a map of one channel needs."""
        fields = (self.min_stops, self.max_stops, self.gamma, self.base_offset, self.alternate_offset)
        return all(len(set(values)) == 1 for values in fields)


def _check(name: str, values: Iterable[float], lowest: float, highest: float) -> None:
    for value in values:
        if not lowest <= value <= highest:
            raise EncodingError(f"a {name} of {value:g} is not credible; expected {lowest:g} to {highest:g}.")


def apply(
    base: Float[Tensor, "3 height width"],
    stored: Float[Tensor, "channels rows columns"],
    gain_map: GainMap,
) -> Float[Tensor, "3 height width"]:
    """The light of the HDR picture, as a screen with all the headroom shows it.

    Convention:  linear → linear, 1.0 is the white of the SDR picture, in the primaries that the map is for;
        never negative. The map is stretched over the picture, bilinearly.

    Args:
        base: the light of the SDR picture.
        stored: the map in one channel or three, 0..1.
        gain_map: what it means.

    References:  [iso21496], the application of a gain map.
    """
    fields = (gain_map.min_stops, gain_map.max_stops, gain_map.gamma)
    low, high, gamma = (_planes(values, stored) for values in fields)
    size = (base.shape[-2], base.shape[-1])
    if stored.shape[-2:] != size:
        stored = functional.interpolate(stored[None], size=size, mode="bilinear", align_corners=False)[0]
    if gain_map.gamma != (1.0, 1.0, 1.0):
        stored = stored.pow(1.0 / gamma)
    gain = torch.exp2(torch.lerp(low, high, stored))
    light = (base + _planes(gain_map.base_offset, base)).mul_(gain)
    return light.sub_(_planes(gain_map.alternate_offset, base)).clamp_(min=0.0)


def _planes(values: Triple, like: Tensor) -> Float[Tensor, "3 1 1"]:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]


def measure(
    base: Float[Tensor, "3 height width"],
    light: Float[Tensor, "3 height width"],
    *,
    weights: Triple,
    channels: int = 3,
    scale: int = 1,
) -> tuple[GainMap, NDArray[np.uint8]]:
    """The map that leads from one light to the other, and what it means.

    Convention:  both linear in the same primaries, 1.0 the white of the SDR picture. NaN and negative light
        count as black, light above 65 536 as that.

    Args:
        base: the light of the SDR picture, as its file gives it back.
        light: that of the HDR picture.
        weights: of luminance, in these primaries.
        channels: 3, or 1 for a map of luminance alone: a third of the data, and hues stay those of the base.
        scale: pixels each way that share a value of the map.

    Returns:
        the meaning, and the codes (rows, columns, channels) as they are stored.
    """
    stops, peaks = base.new_empty(channels, *base.shape[1:]), []

    def work(rows: slice) -> None:
        shown, bright = base[:, rows], light[:, rows].nan_to_num(0.0, _BRIGHTEST, 0.0).clamp(0.0, _BRIGHTEST)
        peaks.append(float(bright.max()))
        if channels == 1:
            shown, bright = luminance(shown, weights=weights), luminance(bright, weights=weights)
        stops[:, rows] = torch.log2((bright + OFFSET) / (shown + OFFSET))

    rows = max(1, _STRIP_PIXELS // base.shape[-1])
    for_each(work, [slice(top, top + rows) for top in range(0, base.shape[-2], rows)])
    if scale > 1:
        size = [-(-side // scale) for side in stops.shape[-2:]]
        stops = functional.interpolate(stops[None], size=size, mode="area")[0]
    low = (stops.amin((1, 2), keepdim=True) / _STEP + 1e-2).floor() * _STEP
    high = torch.maximum((stops.amax((1, 2), keepdim=True) / _STEP - 1e-2).ceil() * _STEP, low + _STEP)
    codes = stops.sub_(low).mul_(255.0 / (high - low)).round_().clamp_(0.0, 255.0).to(torch.uint8)
    meaning = GainMap(
        min_stops=_triple(low.flatten().tolist()),
        max_stops=_triple(high.flatten().tolist()),
        headroom=max(math.log2(max(*peaks, 1.0)), 1e-3),
    )
    return meaning, codes.permute(1, 2, 0).contiguous().numpy()


def parse_iso(data: bytes) -> GainMap:
    """The meaning out of the binary form.

    Raises:
        EncodingError: cut short, of a later version, or not credible.

    References:  [iso21496], the metadata's binary syntax.
    """
    try:
        version, _, flags = struct.unpack_from(">HHB", data)
        if version != 0:
            raise EncodingError(f"the metadata is for version {version} of ISO 21496-1; expected 0.")
        channels = 3 if flags & _MULTICHANNEL else 1
        if flags & _COMMON_DENOMINATOR:
            (denominator,) = struct.unpack_from(">I", data, 5)
            numerators = struct.unpack_from(">2I" + "2iI2i" * channels, data, 9)
            ratios = [(numerator, denominator) for numerator in numerators]
        else:
            numbers = struct.unpack_from(">4I" + "iIiIIIiIiI" * channels, data, 5)
            ratios = list(zip(numbers[::2], numbers[1::2], strict=True))
    except struct.error:
        raise EncodingError("the metadata of ISO 21496-1 is cut short.") from None
    if flags & _BACKWARD:
        raise EncodingError("the map leads from HDR to SDR; expected the other way.")
    if any(denominator == 0 for _, denominator in ratios):
        raise EncodingError("the metadata of ISO 21496-1 divides by zero.")
    base_headroom, headroom, *values = (numerator / denominator for numerator, denominator in ratios)
    low, high, gamma, base_offset, alternate_offset = (_triple(values[index::5]) for index in range(5))
    return GainMap(
        min_stops=low,
        max_stops=high,
        gamma=gamma,
        base_offset=base_offset,
        alternate_offset=alternate_offset,
        base_headroom=base_headroom,
        headroom=headroom,
        in_base_colors=bool(flags & _BASE_COLORS),
    )


def build_iso(gain_map: GainMap) -> bytes:
    """The binary form of the meaning."""
    channels = 1 if gain_map.is_neutral else 3
    flags = (_MULTICHANNEL if channels == 3 else 0) | (_BASE_COLORS if gain_map.in_base_colors else 0)
    fields = (
        gain_map.min_stops,
        gain_map.max_stops,
        gain_map.gamma,
        gain_map.base_offset,
        gain_map.alternate_offset,
    )
    values = chain.from_iterable(zip(*(field[:channels] for field in fields), strict=True))
    ratios = (_ratio(value) for value in (gain_map.base_headroom, gain_map.headroom, *values))
    layout = ">HHB4I" + "iIiIIIiIiI" * channels
    return struct.pack(layout, 0, 0, flags, *chain.from_iterable(ratios))


def _ratio(value: float) -> tuple[int, int]:
    return Fraction(value).limit_denominator(_FINEST_DENOMINATOR).as_integer_ratio()


def parse_xmp(packet: bytes) -> GainMap | None:
    """The meaning out of an XMP packet; None where it has no properties of a map.

    Raises:
        EncodingError: no XML, a value that is no number, or not credible.

    References:  [ultrahdr], "XMP metadata of the gain map image".
    """
    properties = {
        name: values for element in xmp_elements(packet) for name, values in _properties(element).items()
    }
    if "GainMapMax" not in properties:
        return None
    if properties.get("BaseRenditionIsHDR", ["False"])[0].lower() == "true":
        raise EncodingError("the map leads from HDR to SDR; expected the other way.")
    return GainMap(
        min_stops=_numbers(properties, "GainMapMin", 0.0),
        max_stops=_numbers(properties, "GainMapMax", 1.0),
        gamma=_numbers(properties, "Gamma", 1.0),
        base_offset=_numbers(properties, "OffsetSDR", OFFSET),
        alternate_offset=_numbers(properties, "OffsetHDR", OFFSET),
        base_headroom=_numbers(properties, "HDRCapacityMin", 0.0)[0],
        headroom=_numbers(properties, "HDRCapacityMax", 1.0)[0],
    )


def xmp_elements(packet: bytes) -> Iterable[ElementTree.Element]:
    """The elements of an XMP packet, which declares no entities.

    Raises:
        EncodingError: no XML that XMP may be.
    """
    if b"<!DOCTYPE" in packet:
        raise EncodingError("the XMP packet has a document type, which XMP does not allow.")
    try:
        return ElementTree.fromstring(packet.strip(b"\0 \r\n\t").decode()).iter()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise EncodingError(f"the XMP packet is damaged ({error}).") from None


def _properties(element: ElementTree.Element) -> dict[str, list[str]]:
    """Those of a map that stand in an element: as attributes, as text, or one for each channel."""
    prefix = f"{{{_HDRGM}}}"
    found = {name.removeprefix(prefix): [value] for name, value in element.items() if name.startswith(prefix)}
    for child in element:
        if child.tag.startswith(prefix):
            items = [item.text or "" for item in child.findall(f"{{{_RDF}}}Seq/{{{_RDF}}}li")]
            found[child.tag.removeprefix(prefix)] = items or [child.text or ""]
    return found


def _numbers(properties: dict[str, list[str]], name: str, default: float) -> Triple:
    try:
        return _triple([float(text) for text in properties.get(name, [str(default)])])
    except ValueError:
        raise EncodingError(f"hdrgm:{name} is {properties[name]}; expected a number or three.") from None


def _triple(values: Sequence[float]) -> Triple:
    """A value for each of red, green and blue.

    Raises:
        EncodingError: neither one nor three, or not finite.
    """
    if len(values) not in (1, 3) or not all(map(math.isfinite, values)):
        raise EncodingError(f"{list(values)[:4]} does not tell of one channel or three.")
    first, second, third = values if len(values) == 3 else (*values, *values, *values)
    return float(first), float(second), float(third)


def build_xmp(gain_map: GainMap) -> bytes:
    """The XMP packet of a map."""
    lists = {
        "GainMapMin": gain_map.min_stops,
        "GainMapMax": gain_map.max_stops,
        "Gamma": gain_map.gamma,
        "OffsetSDR": gain_map.base_offset,
        "OffsetHDR": gain_map.alternate_offset,
    }
    attributes = {
        "Version": "1.0",
        "HDRCapacityMin": f"{gain_map.base_headroom:.7g}",
        "HDRCapacityMax": f"{gain_map.headroom:.7g}",
        "BaseRenditionIsHDR": "False",
        **{name: f"{values[0]:.7g}" for name, values in lists.items() if len(set(values)) == 1},
    }
    children = "".join(
        f"<hdrgm:{name}><rdf:Seq>"
        + "".join(f"<rdf:li>{value:.7g}</rdf:li>" for value in values)
        + f"</rdf:Seq></hdrgm:{name}>"
        for name, values in lists.items()
        if len(set(values)) > 1
    )
    named = "".join(f' hdrgm:{name}="{value}"' for name, value in attributes.items())
    return xmp_packet(
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{_HDRGM}"{named}>{children}</rdf:Description>'
    )


def xmp_packet(description: str) -> bytes:
    """An XMP packet around an `rdf:Description`."""
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">{description}</rdf:RDF></x:xmpmeta>'
    ).encode()
