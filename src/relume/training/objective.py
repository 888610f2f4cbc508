"""What a stage of training minimises: the abstract `Objective` and its turns."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

Batch = dict[str, Tensor]
"""What a data set gives, stacked: each tensor begins with the axis of the batch."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One update within a step: a loss, and the optimizer that lowers it."""

    optimizer: str
    """One of the stage's optimizers; only what it owns gets gradients."""
    loss: Float[Tensor, ""]
    terms: dict[str, Tensor] = field(default_factory=dict)
    """Parts of the loss, to be logged."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How good the networks are on a batch of validation pairs."""

    numbers: dict[str, Float[Tensor, " batch"]]
    """One number for each pair and score."""
    pictures: Float[Tensor, "batch 3 rows columns"]
    """One sheet for each pair, sRGB-encoded 0..1."""


class Objective(ABC):
    """A configured objective: a frozen dataclass that is given the networks and a batch.

    The networks are those of the recipe, shared by its stages: "model" and the companions by name. Which of
    them learn is not for the objective to say, but for the optimizers of the stage.
    """

    @abstractmethod
    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """Yield the turns of one step, in order.

        A generator: when it goes on, the update of the last turn has been made. An ordinary objective yields
        once. A GAN yields the generator's turn and then the discriminator's, for which it can reuse what it
        computed, detached.
        """

    @abstractmethod
    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Score the networks, which are in evaluation mode, on validation pairs."""
