"""ICC profiles: what the samples of a file mean. Parse one, build one, and decode samples by one.

Profiles made of primaries and tone curves are understood here, exactly and without a gamut that clips; those
made of tables, and CMYK, go through LittleCMS.

References:  ICC.1:2022 (profile version 4.4), sections 7 to 10.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from relume.color.encoding import SRGB, Encoding, Reference
from relume.color.primaries import (
    BT709,
    BT2020,
    DISPLAY_P3,
    PRIMARIES,
    Chromaticity,
    Primaries,
    adaptation_matrix,
    rgb_to_xyz_matrix,
)
from relume.color.transfer import bt709, bt1886
from relume.errors import EncodingError
from relume.image import Image
from relume.io import cicp

ToneCurve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Stored values 0..1 to light, or to the values that an encoding describes."""

Tags = dict[bytes, bytes]

_BRIGHTEST = 65504.0


@dataclass(frozen=True, kw_only=True)
class ParametricCurve:
    """(scale·x + offset)^exponent + lift from the knee on, slope·x + toe below it, kept finite and positive.

    References:  ICC.1:2022, 10.18, of whose five types this is the last and widest.
    """

    exponent: float
    scale: float = 1.0
    offset: float = 0.0
    slope: float = 0.0
    knee: float = 0.0
    lift: float = 0.0
    toe: float = 0.0

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The curve at those values."""
        base = np.maximum(self.scale * values + self.offset, 0.0)
        with np.errstate(all="ignore"):
            power = base**self.exponent + self.lift
        return np.clip(np.where(values >= self.knee, power, self.slope * values + self.toe), 0.0, _BRIGHTEST)


@dataclass(frozen=True, eq=False)
class SampledCurve:
    """Straight lines between samples that divide 0..1 evenly."""

    samples: NDArray[np.float64]

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The curve at those values; outside 0..1 its ends."""
        return np.interp(values, np.linspace(0.0, 1.0, len(self.samples)), self.samples)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the samples of a file mean, and the way from them to pixels of `encoding`."""

    description: str = ""
    """The name that a profile gives itself; empty where there is none."""
    space: str = "RGB"
    """"RGB", "GRAY" or "CMYK": what the samples are."""
    encoding: Encoding = SRGB
    """Of the pixels, once decoded."""
    curves: tuple[ToneCurve, ToneCurve, ToneCurve] | None = None
    """What red, green and blue go through first; None where their values are those of `encoding` already."""
    tables: bytes | None = None
    """The whole profile where only LittleCMS can apply it."""


# The display curves that an encoding can name, as a profile writes them.
_CURVES = {
    "srgb": ParametricCurve(
        exponent=2.4, scale=1 / 1.055, offset=0.055 / 1.055, slope=1 / 12.92, knee=0.04045
    ),
    "linear": ParametricCurve(exponent=1.0),
    "gamma2.2": ParametricCurve(exponent=2.2),
    "gamma2.8": ParametricCurve(exponent=2.8),
    "bt1886": ParametricCurve(exponent=bt1886.EXPONENT),
    "bt709": ParametricCurve(
        exponent=1 / 0.45,
        scale=1 / bt709.ALPHA,
        offset=(bt709.ALPHA - 1.0) / bt709.ALPHA,
        slope=1 / 4.5,
        knee=4.5 * bt709.BETA,
    ),
}
# Largest difference in light at which a curve is taken for the named one. Profiles write sRGB in many ways,
# down to 26 samples; 563/256, the gamma of Adobe RGB and all that 8 bits hold of 2.2, is 1.3e-4 off 2.2.
_CURVE_TOLERANCE = {"srgb": 1e-3}
_CURVE_TOLERANCE_OTHERS = 5e-5
_GRID = np.linspace(0.0, 1.0, 1025)

# XYZ of the profile connection space's white, and how far colorants of named primaries may be rounded.
_PCS_WHITE_XYZ = np.array([0.9642, 1.0, 0.8249])
_COLORANT_TOLERANCE = 2e-3

_SPACES = {b"RGB ": "RGB", b"GRAY": "GRAY", b"CMYK": "CMYK"}
_WIDE_LINEAR = Encoding(BT2020, "linear", Reference.DISPLAY_RELATIVE)
_NAMES = {(BT709, "srgb"): "sRGB", (DISPLAY_P3, "srgb"): "Display P3"}


def interpret(data: bytes | None, *, space: str = "RGB") -> tuple[Profile, dict[str, str]]:
    """What samples of that space mean with the profile that their file carries; never raises.

    Args:
        data: the embedded profile; None or empty where there is none.
        space: what the file stores: "RGB", "GRAY" or "CMYK".

    Returns:
        the profile, sRGB where there is none or it is broken, and what to tell of it (`FileInfo.tags`).
    """
    untagged = Profile(space=space)
    if not data:
        return untagged, {}
    try:
        profile = parse(data)
    except EncodingError:
        return untagged, {"icc": "unreadable"}
    if profile.space != space and (profile.space, space) != ("RGB", "GRAY"):
        return untagged, {"icc": f"{profile.description} (for {profile.space}, ignored)"}
    return profile, {"icc": profile.description}


def parse(data: bytes) -> Profile:
    """Understand a profile.

    Raises:
        EncodingError: no profile, a broken one, or one of a kind that pictures do not carry.
    """
    tags = _tag_table(data)
    space = _SPACES.get(data[16:20])
    if space is None:
        raise EncodingError(f"the ICC profile is for {data[16:20]!r}; expected RGB, GRAY or CMYK.")
    description = _description(tags.get(b"desc", b"")) or "unnamed"
    if space == "RGB" and (encoding := _cicp_encoding(tags)) is not None:
        return Profile(description=description, encoding=encoding)
    if space == "CMYK" or b"A2B0" in tags:
        _check_tables(data, space)
        return Profile(description=description, space=space, encoding=_WIDE_LINEAR, tables=data)
    if space == "GRAY":
        grey = _curve(tags, b"kTRC")
        return from_curves(description, BT709, (grey, grey, grey), space=space)
    red, green, blue = (_curve(tags, name) for name in (b"rTRC", b"gTRC", b"bTRC"))
    return from_curves(description, _primaries(tags), (red, green, blue))


def from_curves(
    description: str,
    primaries: Primaries,
    curves: tuple[ToneCurve, ToneCurve, ToneCurve],
    *,
    space: str = "RGB",
) -> Profile:
    """The profile of samples that curves turn into light; a curve that has a name is left in place."""
    transfer = _transfer_of(curves)
    return Profile(
        description=description,
        space=space,
        encoding=Encoding(primaries, transfer or "linear", Reference.DISPLAY_RELATIVE),
        curves=curves if transfer is None else None,
    )


def _transfer_of(curves: tuple[ToneCurve, ...]) -> str | None:
    """The transfer function that all of the curves are but for rounding, or None."""
    for name, named in _CURVES.items():
        tolerance = _CURVE_TOLERANCE.get(name, _CURVE_TOLERANCE_OTHERS)
        if all(np.abs(curve(_GRID) - named(_GRID)).max() < tolerance for curve in curves):
            return name
    return None


def _fields(layout: str, data: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(">" + layout, data, offset)
    except struct.error:
        raise EncodingError("the ICC profile is cut short.") from None


def _fixed(data: bytes, offset: int, count: int) -> NDArray[np.float64]:
    """Numbers of 16 bits before and 16 after the point."""
    return np.array(_fields(f"{count}i", data, offset)) / 65536.0


def _tag_table(data: bytes) -> Tags:
    if data[36:40] != b"acsp":
        raise EncodingError("this is no ICC profile: its signature is missing.")
    (count,) = _fields("I", data, 128)
    tags = {}
    for index in range(min(count, 256)):
        row = 132 + 12 * index
        offset, size = _fields("II", data, row + 4)
        tags[data[row : row + 4]] = data[offset : offset + size]
    return tags


def _tag(tags: Tags, name: bytes, kinds: tuple[bytes, ...]) -> bytes:
    """The bytes of a tag that must be there and of one of those types."""
    data = tags.get(name)
    if data is None or data[:4] not in kinds:
        raise EncodingError(f"the ICC profile has no usable {name.decode()} tag.")
    return data


def _description(data: bytes) -> str:
    """The text of a `desc` tag, or nothing where it cannot be read."""
    try:
        if data[:4] == b"mluc":
            length, offset = struct.unpack_from(">II", data, 20)
            text = data[offset : offset + length].decode("utf-16-be", errors="ignore")
        else:
            (length,) = struct.unpack_from(">I", data, 8)
            text = data[12 : 12 + length].decode("latin-1")
    except struct.error:
        return ""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _cicp_encoding(tags: Tags) -> Encoding | None:
    """What a `cicp` tag says, where it is a curve for HDR; curves for SDR the profile itself tells better."""
    data = tags.get(b"cicp", b"")
    if data[:4] != b"cicp" or len(data) < 12:
        return None
    encoding = cicp.from_points(data[8], data[9])
    return encoding if encoding is not None and encoding.is_hdr else None


def _curve(tags: Tags, name: bytes) -> ToneCurve:
    data = _tag(tags, name, (b"curv", b"para"))
    curve = _parametric_curve(data) if data[:4] == b"para" else _sampled_curve(data)
    if curve(_GRID).max() >= _BRIGHTEST:
        raise EncodingError(f"the {name.decode()} curve of the ICC profile has no upper end.")
    return curve


def _parametric_curve(data: bytes) -> ParametricCurve:
    (kind,) = _fields("H", data, 8)
    if kind > 4:
        raise EncodingError(f"the ICC profile has a curve of type {kind}; expected 0 to 4.")
    exponent, *rest = _fixed(data, 12, (1, 3, 4, 5, 7)[kind])
    if kind == 0:
        return ParametricCurve(exponent=exponent)
    scale, offset = rest[:2]
    if kind >= 3:
        lift, toe = rest[4:] or (0.0, 0.0)
        return ParametricCurve(
            exponent=exponent, scale=scale, offset=offset, slope=rest[2], knee=rest[3], lift=lift, toe=toe
        )
    if scale == 0:
        raise EncodingError("a curve of the ICC profile divides by zero.")
    lift = rest[2] if kind == 2 else 0.0
    return ParametricCurve(
        exponent=exponent, scale=scale, offset=offset, knee=-offset / scale, lift=lift, toe=lift
    )


def _sampled_curve(data: bytes) -> ToneCurve:
    (count,) = _fields("I", data, 8)
    if count == 0:
        return ParametricCurve(exponent=1.0)
    if count == 1:
        return ParametricCurve(exponent=_fields("H", data, 12)[0] / 256.0)
    if count > len(data) // 2:
        raise EncodingError("a curve of the ICC profile is cut short.")
    return SampledCurve(np.array(_fields(f"{count}H", data, 12)) / 65535.0)


def _primaries(tags: Tags) -> Primaries:
    """The primaries with their own white, which profiles keep adapted to D50."""
    colorants = [_fixed(_tag(tags, name, (b"XYZ ",)), 8, 3) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    adapted = np.stack(colorants, axis=1)
    for named in PRIMARIES.values():
        if np.abs(_adapted_colorants(named) - adapted).max() < _COLORANT_TOLERANCE:
            return named
    try:
        colors = np.linalg.solve(_adaptation(tags), adapted)
    except np.linalg.LinAlgError:
        raise EncodingError("the chromatic adaptation of the ICC profile cannot be undone.") from None
    red, green, blue = (_chromaticity(column) for column in colors.T)
    return Primaries(red, green, blue, _chromaticity(colors.sum(axis=1)))


def _adaptation(tags: Tags) -> NDArray[np.float64]:
    """The matrix that brought XYZ to D50: given, or Bradford from the white that old profiles state."""
    if tags.get(b"chad", b"")[:4] == b"sf32":
        return _fixed(tags[b"chad"], 8, 9).reshape(3, 3)
    if tags.get(b"wtpt", b"")[:4] == b"XYZ ":
        white = _fixed(tags[b"wtpt"], 8, 3)
        if white.min() > 0:
            return adaptation_matrix(_chromaticity(white), _chromaticity(_PCS_WHITE_XYZ))
    return np.eye(3)


def _adapted_colorants(primaries: Primaries) -> NDArray[np.float64]:
    white = _chromaticity(_PCS_WHITE_XYZ)
    return np.asarray(adaptation_matrix(primaries.white, white) @ rgb_to_xyz_matrix(primaries))


def _chromaticity(xyz: NDArray[np.float64]) -> Chromaticity:
    total = float(xyz.sum())
    if abs(total) < 1e-6:
        raise EncodingError("a colour of the ICC profile is black.")
    return float(xyz[0]) / total, float(xyz[1]) / total


def build(encoding: Encoding) -> bytes:
    """A profile of version 4 with the primaries and the curve of an encoding, for display.

    What a profile cannot say, the reference and the luminance of white, is left out.

    Raises:
        EncodingError: a curve for HDR, which has no form in a profile.
    """
    if encoding.transfer not in _CURVES:
        known = ", ".join(_CURVES)
        raise EncodingError(
            f"an ICC profile cannot hold the curve {encoding.transfer}; expected one of {known}."
        )
    white = _chromaticity(_PCS_WHITE_XYZ)
    red, green, blue = _adapted_colorants(encoding.primaries).T
    curve = _curve_tag(_CURVES[encoding.transfer])
    name = _NAMES.get(
        (encoding.primaries, encoding.transfer), f"{encoding.primaries.name} {encoding.transfer}"
    )
    return _assemble(
        {
            b"desc": _text_tag(name),
            b"cprt": _text_tag("No copyright, use freely"),
            b"wtpt": _fixed_tag(b"XYZ ", _PCS_WHITE_XYZ),
            b"chad": _fixed_tag(b"sf32", adaptation_matrix(encoding.primaries.white, white)),
            b"rXYZ": _fixed_tag(b"XYZ ", red),
            b"gXYZ": _fixed_tag(b"XYZ ", green),
            b"bXYZ": _fixed_tag(b"XYZ ", blue),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        }
    )


def _fixed_numbers(numbers: NDArray[np.float64]) -> bytes:
    return np.round(numbers * 65536.0).astype(">i4").tobytes()


def _fixed_tag(kind: bytes, numbers: NDArray[np.float64]) -> bytes:
    return kind + bytes(4) + _fixed_numbers(numbers)


def _text_tag(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(encoded), 28) + encoded


def _curve_tag(curve: ParametricCurve) -> bytes:
    kind, numbers = 0, [curve.exponent]
    if curve.slope:
        kind, numbers = 3, [curve.exponent, curve.scale, curve.offset, curve.slope, curve.knee]
    return b"para" + struct.pack(">IHH", 0, kind, 0) + _fixed_numbers(np.array(numbers))


def _assemble(tags: Tags) -> bytes:
    """Header, table and data, with equal tags stored once."""
    table, data = b"", b""
    places: dict[bytes, int] = {}
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        if value not in places:
            places[value] = start + len(data)
            data += value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, places[value], len(value))
    size = start + len(data)
    kind = struct.pack(">I4xI4s4s4s", size, 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    made = struct.pack(">6H4s28x", 2026, 1, 1, 0, 0, 0, b"acsp")
    return (
        kind + made + _fixed_numbers(_PCS_WHITE_XYZ) + bytes(48) + struct.pack(">I", len(tags)) + table + data
    )


def decode(
    samples: np.ndarray, profile: Profile, *, top: float
) -> tuple[Float[Tensor, "3 height width"], Float[Tensor, "1 height width"] | None]:
    """Pixels of the profile's encoding, and alpha, from the samples of a file.

    Args:
        samples: (height, width, channels), grey, RGB or CMYK, with a channel of straight alpha behind or not.
        profile: what they mean.
        top: the code of 1.0.
    """
    channels = samples.shape[2]
    colors = 4 if profile.space == "CMYK" else 1 if channels < 3 else 3
    alpha = _planes(samples[..., colors:], (None,), top) if channels > colors else None
    if profile.tables is not None:
        pixels = _littlecms(samples[..., :colors], profile.tables, profile.space)
    elif colors == 4:
        ink = _planes(samples, (None,) * 4, top)
        pixels = (1.0 - ink[:3]) * (1.0 - ink[3])
    else:
        pixels = _planes(samples[..., :colors], profile.curves or (None,) * 3, top)
    return torch.from_numpy(pixels), None if alpha is None else torch.from_numpy(alpha)


def _planes(samples: np.ndarray, curves: tuple[ToneCurve | None, ...], top: float) -> NDArray[np.float32]:
    """As many planes as curves, each from its channel through its curve; a single channel serves all."""
    height, width, channels = samples.shape
    planes = np.empty((len(curves), height, width), np.float32)
    for index, curve in enumerate(curves):
        channel = samples[..., index if channels > 1 else 0]
        if curve is None:
            np.divide(channel, np.float32(top), out=planes[index], casting="unsafe")
        elif channel.dtype in (np.uint8, np.uint16):
            table = curve(np.arange(top + 1) / top).astype(np.float32)
            np.take(table, channel, out=planes[index], mode="clip")
        else:
            planes[index] = curve(channel.astype(np.float64) / top)
    return planes


def _littlecms(samples: np.ndarray, profile: bytes, space: str) -> NDArray[np.float32]:
    """Linear BT.2020 by the tables of a profile: relative colorimetric, black to black."""
    import imagecodecs

    light = imagecodecs.cms_transform(
        np.ascontiguousarray(samples[..., 0] if space == "GRAY" else samples),
        profile,
        build(_WIDE_LINEAR),
        colorspace=space.lower(),
        outcolorspace="rgb",
        outdtype=np.float32,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
    )
    planes: NDArray[np.float32] = np.maximum(light.transpose(2, 0, 1), np.float32(0.0), order="C")
    return planes


def _check_tables(data: bytes, space: str) -> None:
    """Let LittleCMS convert one pixel."""
    channels = {"RGB": 3, "GRAY": 1, "CMYK": 4}[space]
    try:
        light = _littlecms(np.zeros((1, 1, channels), np.uint8), data, space)
    except (RuntimeError, ValueError) as error:
        raise EncodingError(f"LittleCMS cannot use the ICC profile: {error}.") from error
    if light.shape != (3, 1, 1) or not np.isfinite(light).all():
        raise EncodingError("LittleCMS makes no colours of the ICC profile.")


def quantize(image: Image, depth: int) -> np.ndarray:
    """Samples (height, width, 3 or 4) of 8 or 16 bits, rounded, of encoded values and straight alpha 0..1."""
    top = np.float32(2**depth - 1)
    planes = [*image.pixels] if image.alpha is None else [*image.pixels, *image.alpha]
    samples = np.empty((image.height, image.width, len(planes)), np.uint8 if depth == 8 else np.uint16)
    # In strips of rows that stay in the cache.
    rows = max(1, (1 << 16) // image.width)
    for channel, plane in enumerate(planes):
        values = plane.detach().float().cpu().numpy()
        for start in range(0, image.height, rows):
            codes = values[start : start + rows] * top
            codes += np.float32(0.5)
            samples[start : start + rows, :, channel] = np.clip(codes, 0.0, top, out=codes)
    return samples
