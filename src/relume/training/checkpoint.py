"""Everything that a run needs to continue as if nothing had happened, in one file.

Random numbers are not in it: each step seeds torch's generator from (seed, step, process), and each sample
its own from (seed, index). Nor are learning rates, which are functions of the step.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from relume.models.tensor_file import read_tensor_file, write_tensor_file
from relume.training.describe import differences
from relume.training.errors import TrainingError
from relume.training.optim import Updater

FILE = "checkpoint.safetensors"
"""Its name in the folder of the run."""


@dataclass(kw_only=True)
class Progress:
    """How far a run has come; the only state of the loop beside tensors."""

    stage: int = 0
    step: int = 0
    """Finished steps of the stage."""
    total: int = 0
    """Finished steps of all stages."""
    samples: int = 0
    """Index of the next sample."""
    skipped: int = 0
    """Steps without an update because the loss or its gradient was not finite."""
    skipped_in_a_row: int = 0
    bad_samples: int = 0
    seconds: float = 0.0
    best: float | None = None
    """The highest score of a stage that keeps its best."""
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    """Validation scores "before" training and, as they stand, "after"."""

    def count_step(self, batch: int, *, finite: bool) -> None:
        """A step of so many samples is done; without an update where something was not finite."""
        self.step += 1
        self.total += 1
        self.samples += batch
        self.skipped += not finite
        self.skipped_in_a_row = 0 if finite else self.skipped_in_a_row + 1

    def end_stage(self) -> None:
        """The next stage begins at its first step."""
        self.stage += 1
        self.step = 0
        self.best = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint as it was read."""

    tensors: dict[str, Tensor]
    recipe: dict[str, Any]
    origin: dict[str, Any]
    """The version and the machine that wrote it."""
    progress: Progress
    scalers: dict[str, Any]
    """Of float16, by optimizer."""

    def restore(self, averages: nn.ModuleDict | None, updaters: Mapping[str, Updater]) -> None:
        """Give averages and optimizers back what they had when the stage was interrupted."""
        if averages is not None:
            averages.load_state_dict(self.under("averages."))
        for name, updater in updaters.items():
            _restore_optimizer(updater.optimizer, self.under(f"optimizers.{name}."))
            if self.scalers[name]:  # empty where the run was not in float16 before
                updater.scaler.load_state_dict(self.scalers[name])

    def under(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, without that beginning."""
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }


def save_checkpoint(
    folder: Path,
    *,
    networks: nn.ModuleDict,
    averages: nn.ModuleDict | None,
    updaters: Mapping[str, Updater],
    progress: Progress,
    recipe: dict[str, Any],
    origin: dict[str, Any],
) -> None:
    """Write the checkpoint of a run, which replaces the last one in one instant.

    Raises:
        UnwritableFile: no room; the last checkpoint is still whole.
    """
    tensors = {f"networks.{name}": tensor for name, tensor in networks.state_dict().items()}
    if averages is not None:
        tensors |= {f"averages.{name}": tensor for name, tensor in averages.state_dict().items()}
    for turn, updater in updaters.items():
        for number, state in updater.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers.{turn}.{number}.{key}": tensor for key, tensor in state.items()}
    about = {
        "recipe": recipe,
        "origin": origin,
        "progress": asdict(progress),
        "scalers": {turn: updater.scaler.state_dict() for turn, updater in updaters.items()},
    }
    write_tensor_file(folder / FILE, tensors, about)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of a run, None where it has none yet.

    Raises:
        UnreadableFile: damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    tensors, about = read_tensor_file(path)
    return Checkpoint(
        tensors=tensors,
        recipe=about["recipe"],
        origin=about["origin"],
        progress=Progress(**about["progress"]),
        scalers=about["scalers"],
    )


def require_same_recipe(checkpoint: Checkpoint, recipe: dict[str, Any], folder: Path) -> None:
    """See that a run goes on with the settings it began with.

    Raises:
        TrainingError: names what differs.
    """
    changed = differences(checkpoint.recipe, recipe)
    if changed:
        # A whole stage may differ: its beginning tells which.
        told = "; ".join(textwrap.shorten(difference, 100, placeholder=" …") for difference in changed[:3])
        raise TrainingError(
            f"{folder} holds a run with other settings ({told}); "
            "continue with the settings it began with, or give another --out."
        )


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".", 1)
        parameter = parameters[int(number)]
        if key != "step":
            # In the parameter's memory layout, as the optimizer itself makes it: the fast kernels ask for it.
            tensor = torch.empty_like(parameter).copy_(tensor)
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
