"""One run of a recipe in its folder: how it is opened, scored and saved."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from relume.errors import UnwritableFile
from relume.training.best import Best
from relume.training.checkpoint import (
    Checkpoint,
    Progress,
    load_checkpoint,
    require_same_recipe,
    save_checkpoint,
)
from relume.training.describe import describe
from relume.training.distributed import Place
from relume.training.errors import TrainingError
from relume.training.loader import move, stack
from relume.training.log import Log
from relume.training.moving_average import MovingAverage
from relume.training.optim import Updater
from relume.training.origin import origin
from relume.training.precision import Precision
from relume.training.recipe import Recipe, Stage

MOST_BAD_SAMPLES = 1000
"""So many samples that could not be had mean that the data are broken."""
PICTURES = 4
"""Validation pairs that are kept as pictures."""


class Run:
    """A recipe at work: its networks, how far they have come, and where all that is kept.

    Raises:
        TrainingError: the folder holds a run with other settings.
        UnreadableFile: its checkpoint is damaged.
        UnwritableFile: the folder cannot be made.
    """

    def __init__(self, recipe: Recipe, out: Path, place: Place) -> None:
        self.recipe, self.out, self.place = recipe, out, place
        self.description = describe(recipe)
        self.origin = origin(place) | {"predecessors": recipe.predecessors()}
        self._checkpoint = self._open()
        self._validation: list[dict[str, Tensor]] = []
        self.progress = self._checkpoint.progress if self._checkpoint else Progress()
        self.networks = recipe.networks()
        if self._checkpoint is not None:
            self.networks.load_state_dict(self._checkpoint.under("networks."))
        self.networks.to(place.device)
        self.log = Log(
            out,
            title=recipe.name,
            steps=sum(stage.steps for stage in recipe.stages),
            done=self.progress.total,
            silent=not place.is_first,
        )

    def resume(self, kept: MovingAverage | Best | None, updating: Mapping[str, Updater]) -> None:
        """Give a stage that was interrupted its average, or its best, and its optimizers back."""
        if self._checkpoint is not None and self.progress.step > 0:
            self._checkpoint.restore(kept.networks if kept else None, updating)
        self._checkpoint = None

    def validate(self, stage: Stage, average: MovingAverage | None, precision: Precision) -> dict[str, float]:
        """Mean scores on the validation pairs, logged, with pictures of the first; {} on other processes."""
        if not self.place.is_first:
            return {}
        networks = average.networks if average else self.networks
        numbers: dict[str, list[float]] = {}
        pictures = []
        pairs = self._pairs()  # not under autocast: they are data
        with torch.no_grad(), _evaluating(networks), precision.autocast():
            for index, sample in enumerate(pairs):
                pair = move(stack([sample]), self.place.device, precision.layout)
                scores = stage.objective.validate(networks, pair)
                for name, values in scores.numbers.items():
                    numbers.setdefault(name, []).extend(values.tolist())
                if index < PICTURES:
                    pictures.append(scores.pictures)
        means = {name: sum(values) / len(values) for name, values in numbers.items()}
        self.log.scalars("validation", self.progress.total, stage.name, means)
        self.log.pictures(self.progress.total, torch.cat(pictures))
        told = ", ".join(f"{name} {value:.4g}" for name, value in means.items())
        self.log.say(f"{self.recipe.name}, step {self.progress.total} ({stage.name}): {told}")
        return means

    def _pairs(self) -> list[dict[str, Tensor]]:
        """The validation pairs, made once."""
        if not self._validation:
            self._validation = [self.recipe.validation[i] for i in range(self.recipe.validation_pairs)]
        return self._validation

    def save(self, kept: MovingAverage | Best | None, updating: Mapping[str, Updater]) -> None:
        """Write the checkpoint, on the first process."""
        if self.place.is_first:
            save_checkpoint(
                self.out,
                networks=self.networks,
                averages=kept.networks if kept else None,
                updaters=updating,
                progress=self.progress,
                recipe=self.description,
                origin=self.origin,
            )

    def note_problems(self, stage: Stage, problems: tuple[str, ...]) -> None:
        """Name samples that had to be replaced, and count them.

        Raises:
            TrainingError: there have been too many.
        """
        for problem in problems:
            self.log.notice(self.progress.total, stage.name, f"a sample was replaced: {problem}")
        self.progress.bad_samples += len(problems)
        if self.progress.bad_samples > MOST_BAD_SAMPLES:
            raise TrainingError(
                f"{self.progress.bad_samples} samples could not be had, the last because {problems[-1]} "
                "Repair the data, then start again: the run goes on from its last checkpoint."
            )

    def _open(self) -> Checkpoint | None:
        """Make the folder, or find the checkpoint in it, and see that it is of this recipe."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            checkpoint = load_checkpoint(self.out)
            if checkpoint is not None:
                require_same_recipe(checkpoint, self.description, self.out)
            elif self.place.is_first:
                about = {"recipe": self.description, "origin": self.origin}
                text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
                (self.out / "recipe.json").write_text(text, encoding="utf-8")
        except OSError as error:
            raise UnwritableFile(self.out, f"cannot be used for a run ({error.strerror}).") from error
        return checkpoint


@contextmanager
def _evaluating(networks: nn.ModuleDict) -> Iterator[None]:
    """Evaluation mode, and each part back in its own mode afterwards."""
    modes = [(module, module.training) for module in networks.modules()]
    networks.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
