"""The code points of ITU-T H.273 (CICP), by which PNG, AVIF, HEIC, JPEG XL and profiles name an encoding."""

from relume.color.encoding import Encoding, Reference
from relume.color.primaries import BT709, BT2020, D65, DISPLAY_P3, Primaries
from relume.color.transfer import TRANSFERS, hlg, pq

UNSPECIFIED = 2

# What a file in Y'CbCr says of its matrix: BT.709 for ordinary screens, BT.2020 for those of HDR.
MATRIX_RGB, MATRIX_BT709, MATRIX_BT2020 = 0, 1, 9

_PRIMARIES = {
    1: BT709,
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    9: BT2020,
    11: Primaries(DISPLAY_P3.red, DISPLAY_P3.green, DISPLAY_P3.blue, (0.314, 0.351)),
    12: DISPLAY_P3,
}
_TRANSFERS = {row.h273: name for name, row in TRANSFERS.items() if row.h273 is not None}
# BT.601 and the two depths of BT.2020 have the curve of BT.709.
_TRANSFERS |= {6: "bt709", 14: "bt709", 15: "bt709"}


def from_points(primaries: int, transfer: int) -> Encoding | None:
    """The encoding of two code points; None for points that are reserved or that we do not know."""
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    name = _TRANSFERS[transfer]
    white = {"pq": pq.PEAK, "hlg": hlg.NOMINAL_PEAK}.get(name)
    reference = Reference.DISPLAY_RELATIVE if white is None else Reference.DISPLAY_ABSOLUTE
    return Encoding(_PRIMARIES[primaries], name, reference, white)


def to_points(encoding: Encoding) -> tuple[int, int] | None:
    """The code points of primaries and transfer; None where the recommendation has none for either."""
    transfer = TRANSFERS[encoding.transfer].h273
    named = [point for point, primaries in _PRIMARIES.items() if primaries == encoding.primaries]
    return (named[0], transfer) if named and transfer is not None else None


def points_or_unspecified(encoding: Encoding) -> tuple[int, int]:
    """The same for files that must say something: an ICC profile tells then."""
    return to_points(encoding) or (UNSPECIFIED, UNSPECIFIED)


def matrix_of(encoding: Encoding) -> int:
    """The matrix to Y'CbCr of a file in that encoding."""
    return MATRIX_BT2020 if encoding.primaries == BT2020 else MATRIX_BT709
