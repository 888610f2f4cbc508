"""Quantization to the codes of a file."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from relume.camera.straight_through import straight_through
from relume.errors import MethodError


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """The nearest of 2^bits codes, half up; what lies outside 0..1 ends at the nearer end.

    Convention:  encoded 0..1 → encoded 0..1; the gradient is exactly 1 within and 0 outside.

    References:  [duhdr2023], eq. 3.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise MethodError(f"quantization to {self.bits} bits; expected 1 to 16.")

    def apply(self, encoded: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """Round to the codes."""
        inside = encoded.clamp(0.0, 1.0)
        top = float((1 << self.bits) - 1)
        return straight_through(inside, (inside * top + 0.5).floor() / top)
