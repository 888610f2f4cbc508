"""Transfer functions, one module per standard, and the table of those that an encoding can name.

A row turns code values into linear light and back. Light is relative to the encoding's `white`: 1.0 means
that luminance. Most curves do not care; PQ is absolute (its code 1.0 is 10 000 cd/m²) and the OOTF of HLG
depends on the peak of the display and on luminance, so each is told the white and the primaries.

    linear      no curve
    srgb        the display of computers and cameras
    bt709       the camera of television: code value ↔ scene light (its display is bt1886)
    bt1886      the display of television, with black level 0
    gamma2.2    a power, as old file formats name it; gamma2.8 likewise
    pq          absolute luminance, 0..10 000 cd/m²
    hlg         light of the display whose peak is the white of the encoding (1000 cd/m² where it has none)
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from relume.color.luminance import luminance_weights
from relume.color.primaries import Primaries
from relume.color.transfer import bt709, bt1886, gamma, hlg, pq, srgb

Curve = Callable[[Tensor, float | None, Primaries], Tensor]
"""(values, white in cd/m² or None, primaries) → values; the shape is (..., 3, height, width)."""


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


def _plain(
    decode: Callable[[Tensor], Tensor], encode: Callable[[Tensor], Tensor], h273: int | None
) -> Transfer:
    """A curve that is the same for every white and all primaries."""
    return Transfer(
        decode=lambda signal, white, primaries: decode(signal),
        encode=lambda light, white, primaries: encode(light),
        h273=h273,
    )


def _gamma(exponent: float, h273: int | None) -> Transfer:
    return _plain(
        lambda signal: gamma.eotf(signal, exponent), lambda light: gamma.inverse_eotf(light, exponent), h273
    )


def _hlg_eotf(signal: Tensor, white: float | None, primaries: Primaries) -> Tensor:
    return hlg.eotf(signal, peak=white or hlg.NOMINAL_PEAK, weights=luminance_weights(primaries))


def _hlg_inverse_eotf(light: Tensor, white: float | None, primaries: Primaries) -> Tensor:
    return hlg.inverse_eotf(light, peak=white or hlg.NOMINAL_PEAK, weights=luminance_weights(primaries))


TRANSFERS: dict[str, Transfer] = {
    "linear": _plain(lambda signal: signal, lambda light: light, 8),
    "srgb": _plain(srgb.eotf, srgb.inverse_eotf, 13),
    "bt709": _plain(bt709.inverse_oetf, bt709.oetf, 1),
    "bt1886": _plain(bt1886.eotf, bt1886.inverse_eotf, None),
    "gamma2.2": _gamma(2.2, 4),
    "gamma2.8": _gamma(2.8, 5),
    "pq": Transfer(
        decode=lambda signal, white, primaries: pq.eotf(signal) / pq.PEAK,
        encode=lambda light, white, primaries: pq.inverse_eotf(light * pq.PEAK),
        h273=16,
        white=pq.PEAK,
    ),
    "hlg": Transfer(decode=_hlg_eotf, encode=_hlg_inverse_eotf, h273=18),
}
