"""Exposure: how much of the scene's light the sensor gets. 1.0 is the level that clips."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from relume.camera import draws
from relume.errors import MethodError


class Exposure(ABC):
    """A factor for each picture of a batch."""

    @abstractmethod
    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, " batch"]:
        """The factor from scene to sensor; no gradient flows through it."""

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], factor: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The exposed light."""
        return light * factor[:, None, None, None]


@dataclass(frozen=True, kw_only=True)
class Stops(Exposure):
    """2^s times the light, s uniform, or with equal chance one of evenly spaced steps.

    Args:
        minimum: least s.
        maximum: largest s.
        steps: how many exposures there are, both ends among them; None for any in between.
        mean: what the mean of all values of the picture is brought to first; None leaves the scene's scale.

    References:  [liu2020]: 600 steps from -3 to 3 of scenes whose mean is 0.5, 7 for tests.
    """

    minimum: float = -3.0
    maximum: float = 3.0
    steps: int | None = None
    mean: float | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 2:
            raise MethodError(f"exposure in {self.steps} steps; expected at least 2, or None.")

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, " batch"]:
        """The factor, with the change to the mean in it."""
        if self.steps is None:
            stops = draws.uniform(light, generator, self.minimum, self.maximum)
        else:
            step = draws.integers(light, generator, 0, self.steps - 1).to(light)
            stops = self.minimum + (self.maximum - self.minimum) / (self.steps - 1) * step
        factor = stops.exp2()
        if self.mean is None:
            return factor
        return factor * self.mean / (light.detach().mean((1, 2, 3)) + 1e-6)


@dataclass(frozen=True, kw_only=True)
class ClippedShare(Exposure):
    """The exposure at which a share of the picture, uniform between two limits, is brighter than 1.

    Convention:  of n samples, exactly round(share·n) end above 1, and the next brightest at 1, but where
        neighbours in rank are equal; one at least does not. Black pictures keep their scale.

    Args:
        minimum: least share, 0..1.
        maximum: largest share, 0..1.
        of: what is counted: "pixels", which clip when their largest channel does, or "values", the three
            channels pooled.

    References:  [eilertsen2017], 5 to 15 % of the values; [hanji2022], 5 or 3 % of the pixels.
    """

    minimum: float
    maximum: float
    of: str = "pixels"

    def __post_init__(self) -> None:
        if not 0.0 <= self.minimum <= self.maximum <= 1.0:
            raise MethodError(f"share {self.minimum} to {self.maximum}; expected 0 ≤ minimum ≤ maximum ≤ 1.")
        if self.of not in ("pixels", "values"):
            raise MethodError(f"share of '{self.of}'; expected of 'pixels' or of 'values'.")

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, " batch"]:
        """The factor that puts the brightest value that does not clip at 1."""
        share = draws.uniform(light, generator, self.minimum, self.maximum)
        light = light.detach()
        samples = (light.amax(1) if self.of == "pixels" else light).flatten(1)
        count = samples.shape[1]
        above = (share * count).round().long().clamp(0, count - 1)
        level = _of_rank(samples, count - 1 - above)
        return torch.where(level > 0, 1.0 / torch.where(level > 0, level, 1.0), 1.0)


def _of_rank(samples: Float[Tensor, "batch count"], rank: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """From each row the sample of that rank, 0 for the smallest."""
    if samples.device.type != "cpu":
        return samples.sort(dim=1).values.gather(1, rank[:, None])[:, 0]
    found = [np.partition(row, at)[at] for row, at in zip(samples.numpy(), rank.tolist(), strict=True)]
    return torch.as_tensor(np.array(found))
