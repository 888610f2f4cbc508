"""Chromaticities as HDR files carry them: eight numbers, x and y of red, green, blue and white."""

import math
from collections.abc import Sequence

from relume.color.primaries import PRIMARIES, Primaries
from relume.errors import EncodingError

# Files hold float32 or four printed digits: what lies nearer than this to a standard is the standard.
_TOLERANCE = 6e-5


def primaries_of(numbers: Sequence[float]) -> Primaries | None:
    """The primaries that eight numbers describe, a standard's own where they meet it; None if no colours."""
    if len(numbers) != 8 or not all(map(math.isfinite, numbers)):
        return None
    for known in PRIMARIES.values():
        if max(abs(a - b) for a, b in zip(numbers, numbers_of(known), strict=True)) < _TOLERANCE:
            return known
    red, green, blue, white = ((round(numbers[i], 6), round(numbers[i + 1], 6)) for i in (0, 2, 4, 6))
    try:
        return Primaries(red, green, blue, white)
    except EncodingError:
        return None


def numbers_of(primaries: Primaries) -> tuple[float, ...]:
    """The eight numbers of these primaries, in the order of files."""
    return (*primaries.red, *primaries.green, *primaries.blue, *primaries.white)
