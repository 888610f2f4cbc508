"""Optimizers as configurations: what they train, how fast, and how large a gradient may be."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from relume.training.precision import Precision
from relume.training.schedules import Constant, Schedule


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """What one optimizer of a stage trains, and how."""

    networks: tuple[str, ...] = ("model",)
    """Networks, or parts of one as "model.encoder". What no optimizer of a stage names is frozen in it."""
    learning_rate: float = 1e-4
    schedule: Schedule = Constant()
    clip: float | None = None
    """Largest norm of the gradient; larger ones are scaled down to it."""
    settled: bool = False
    """Whether normalisation goes by its running statistics, as in use, and leaves them as they are."""

    def rate(self, step: int, steps: int) -> float:
        """The learning rate in step `step` (from 0) of `steps`."""
        return self.learning_rate * self.schedule.factor(step, steps)

    @abstractmethod
    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer of torch."""


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """[kingma2015]."""

    betas: tuple[float, float] = (0.9, 0.999)

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """`torch.optim.Adam`."""
        return torch.optim.Adam(parameters, lr=self.learning_rate, betas=self.betas)


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay [loshchilov2019]."""

    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """`torch.optim.AdamW`."""
        return torch.optim.AdamW(
            parameters, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay
        )


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """Gradients over a running root of their mean square [tieleman2012]."""

    smoothing: float = 0.99

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """`torch.optim.RMSprop`."""
        return torch.optim.RMSprop(parameters, lr=self.learning_rate, alpha=self.smoothing)


@dataclass(frozen=True, kw_only=True)
class Updater:
    """One optimizer at work in a stage."""

    config: Optimizer
    parameters: list[nn.Parameter]
    """What it trains, each once."""
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        self.optimizer.param_groups[0]["lr"] = rate


def updaters(
    optimizers: Mapping[str, Optimizer], networks: nn.ModuleDict, precision: Precision
) -> dict[str, Updater]:
    """Set a stage's optimizers to work; all that none of them trains is frozen, its statistics too."""
    networks.eval().requires_grad_(False)
    running = {}
    for name, config in optimizers.items():
        trained = [networks.get_submodule(path).requires_grad_(True) for path in config.networks]
        for network in trained:
            network.train(not config.settled)
        parameters = list(dict.fromkeys(p for network in trained for p in network.parameters()))
        running[name] = Updater(
            config=config,
            parameters=parameters,
            optimizer=config.build(parameters),
            scaler=precision.scaler(),
        )
    return running
