"""White balance: the cast that a balance which is a little off leaves in a picture."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera import draws
from relume.color.primaries import BT709, rgb_to_xyz_matrix
from relume.errors import MethodError

_COLDEST, _WARMEST = 25_000.0, 4_000.0
"""Where the daylight locus ends, in kelvin."""


@dataclass(frozen=True, kw_only=True)
class WhiteBalance:
    """A factor for each channel, green 1: white looks as D65 does in a picture balanced for another light.

    Convention:  linear BT.709 → linear BT.709; 6504 K and tint 0 change nothing. The reciprocal of the
        temperature is uniform between those of the limits, which makes steps of equal visibility.

    Args:
        temperature: limits of the colour of daylight that white takes on, in kelvin: low is reddish.
        tint: limits of the stops by which red and blue are raised together: positive is magenta.

    References:  [cie015], daylight illuminants.
    """

    temperature: tuple[float, float] = (5600.0, 7700.0)
    tint: tuple[float, float] = (-0.08, 0.08)

    def __post_init__(self) -> None:
        if not _WARMEST <= min(self.temperature) <= max(self.temperature) <= _COLDEST:
            raise MethodError(
                f"colour temperature {self.temperature}; expected {_WARMEST:g} to {_COLDEST:g} kelvin."
            )

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch 3"]:
        """The factors of red, green and blue."""
        warm, cold = self.temperature
        kelvin = 1.0 / draws.uniform(light, generator, 1.0 / warm, 1.0 / cold)
        tint = draws.uniform(light, generator, *self.tint).exp2()
        gains = daylight_gains(kelvin)
        return torch.stack([gains[:, 0] * tint, gains[:, 1], gains[:, 2] * tint], dim=1)

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], gains: Float[Tensor, "batch 3"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The light with its cast."""
        return light * gains[:, :, None, None]


def daylight_gains(kelvin: Float[Tensor, " batch"]) -> Float[Tensor, "batch 3"]:
    """Linear BT.709 of daylight of that correlated colour temperature, green 1, relative to that of 6504 K.

    References:  [cie015], the chromaticity of daylight from 4000 to 25 000 K.
    """
    reference = _daylight_rgb(torch.full_like(kelvin, 6504.0))
    rgb = _daylight_rgb(kelvin) / reference
    return rgb / rgb[:, 1:2]


def _daylight_rgb(kelvin: Float[Tensor, " batch"]) -> Float[Tensor, "batch 3"]:
    t = 1e3 / kelvin
    x = torch.where(
        kelvin <= 7000.0,
        0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3,
        0.237040 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3,
    )
    y = -0.275 + 2.870 * x - 3.000 * x**2
    xyz = torch.stack([x / y, torch.ones_like(x), (1.0 - x - y) / y], dim=1)
    to_rgb = torch.as_tensor(np.linalg.inv(rgb_to_xyz_matrix(BT709))).to(kelvin)
    return (xyz[:, None, :] * to_rgb).sum(2)
