"""Responses that are given by a formula and draw its parameters."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera import draws
from relume.camera.response import Response
from relume.color.transfer import srgb
from relume.response.curve import pinned, sample_points
from relume.response.formulas import gamma_curve, log_curve, sigmoid_curve


@dataclass(frozen=True, kw_only=True)
class GammaResponse(Response):
    """x^(1/γ), γ uniform between two limits."""

    exponent: tuple[float, float] = (1.8, 2.4)

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The curves."""
        return gamma_curve(draws.uniform(light, generator, *self.exponent))


@dataclass(frozen=True, kw_only=True)
class SrgbResponse(Response):
    """The encoding of sRGB, always."""

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The curve, for each item; nothing is drawn."""
        return pinned(srgb.inverse_eotf(sample_points())[None]).to(light).expand(light.shape[0], -1)


@dataclass(frozen=True, kw_only=True)
class SigmoidResponse(Response):
    """(1 + s)·x^n / (x^n + s) with Gaussian n, kept in 0.2..2.5, and s, kept in 0.01..5.

    Args:
        exponent: mean and standard deviation of n.
        offset: mean and standard deviation of s.

    References:  [eilertsen2017], eq. 4, fitted to the responses of [grossberg2003].
    """

    exponent: tuple[float, float] = (0.9, 0.1)
    offset: tuple[float, float] = (0.6, 0.1)

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The curves."""
        exponent = draws.normal(light, generator, *self.exponent).clamp(0.2, 2.5)
        return sigmoid_curve(exponent, draws.normal(light, generator, *self.offset).clamp(0.01, 5.0))


@dataclass(frozen=True, kw_only=True)
class LogResponse(Response):
    """ln(1 + k·x) / ln(1 + k), the logarithm of k uniform between two limits: profiles of video cameras."""

    strength: tuple[float, float] = (4.0, 256.0)

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The curves."""
        return log_curve(draws.log_uniform(light, generator, *self.strength))
