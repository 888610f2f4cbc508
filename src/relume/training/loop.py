"""The training loop: batch, forward, loss, backward, finite check, clip, step, average, log, validate, save.

What differs between systems sits in their objectives; how the work is split over processes, in
`distributed`; what survives a kill, in `checkpoint`.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from relume.training.best import Best
from relume.training.checkpoint import Progress
from relume.training.cores import share_cores
from relume.training.distributed import join
from relume.training.errors import TrainingError, explained
from relume.training.interruption import interruption
from relume.training.loader import batches
from relume.training.moving_average import MovingAverage
from relume.training.objective import Batch, Objective, Turn
from relume.training.optim import updaters
from relume.training.precision import Precision, choose_precision
from relume.training.recipe import Recipe, Stage
from relume.training.run import Run
from relume.training.running_statistics import RunningStatistics

MOST_SKIPPED_IN_A_ROW = 30
"""So many steps without a finite gradient mean that the run has diverged; float16 may need 16 to settle."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How the machine is used; the experiment does not depend on it, but for rounding."""

    device: str = "auto"
    """"auto" (a GPU if there is one), "cpu" or "cuda"."""
    precision: str | None = None
    """In place of what the recipe says: "auto", "float32", "bfloat16" or "float16"."""
    workers: int | None = None
    """Loading processes for each training process; None: half of its cores, the rest trains."""
    save_every: float = 60.0
    """Seconds between checkpoints."""


def train(recipe: Recipe, out: Path, *, machine: Machine = Machine()) -> Progress:
    """Run a recipe, or go on with a run of it that ended at any moment.

    The folder `out` receives `recipe.json`, the resolved configuration; `checkpoint.safetensors`;
    `log.jsonl` and `tensorboard/`; `pictures/`. On SIGINT and SIGTERM the step is finished and saved.

    Returns:
        how the run stands at its end, with the scores before and after.

    Raises:
        KeyboardInterrupt: it was asked to stop, and has saved.
        TrainingError: it diverged, its data are broken, or `out` holds a run with other settings.
        MemoryLimitError: a step does not fit the memory.
        UnwritableFile: no room; the last checkpoint is still whole.
    """
    with explained(out), join(machine.device) as place, interruption() as asked_to_stop:
        run = Run(recipe, out, place)
        with run.log:
            for stage in recipe.stages[run.progress.stage :]:
                _train_stage(run, stage, machine, asked_to_stop)
    return run.progress


def _train_stage(run: Run, stage: Stage, machine: Machine, asked_to_stop: Event) -> None:
    """From wherever the stage stands to its end."""
    place, progress, networks = run.place, run.progress, run.networks
    workers = share_cores(place, machine.workers)
    precision = choose_precision(machine.precision or stage.precision, place.device)
    networks.to(memory_format=precision.layout)  # type: ignore[call-overload]
    updating = updaters(stage.optimizers, networks, precision)
    average = MovingAverage(networks, decay=stage.average) if stage.average is not None else None
    best = Best(networks, score=stage.keep_best) if stage.keep_best is not None else None
    run.resume(average or best, updating)
    statistics = RunningStatistics(networks)
    if not progress.results:
        progress.results["before"] = run.validate(stage, average, precision)
    if best is not None and progress.step == 0:
        scores = run.validate(stage, None, precision)
        best.consider(networks, scores, progress=progress, place=place)

    loading = batches(
        stage.data,
        first=progress.samples,
        steps=stage.steps - progress.step,
        batch=stage.batch,
        place=place,
        workers=workers,
        layout=precision.layout,
    )
    # Closed here: at the interpreter's exit, processes that load would be waited for in vain.
    with closing(loading) as coming:
        saved = began = time.perf_counter()
        for loaded in coming:
            arrived = time.perf_counter()
            run.note_problems(stage, loaded.problems)
            torch.manual_seed(_seed(run.recipe.seed, progress.total, place.rank))
            statistics.keep()
            finite, stop = True, False
            told: dict[str, float | Tensor] = {}

            for turn in _turns(stage.objective, networks, loaded.batch, precision):
                updater = updating[turn.optimizer]
                updater.optimizer.zero_grad()
                torch.autograd.backward(updater.scaler.scale(turn.loss), inputs=updater.parameters)
                gradients = _gradients(updater.parameters)
                shared = torch.stack(
                    [turn.loss.detach(), turn.loss.new_tensor(float(asked_to_stop.is_set()))]
                )
                place.average([*gradients, shared])

                updater.scaler.unscale_(updater.optimizer)
                norm = get_total_norm(gradients)
                loss, asked, length = torch.stack([*shared, norm]).tolist()  # the one wait for a GPU
                rate = updater.config.rate(progress.step, stage.steps)
                if math.isfinite(loss) and math.isfinite(length):
                    if updater.config.clip is not None:
                        clip_grads_with_norm_(updater.parameters, updater.config.clip, norm)
                    updater.set_rate(rate)
                    updater.scaler.step(updater.optimizer)
                else:
                    finite = False
                updater.scaler.update()
                stop = asked > 0
                told |= {f"{turn.optimizer}/loss": loss, f"{turn.optimizer}/gradient": length}
                told |= {f"{turn.optimizer}/rate": rate}
                told |= {name: term.detach() for name, term in turn.terms.items()}

            if finite:
                statistics.share(place)
                if average is not None:
                    average.update(networks, step=progress.step)
            else:
                statistics.put_back()
            progress.count_step(stage.batch, finite=finite)
            if progress.skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
                raise _diverged(progress, stage)

            last = progress.step == stage.steps
            now = time.perf_counter()
            progress.seconds += now - began
            if progress.step % stage.log_every == 0 or last:
                told["samples_per_second"] = stage.batch / (now - began)
                told["waiting"] = (arrived - began) / (now - began)
                values = {name: float(value) for name, value in told.items()}
                run.log.scalars("train", progress.total, stage.name, values)
            run.log.advance(progress.total, stage.name)
            if progress.step % stage.validate_every == 0 or last:
                progress.results["after"] = run.validate(stage, average, precision)
                if best is not None:
                    best.consider(networks, progress.results["after"], progress=progress, place=place)
            if last and best is not None:
                networks.load_state_dict(best.networks.state_dict())
                progress.results["after"] = run.validate(stage, None, precision)
            if last:
                progress.end_stage()
            if last or stop or time.perf_counter() - saved > machine.save_every:
                run.save(average or best, updating)
                saved = time.perf_counter()
            if stop:
                run.log.say(f"stopped after step {progress.total}; the same command goes on from there.")
                raise KeyboardInterrupt
            began = time.perf_counter()


def _turns(
    objective: Objective, networks: nn.ModuleDict, batch: Batch, precision: Precision
) -> Iterator[Turn]:
    """The turns of an objective, each computed under autocast when the one before has been made."""
    turns = objective.turns(networks, batch)
    while True:
        with precision.autocast():
            turn = next(turns, None)
        if turn is None:
            return
        yield turn


def _gradients(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """The gradients, 0 where a parameter had no part in the loss, so that all processes have the same."""
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _seed(seed: int, step: int, rank: int) -> int:
    """For what networks draw (dropout): a function of the step, so that resuming needs no state."""
    return ((seed * 1_000_003 + step) * 4099 + rank) % (1 << 63)


def _diverged(progress: Progress, stage: Stage) -> TrainingError:
    return TrainingError(
        f"{stage.name}, step {progress.total}: no finite loss and gradient in {MOST_SKIPPED_IN_A_ROW} steps "
        "in a row, so the run has diverged; lower the learning rate, clip gradients, or use float32."
    )
