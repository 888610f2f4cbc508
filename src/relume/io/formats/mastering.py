"""The colour volume of a mastering display, as AVIF, HEIC and PNG carry it.

References:  [smpte_st2086]; PNG, third edition, 11.3.2.7.
"""

import struct

from relume.color.primaries import Primaries
from relume.io.formats.chromaticities import primaries_of

_CHROMATICITY, _LUMINANCE = 50_000, 10_000
"""Units: parts of 1 in x and y, and of 1 cd/m²."""


def mastering_fields(primaries: Primaries, *, peak: float, black: float, order: str) -> bytes:
    """The colour volume of a mastering display, 24 bytes; video counts G, B, R and PNG R, G, B."""
    points = {"R": primaries.red, "G": primaries.green, "B": primaries.blue}
    numbers = [*(number for name in order for number in points[name]), *primaries.white]
    return struct.pack(
        ">8HII",
        *(round(number * _CHROMATICITY) for number in numbers),
        round(peak * _LUMINANCE),
        round(black * _LUMINANCE),
    )


def mastering_text(fields: bytes, *, order: str) -> str:
    """What a mastering display's colour volume says, for people; empty where it is none."""
    if len(fields) != 24:
        return ""
    *numbers, peak, black = struct.unpack(">8HII", fields)
    points = {name: numbers[2 * i : 2 * i + 2] for i, name in enumerate(order)}
    units = [number / _CHROMATICITY for name in "RGB" for number in points[name]]
    primaries = primaries_of((*units, *(number / _CHROMATICITY for number in numbers[6:])))
    name = "unknown primaries" if primaries is None else primaries.name
    return f"{name}, {black / _LUMINANCE:g} to {peak / _LUMINANCE:g} cd/m²"
