"""Truncation: what becomes of light above the level that clips."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from relume.filters.base_detail import truncate_base


class Truncation(ABC):
    """From light without an upper end to light that a response takes. Nothing here is random."""

    @abstractmethod
    def apply(
        self, light: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Bool[Tensor, "batch 3 height width"]]:
        """The truncated light, and where and in which channel it is not the light that came."""


@dataclass(frozen=True, kw_only=True)
class Clip(Truncation):
    """Light ends at 0 and at 1."""

    def apply(
        self, light: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Bool[Tensor, "batch 3 height width"]]:
        """Clip each channel."""
        return light.clamp(0.0, 1.0), light > 1.0


@dataclass(frozen=True, kw_only=True)
class BaseDetail(Truncation):
    """The truncation process of DuHDR: the base of a self-guided filter ends at 1, the detail on it stays.

    Convention:  linear, not negative → linear; the result is near 1 but may exceed it where there is detail,
        and a response saturates there. See `relume.filters.base_detail`.

    Args:
        window: side of the filter's window in pixels, odd.
        epsilon: the variance that the filter takes for an edge.

    References:  [duhdr2023], section 3.3; window and epsilon are those of the published code.
    """

    window: int = 5
    epsilon: float = 0.01

    def apply(
        self, light: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch 3 height width"], Bool[Tensor, "batch 3 height width"]]:
        """Divide by the base where that is above 1."""
        truncated = truncate_base(light, window=self.window, epsilon=self.epsilon)
        return truncated, (truncated < light) | (truncated > 1.0)
