"""What the numbers of a picture mean: primaries, transfer, reference and white."""

from dataclasses import dataclass, replace
from enum import StrEnum

from relume.color.primaries import BT709, BT2020, DISPLAY_P3, Primaries
from relume.color.transfer import TRANSFERS
from relume.errors import EncodingError

REFERENCE_WHITE = 203.0
"""Diffuse white in cd/m² unless told otherwise (ITU-R BT.2408-7)."""


class Reference(StrEnum):
    """To what the light of a picture is referred."""

    SCENE = "scene-referred"
    """Proportional to the light of a scene; no upper end."""
    DISPLAY_RELATIVE = "display-relative"
    """Light of a display, 1.0 is its white and its top: ordinary SDR pictures."""
    DISPLAY_ABSOLUTE = "display-absolute"
    """Light of a display in cd/m²: PQ, HLG on a known display."""


@dataclass(frozen=True)
class Encoding:
    """The meaning of pixel values.

    Args:
        primaries: chromaticities of R, G, B and white.
        transfer: a name in `relume.color.transfer.TRANSFERS`.
        reference: scene-referred, display-relative or display-absolute.
        white: luminance in cd/m² of 1.0; None where only ratios are known.

    Raises:
        EncodingError: unknown transfer, white that is not positive, or display-absolute without white.
    """

    primaries: Primaries = BT709
    transfer: str = "linear"
    reference: Reference = Reference.SCENE
    white: float | None = None

    def __post_init__(self) -> None:
        if self.transfer not in TRANSFERS:
            known = ", ".join(TRANSFERS)
            raise EncodingError(f"unknown transfer function '{self.transfer}'; expected one of {known}.")
        if self.white is not None and not 0 < self.white < float("inf"):
            raise EncodingError(f"white is {self.white} cd/m²; expected a positive luminance.")
        if self.reference is Reference.DISPLAY_ABSOLUTE and self.white is None:
            raise EncodingError("a display-absolute encoding needs the luminance of 1.0 in cd/m² (white).")
        fixed = TRANSFERS[self.transfer].white
        if fixed is not None and self.white != fixed:
            raise EncodingError(f"{self.transfer} fixes 1.0 at {fixed:g} cd/m²; white is {self.white}.")

    @property
    def is_hdr(self) -> bool:
        """Whether light above white can be expressed."""
        return self.reference is not Reference.DISPLAY_RELATIVE

    @property
    def linear(self) -> "Encoding":
        """The same light without its curve."""
        return replace(self, transfer="linear")

    def __str__(self) -> str:
        white = "relative" if self.white is None else f"1.0 = {self.white:g} cd/m²"
        return f"{self.primaries.name}, {self.transfer}, {self.reference}, {white}"


SRGB = Encoding(BT709, "srgb", Reference.DISPLAY_RELATIVE)
DISPLAY_P3_ENCODED = Encoding(DISPLAY_P3, "srgb", Reference.DISPLAY_RELATIVE)
LINEAR_SCENE = Encoding(BT709, "linear", Reference.SCENE)
LINEAR_DISPLAY = Encoding(BT709, "linear", Reference.DISPLAY_RELATIVE)
LINEAR_NITS = Encoding(BT709, "linear", Reference.DISPLAY_ABSOLUTE, 1.0)
PQ_BT2020 = Encoding(BT2020, "pq", Reference.DISPLAY_ABSOLUTE, 10_000.0)
HLG_BT2020 = Encoding(BT2020, "hlg", Reference.DISPLAY_ABSOLUTE, 1000.0)
