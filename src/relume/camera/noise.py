"""Noise of the sensor: photon noise, which grows with the signal, and read noise, which does not."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera import draws
from relume.errors import MethodError


class NoiseDraw(NamedTuple):
    """The drawn noise: how strong it is in each picture and channel, and the grain itself."""

    signal: Float[Tensor, "batch 3"]
    """How strongly it grows with the light; the meaning is the model's."""
    read: Float[Tensor, "batch 3"]
    """How strong it is in the dark."""
    field: Float[Tensor, "batch 3 height width"]
    """Independent Gaussian numbers of mean 0 and standard deviation 1."""


class Noise(ABC):
    """Gaussian noise whose variance depends on the light; what falls below black is black."""

    @abstractmethod
    def draw(self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> NoiseDraw:
        """The strengths and the grain."""

    @abstractmethod
    def variance(
        self, light: Float[Tensor, "batch 3 height width"], drawn: NoiseDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """The variance at each value, in units of 1.0 squared."""

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], drawn: NoiseDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """The noisy light."""
        # The floor keeps the slope of the root finite where there is no noise; 1e-20 is far below any code.
        deviation = self.variance(light, drawn).clamp(min=1e-20).sqrt()
        return (light + deviation * drawn.field).clamp(min=0.0)


@dataclass(frozen=True, kw_only=True)
class ProportionalNoise(Noise):
    """Standard deviation √((s·x)² + r²), the form of the papers: in light, noise is a share of the signal.

    Args:
        signal: largest s; that of a picture is uniform between 0 and this.
        read: largest r, in units of 1.0; likewise.
        per_channel: whether each channel has its own s and r.

    References:  [liu2020], s up to 0.08/6 and r up to 0.005 in each channel (the published code adds the two
        as independent Gaussians, which is the same distribution); [eilertsen2017], r up to 0.01.
    """

    signal: float = 0.08 / 6.0
    read: float = 0.005
    per_channel: bool = True

    def draw(self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> NoiseDraw:
        """Shares s, deviations r and the grain."""
        strength = draws.numbers(light, generator, 6 if self.per_channel else 2)
        signal, read = strength.chunk(2, dim=1)
        grain = draws.field(light, generator)
        return NoiseDraw(self.signal * signal.expand(-1, 3), self.read * read.expand(-1, 3), grain)

    def variance(
        self, light: Float[Tensor, "batch 3 height width"], drawn: NoiseDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """(s·x)² + r²."""
        signal, read = drawn.signal[:, :, None, None], drawn.read[:, :, None, None]
        return (light * signal).square() + read.square()


@dataclass(frozen=True, kw_only=True)
class PoissonGaussNoise(Noise):
    """Variance a·x + b, the physical form: photons are counted, and reading the count adds its own error.

    A pixel that holds N electrons at 1.0 and is read with an error of r electrons has a = 1/N, b = (r/N)².
    Photon counts are taken as Gaussian, which they are but for the darkest pixels.

    Args:
        gain: limits of a; its logarithm is uniform between theirs.
        read: limits of b; likewise.

    References:  [foi2008].
    """

    gain: tuple[float, float] = (1e-5, 4e-4)
    read: tuple[float, float] = (1e-7, 1e-5)

    def __post_init__(self) -> None:
        if min(*self.gain, *self.read) <= 0.0:
            raise MethodError(f"noise of gain {self.gain}, read {self.read}; expected positive limits.")

    def draw(self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator) -> NoiseDraw:
        """Gains a, read variances b and the grain; a and b are the same for the three channels."""
        gain = draws.log_uniform(light, generator, *self.gain)[:, None].expand(-1, 3)
        read = draws.log_uniform(light, generator, *self.read)[:, None].expand(-1, 3)
        return NoiseDraw(gain, read, draws.field(light, generator))

    def variance(
        self, light: Float[Tensor, "batch 3 height width"], drawn: NoiseDraw
    ) -> Float[Tensor, "batch 3 height width"]:
        """a·x + b."""
        signal, read = drawn.signal[:, :, None, None], drawn.read[:, :, None, None]
        return light.clamp(min=0.0) * signal + read
