"""Batches of a data set whose samples are pure functions of their index: nothing to resume but a number."""

import signal
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from relume.errors import RelumeError
from relume.training.distributed import Place
from relume.training.errors import TrainingError
from relume.training.objective import Batch

Samples = Dataset[dict[str, Tensor]]
"""`samples[index]` depends on nothing but the index, which may be any number below 2^40."""

# Where a sample is bad, the one this much further on takes its place, on every process and in every run.
_SUBSTITUTE = 1 << 36
_ATTEMPTS = 4


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """One batch, and what was wrong with samples that had to be replaced."""

    batch: Batch
    problems: tuple[str, ...]


def batches(
    samples: Samples,
    *,
    first: int,
    steps: int,
    batch: int,
    place: Place,
    workers: int,
    layout: torch.memory_format = torch.contiguous_format,
) -> Generator[Loaded, None, None]:
    """This process's part of `steps` batches, on its device.

    Sample i of process r in step s has the index first + s·batch + r·(batch / processes) + i, so that any
    number of processes sees what one would see.

    Args:
        first: index of the first sample.
        batch: samples in a step, over all processes.
        workers: processes that load; 0 loads between the steps.
        layout: of the pictures in memory.

    Raises:
        TrainingError: the batch cannot be shared out evenly; a loading process died; a sample and all its
            substitutes are bad.
    """
    if batch % place.processes:
        raise TrainingError(
            f"a batch of {batch} cannot be shared out among {place.processes} processes; "
            f"give a --batch that is a multiple of {place.processes}."
        )
    on_gpu = place.device.type == "cuda"
    loader = DataLoader(
        _Tolerant(samples),
        batch_sampler=_Indices(first=first, steps=steps, batch=batch, place=place),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        collate_fn=_collate,
        worker_init_fn=_leave_signals_to_the_parent,
        pin_memory=on_gpu and workers > 0,
    )
    try:
        for loaded in loader:
            if not loaded.batch:
                raise TrainingError(
                    f"a sample and its {_ATTEMPTS - 1} substitutes are bad ({loaded.problems[-1]}) "
                    "Repair the data, then start again: the run goes on from its last checkpoint."
                )
            yield Loaded(batch=move(loaded.batch, place.device, layout), problems=loaded.problems)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise TrainingError(
            "a loading process died, most likely because memory ran out; use fewer --workers."
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Indices(Sampler[list[int]]):
    first: int
    steps: int
    batch: int
    place: Place

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // self.place.processes
        for step in range(self.steps):
            start = self.first + step * self.batch + self.place.rank * share
            yield list(range(start, start + share))


class _Tolerant(Dataset[tuple[dict[str, Tensor], tuple[str, ...]]]):
    """A sample, or a substitute and what was wrong; errors cannot leave a loading process unharmed."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
        problems: list[str] = []
        for attempt in range(_ATTEMPTS):
            tried = index + attempt * _SUBSTITUTE
            try:
                return self.samples[tried], tuple(problems)
            except (RelumeError, OSError) as error:
                problems.append(f"sample {tried}: {error}")
        return {}, tuple(problems)


def _collate(samples: list[tuple[dict[str, Tensor], tuple[str, ...]]]) -> Loaded:
    problems = tuple(problem for _, problems in samples for problem in problems)
    if not all(sample for sample, _ in samples):
        return Loaded(
            batch={}, problems=problems
        )  # told by the parent: errors leave this process as tracebacks
    return Loaded(batch=stack([sample for sample, _ in samples]), problems=problems)


def stack(samples: Sequence[dict[str, Tensor]]) -> Batch:
    """Samples as one batch."""
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}


def move(batch: Batch, device: torch.device, layout: torch.memory_format) -> Batch:
    """The batch on a device, pictures in the layout that the convolutions want."""
    moved = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
    return {
        name: tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor
        for name, tensor in moved.items()
    }


def _leave_signals_to_the_parent(worker: int) -> None:
    """Ctrl-C and a SIGTERM to the group reach the loading processes too, which are needed until all is saved.

    They end when the training process says so, or is gone.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
