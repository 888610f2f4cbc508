"""What an experiment is: a `Recipe` of stages, returned complete by a function in `recipes/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from relume.errors import UnreadableFile
from relume.models import build
from relume.models.weights import load_weights, read_card
from relume.training.errors import TrainingError
from relume.training.loader import Samples
from relume.training.objective import Objective
from relume.training.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """What a person may change of a recipe; each recipe says what the default of None is.

    Raises:
        UnreadableFile: the weights to begin with are not there; told before data are read.
    """

    data: Path | None = None
    """Pack of the training data."""
    steps: int | None = None
    """In all stages together."""
    batch: int | None = None
    """Samples in a step, over all processes."""
    seed: int = 0
    start: Path | None = None
    """Weights of the same network to begin with, for fine-tuning."""

    def __post_init__(self) -> None:
        if self.start is not None and not self.start.is_file():
            raise UnreadableFile(self.start, "is not there; expected the weights to begin with (--start).")

    def required_data(self) -> Path:
        """The data, for a recipe that cannot do without.

        Raises:
            TrainingError: none are given.
            UnreadableFile: they are not there.
        """
        if self.data is None:
            raise TrainingError("this recipe needs data; give --data with a pack (relume pack).")
        if not self.data.exists():
            raise UnreadableFile(self.data, "is not there; expected the training data (--data).")
        return self.data

    def refuse_data(self) -> None:
        """For a recipe that makes its own data: what is given must not be ignored in silence.

        Raises:
            TrainingError: data are given.
        """
        if self.data is not None:
            raise TrainingError(f"this recipe makes its own data; leave --data {self.data} out.")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of training with one objective, one supply of data and one set of optimizers."""

    name: str
    steps: int
    objective: Objective
    optimizers: Mapping[str, Optimizer]
    """By the names that the objective's turns use."""
    data: Samples
    batch: int
    """Samples in a step, over all processes."""
    precision: str = "auto"
    """"auto", "float32", "bfloat16" or "float16"."""
    average: float | None = None
    """Decay of the moving average of the weights, for example 0.999; None: no average."""
    keep_best: str | None = None
    """A validation score, higher is better. The stage ends with the weights that scored best, those it began
    with among them; None: with those of its last step."""
    validate_every: int = 1000
    """Steps."""
    log_every: int = 10
    """Steps."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise TrainingError(
                f"stage {self.name} has {self.steps} steps of {self.batch} samples; "
                "expected at least 1 of each: give larger --steps or --batch."
            )
        if self.average is not None and self.keep_best is not None:
            raise TrainingError(f"stage {self.name} keeps an average and its best; expected one of them.")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A complete experiment."""

    name: str
    model: str
    preset: str
    """`relume.models.build(model, preset=preset)` is what is trained; objectives know it as "model"."""
    companions: Mapping[str, Callable[[], nn.Module]] = field(default_factory=dict)
    """Networks that are needed in training only, a discriminator for instance."""
    stages: tuple[Stage, ...]
    """In order; the networks are handed on, the optimizers and averages are new in each."""
    validation: Samples
    """Pairs that are never trained on; the first `validation_pairs` are scored."""
    validation_pairs: int = 16
    seed: int = 0
    start: Path | None = None
    """Weights to begin with."""
    begun: tuple[str, ...] | None = None
    """Parts of the model that begin with them, which may then be of another preset; None: all of it."""

    def networks(self) -> nn.ModuleDict:
        """All networks with their first weights: from the seed, unless there are weights to start with.

        Raises:
            TrainingError: the weights to start with are of another network.
            UnreadableFile: they cannot be read.
        """
        torch.manual_seed(self.seed)
        networks = {"model": build(self.model, preset=self.preset)}
        networks |= {name: make() for name, make in self.companions.items()}
        if self.start is not None:
            self._begin(networks["model"], self.start)
        return nn.ModuleDict(networks)

    def predecessors(self) -> list[dict[str, Any]]:
        """The trainings of the weights to begin with, for the card: see `Card.predecessors`."""
        if self.start is None:
            return []
        card = read_card(self.start)
        return [*card.predecessors, card.training()]

    def _begin(self, model: nn.Module, start: Path) -> None:
        """Give a network, or those parts of it, the weights to begin with."""
        trained, card = load_weights(start)
        mine, theirs = (self.model, self.preset), (card.model, card.preset)
        if mine[0] != theirs[0] or (self.begun is None and mine != theirs):
            raise TrainingError(
                f"{start} holds {card.model} ({card.preset}); recipe {self.name} trains "
                f"{self.model} ({self.preset})."
            )
        for part in ("",) if self.begun is None else self.begun:
            try:
                model.get_submodule(part).load_state_dict(trained.get_submodule(part).state_dict())
            except RuntimeError as error:
                raise TrainingError(
                    f"{start} holds {card.model} ({card.preset}), whose {part} has other sizes than that "
                    f"of recipe {self.name} ({self.preset}); start from weights of a size it shares."
                ) from error
