"""Contrast sensitivity after the optics of the eye, as a function of spatial frequency and luminance.

References:  [mantiuk2011], section 3.4; [mantiuk2018] for age. The constants are those of the programs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.metrics.visibility.tables import log_grid

TABLE_SIZE = 256

_AGE_SLOPE = 10.0**-2.711
_AGE_FREQUENCY = 10.0**-0.125539
_YOUNG = 24.0
"""Age in years from which sensitivity falls."""


@dataclass(frozen=True, kw_only=True)
class ContrastSensitivity:
    """S(ρ, L) = p4 / sqrt((1 + (p1 ρ)^p2) / (1 - exp(-(ρ/7)²))^p3), with p1..p4 linear in log10 L."""

    luminances: tuple[float, ...]
    parameters: tuple[tuple[float, float, float, float], ...]
    """p1..p4 at each of the luminances."""

    def at(self, frequency: Float[Tensor, "..."], luminance: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Sensitivity at frequencies in cycles/degree; shapes broadcast."""
        p1, p2, p3, p4 = self._parameters(luminance.log10())
        low = -torch.expm1(-((frequency / 7.0) ** 2))
        # The root is taken of the parts, so that its gradient is finite at frequency 0.
        return p4 * low ** (0.5 * p3) / (1.0 + (p1 * frequency) ** p2).sqrt()

    def _parameters(self, logarithm: Float[Tensor, "*shape"]) -> list[Float[Tensor, "*shape"]]:
        nodes = torch.tensor(np.log10(self.luminances), dtype=logarithm.dtype, device=logarithm.device)
        rows = torch.tensor(self.parameters, dtype=logarithm.dtype, device=logarithm.device)
        inside = logarithm.clamp(float(nodes[0]), float(nodes[-1]))
        index = torch.bucketize(inside.detach(), nodes[1:-1], right=True)
        share = (inside - nodes[index]) / (nodes[index + 1] - nodes[index])
        return [torch.lerp(column[index], column[index + 1], share) for column in rows.unbind(1)]


def sensitivity_table(frequency: float, sensitivity: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray:
    """Sensitivity at one frequency over the grid of luminances, for `look_up`."""
    luminance = torch.from_numpy(log_grid(TABLE_SIZE))
    table: np.ndarray = sensitivity(torch.full_like(luminance, frequency), luminance).numpy()
    return table


def age_factor(frequency: Float[Tensor, "*shape"], age: float) -> Float[Tensor, "*shape"]:
    """What is left of the sensitivity of the young.

    References:  [mantiuk2018]
    """
    years = max(0.0, age - _YOUNG)
    return 10.0 ** (-_AGE_SLOPE * years * torch.log2(frequency + _AGE_FREQUENCY))
