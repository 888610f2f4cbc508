"""The stage of a camera that turns irradiance into code, and responses made of other curves."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera import draws
from relume.errors import MethodError
from relume.response.basis import ResponseBasis
from relume.response.curve import lookup, pinned
from relume.response.population import population


class Response(ABC):
    """A curve for each picture of a batch, the same for its three channels."""

    @abstractmethod
    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The curves, irradiance → code, on the device and in the precision of the light."""

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], curve: Float[Tensor, "batch samples"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Encode: linear 0..1 → encoded 0..1; light above 1 has the code of 1."""
        return lookup(light, curve)


@dataclass(frozen=True, kw_only=True)
class PopulationResponse(Response):
    """A mixture, in random shares, of two random curves of the population.

    With a basis the curve is what its first components can express of that, with whatever falls held level.
    (Gaussian coefficients would be simpler and are no camera: half of such curves fall somewhere, and
    `monotone` makes them straight.)

    Args:
        basis: of our own or of Grossberg and Nayar; None keeps the curves whole.
        components: how many vectors of it are used.
    """

    basis: ResponseBasis | None = field(default=None, repr=False)
    components: int = 11

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The mixed curves."""
        members = population().to(light)
        first, second = (members[draws.integers(light, generator, 0, len(members) - 1)] for _ in range(2))
        curve = torch.lerp(first, second, draws.numbers(light, generator, 1))
        if self.basis is None:
            return curve
        basis = self.basis.first(self.components)
        return pinned(basis.curves(basis.project(curve)).cummax(1).values)


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenResponse(Response):
    """One of these curves, each as likely: those of a table, of one camera, of one calibration.

    Args:
        curves: from 0 to 1, rising.
    """

    curves: Float[Tensor, "count samples"] = field(repr=False)

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """The chosen rows."""
        chosen = draws.integers(light, generator, 0, len(self.curves) - 1)
        return self.curves.to(light)[chosen]


@dataclass(frozen=True, kw_only=True)
class MixedResponse(Response):
    """A curve of one of several responses, drawn for each picture.

    Args:
        responses: the ones to choose from.
        weights: how likely each is, in any unit; None makes all as likely.
    """

    responses: tuple[Response, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.responses or (self.weights is not None and len(self.weights) != len(self.responses)):
            raise MethodError(
                f"{len(self.responses)} responses with weights {self.weights}; expected one weight for each."
            )

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch samples"]:
        """One curve of each response, and of these the chosen."""
        weights = torch.tensor(self.weights or (1.0,) * len(self.responses), dtype=torch.float64)
        limits = (weights.cumsum(0) / weights.sum())[:-1].to(light)
        chosen = (draws.numbers(light, generator, 1) >= limits).sum(1)
        curves = torch.stack([response.draw(light, generator) for response in self.responses])
        return curves[chosen, torch.arange(len(chosen), device=light.device)]
