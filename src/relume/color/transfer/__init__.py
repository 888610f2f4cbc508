"""Transfer functions, one module per standard, and the table of those that an encoding can name.

A row turns code values into linear light and back. Light is relative to the encoding's `white`: 1.0 means
that luminance. Most curves do not care; PQ is absolute (its code 1.0 is 10 000 cd/m²) and the OOTF of HLG
depends on the peak of the display, so both are told.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from relume.color.transfer import bt709, bt1886, gamma, hlg, pq, srgb

Curve = Callable[[Tensor, float | None], Tensor]
"""(values, white in cd/m² or None) → values; the shape is (..., 3, height, width)."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One row: how code values and linear light are turned into each other."""

    decode: Curve
    """Code value to linear light in units of the encoding's white."""
    encode: Curve
    """Linear light in units of the encoding's white to code value."""
    h273: int | None
    """TransferCharacteristics of ITU-T H.273, the number that files carry."""
    white: float | None = None
    """The luminance of code 1.0 in cd/m² where the standard fixes it."""


def _plain(curve: Callable[[Tensor], Tensor]) -> Curve:
    return lambda values, white: curve(values)


def _gamma(exponent: float, h273: int | None) -> Transfer:
    return Transfer(
        decode=lambda signal, white: gamma.eotf(signal, exponent),
        encode=lambda light, white: gamma.inverse_eotf(light, exponent),
        h273=h273,
    )


TRANSFERS: dict[str, Transfer] = {
    "linear": Transfer(decode=_plain(lambda x: x), encode=_plain(lambda x: x), h273=8),
    "srgb": Transfer(decode=_plain(srgb.eotf), encode=_plain(srgb.inverse_eotf), h273=13),
    "bt709": Transfer(decode=_plain(bt709.inverse_oetf), encode=_plain(bt709.oetf), h273=1),
    "bt1886": Transfer(decode=_plain(bt1886.eotf), encode=_plain(bt1886.inverse_eotf), h273=None),
    "gamma2.2": _gamma(2.2, 4),
    "gamma2.8": _gamma(2.8, 5),
    "pq": Transfer(
        decode=lambda signal, white: pq.eotf(signal) / pq.PEAK,
        encode=lambda light, white: pq.inverse_eotf(light * pq.PEAK),
        h273=16,
        white=pq.PEAK,
    ),
    "hlg": Transfer(
        decode=lambda signal, white: hlg.eotf(signal, peak=white or hlg.NOMINAL_PEAK),
        encode=lambda light, white: hlg.inverse_eotf(light, peak=white or hlg.NOMINAL_PEAK),
        h273=18,
    ),
}
