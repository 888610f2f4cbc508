"""Random numbers, one set per item of a batch.

All are drawn in float32 on the generator's device and moved to where the light is, so that a generator on
the CPU serves pictures on any device, and float32 and float64 pictures get the same numbers.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

Light = Float[Tensor, "batch 3 height width"]
"""Linear light; relative."""


def uniform(light: Light, generator: torch.Generator, low: float, high: float) -> Float[Tensor, " batch"]:
    """A number between low and high for each item."""
    return low + (high - low) * numbers(light, generator, 1)[:, 0]


def log_uniform(light: Light, generator: torch.Generator, low: float, high: float) -> Float[Tensor, " batch"]:
    """A positive number between low and high for each item, whose logarithm is uniform."""
    return uniform(light, generator, math.log(low), math.log(high)).exp().clamp(low, high)


def normal(light: Light, generator: torch.Generator, mean: float, std: float) -> Float[Tensor, " batch"]:
    """A Gaussian number for each item."""
    drawn = torch.randn(light.shape[0], generator=generator, device=generator.device)
    return mean + std * drawn.to(light)


def numbers(light: Light, generator: torch.Generator, count: int) -> Float[Tensor, "batch {count}"]:
    """That many numbers between 0 and 1 for each item."""
    return torch.rand(light.shape[0], count, generator=generator, device=generator.device).to(light)


def integers(light: Light, generator: torch.Generator, low: int, high: int) -> Int[Tensor, " batch"]:
    """A whole number from low to high, both included, for each item."""
    drawn = torch.randint(low, high + 1, light.shape[:1], generator=generator, device=generator.device)
    return drawn.to(light.device)


def field(light: Light, generator: torch.Generator) -> Light:
    """A Gaussian number of mean 0 and standard deviation 1 for each value of each pixel."""
    return torch.randn(light.shape, generator=generator, device=generator.device).to(light)
