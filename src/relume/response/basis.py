"""A mean curve and the directions in which curves differ from it most."""

from dataclasses import dataclass, field
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from relume.response.curve import inverse_curve
from relume.response.population import population

VECTORS = 25
"""Vectors of our own basis, as many as the file of Grossberg and Nayar has."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ResponseBasis:
    """Curves as mean + Σ c_k · vector_k, irradiance → code or, of inverse responses, code → irradiance.

    Args:
        mean: from 0 to 1.
        vectors: orthonormal, 0 at both ends, the most important first.
    """

    mean: Float[Tensor, " samples"] = field(repr=False)
    vectors: Float[Tensor, "count samples"] = field(repr=False)

    def first(self, count: int) -> "ResponseBasis":
        """The basis with its first vectors only; all of them if it has fewer."""
        return ResponseBasis(mean=self.mean, vectors=self.vectors[:count])

    def curves(self, coefficients: Float[Tensor, "batch count"]) -> Float[Tensor, "batch samples"]:
        """The curves of these coefficients; they may fall somewhere: see `curve.monotone`."""
        return self.mean.to(coefficients) + coefficients @ self.vectors.to(coefficients)

    def project(self, curves: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch count"]:
        """The coefficients of the closest curves that the basis has."""
        return (curves - self.mean.to(curves)) @ self.vectors.to(curves).T


def principal_basis(curves: Float[Tensor, "members samples"], count: int = VECTORS) -> ResponseBasis:
    """Mean and principal directions of curves.

    Convention:  computed in float64; the sign of each vector is such that its largest value is positive.
    """
    curves = curves.double()
    mean = curves.mean(0)
    vectors = torch.linalg.svd(curves - mean, full_matrices=False).Vh[:count]
    peak = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return ResponseBasis(mean=mean, vectors=vectors * peak.sign())


@lru_cache(maxsize=2)
def own_basis(*, inverse: bool = False) -> ResponseBasis:
    """The basis that ships with relume: 25 vectors computed, on first use, from `population`.

    The share of the population's variance that the first vectors explain: 1: 0.899, 3: 0.9976, 5: 0.99987,
    11: 1 - 3e-7; of inverse curves 0.881, 0.9975, 0.99991, 1 - 1e-7. It also expresses what it was not made
    from: of the mean curve that Grossberg and Nayar measured, 11 vectors leave an RMS of 1.0e-4, of the mean
    inverse curve 1.4e-4.

    Args:
        inverse: code → irradiance rather than irradiance → code.
    """
    curves = population()
    return principal_basis(inverse_curve(curves) if inverse else curves)
