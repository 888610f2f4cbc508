"""Many pictures × methods × protocols × metrics → records, on several processes with bounded memory."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import psutil
import torch

from relume.errors import FileError, MemoryLimitError, RelumeError
from relume.evaluation import measures, protocols
from relume.evaluation.cache import Cache, fingerprint, key_of
from relume.evaluation.cases import Case
from relume.evaluation.protocols import Protocol
from relume.evaluation.score import Named, Score, protocols_of, score
from relume.metrics import Metric, Viewing

Progress = Callable[[int, str], None]
"""Told how many pictures are done, and the name of the last."""

# Measured: HDR-VDP-2, the hungriest metric, takes 960 bytes for each pixel; the rest is for the pictures.
_BYTES_PER_PIXEL = 1200
_BYTES_PER_PROCESS = 500 << 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured and how; two runs with the same settings give the same numbers."""

    metrics: tuple[str, ...] = measures.DEFAULT
    protocols: tuple[str, ...] = protocols.DEFAULT
    viewing: Viewing = field(default_factory=Viewing)
    reference_white: float | None = None
    """cd/m² of 1.0 in pictures that do not say so themselves."""
    cache: Path | None = None
    """A folder for numbers, so that a run goes on where an earlier one ended; None: none."""
    workers: int | None = None
    """Processes; None: as many as there are cores, or fewer where memory is short."""

    def __post_init__(self) -> None:
        for name in self.metrics:
            measures.find(name)
        for name in self.protocols:
            protocols.find(name)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One number of one picture."""

    scene: str
    picture: str
    method: str
    metric: str
    protocol: str
    value: float
    described: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What could not be measured, in a sentence."""

    picture: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run gave, in the order of its cases."""

    records: list[Record] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def run(cases: Sequence[Case], settings: Settings, *, progress: Progress | None = None) -> Outcome:
    """Measure all cases; one that fails is told in a sentence and the others still go through.

    Raises:
        MemoryLimitError: not even one picture fits the memory that is free, or a process was killed.
        UnwritableFile: the cache cannot be written.
    """
    found: dict[int, Outcome] = {}
    try:
        for index, outcome in _outcomes(cases, settings):
            found[index] = outcome
            if progress is not None:
                progress(len(found), cases[index].picture)
    except BrokenProcessPool as error:
        kept = "; what was measured is kept in the cache" if settings.cache else ""
        raise MemoryLimitError(
            f"a process was killed, most likely for lack of memory{kept}; give fewer --workers, or close "
            "other programs."
        ) from error
    ordered = [found[index] for index in range(len(cases))]
    return Outcome(
        records=[record for outcome in ordered for record in outcome.records],
        failures=[failure for outcome in ordered for failure in outcome.failures],
    )


def _outcomes(cases: Sequence[Case], settings: Settings) -> Iterator[tuple[int, Outcome]]:
    workers = min(worker_count(cases, settings.workers), len(cases))
    if workers <= 1:
        for index, case in enumerate(cases):
            yield index, measure_case(case, settings)
        return
    # Threads of torch do not survive a fork, so processes start afresh.
    context = multiprocessing.get_context("spawn")
    threads = max((os.cpu_count() or 1) // workers, 1)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        queue = iter(enumerate(cases))
        pending: dict[Future[Outcome], int] = {}
        try:
            while True:
                for index, case in islice(queue, 2 * workers - len(pending)):
                    pending[pool.submit(measure_case, case, settings)] = index
                if not pending:
                    return
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
        finally:
            for future in pending:
                future.cancel()


def worker_count(cases: Sequence[Case], wanted: int | None) -> int:
    """How many processes may work at once: those wanted, as far as the free memory carries them.

    Raises:
        MemoryLimitError: not even one picture fits.
    """
    needed = _BYTES_PER_PROCESS + _BYTES_PER_PIXEL * max((_pixels(case) for case in cases), default=0)
    free = psutil.virtual_memory().available
    if needed > free:
        raise MemoryLimitError(
            f"measuring the largest picture needs about {needed / 2**30:.1f} GiB of memory and "
            f"{free / 2**30:.1f} GiB are free; make it smaller or close other programs."
        )
    return max(min(wanted or os.cpu_count() or 1, int(free // needed)), 1)


def _pixels(case: Case) -> int:
    try:
        return case.pixels()
    except FileError:
        return 0  # told when it is its turn


def measure_case(case: Case, settings: Settings) -> Outcome:
    """All numbers of one picture."""
    outcome = Outcome()
    try:
        material = case.load()
    except (RelumeError, MemoryError) as error:
        outcome.failures.append(_failure(case, error))
        return outcome
    cache, reference = Cache(settings.cache), fingerprint(material.reference)
    for method, make in material.predictions.items():
        try:
            prediction = make()
        except (RelumeError, MemoryError) as error:
            outcome.failures.append(_failure(case, error))
            continue
        known = fingerprint(prediction)
        for metric, protocol in _combinations(settings):
            key = key_of(
                known,
                reference,
                metric=metric,
                protocol=protocol,
                viewing=settings.viewing,
                reference_white=settings.reference_white,
            )
            try:
                found = cache.get(key) or _computed(
                    prediction, material.reference, metric, protocol, settings, cache, key
                )
            except (RelumeError, MemoryError) as error:
                failure = _failure(case, error)
                if failure not in outcome.failures:  # other metrics and protocols meet the same obstacle
                    outcome.failures.append(failure)
                continue
            outcome.records.append(
                Record(scene=case.scene, picture=case.picture, method=method, **vars(found))
            )
    return outcome


def _combinations(settings: Settings) -> Iterator[tuple[Metric, Protocol]]:
    chosen = tuple(protocols.find(name) for name in settings.protocols)
    for name in settings.metrics:
        metric = measures.find(name)
        for protocol in protocols_of(metric, chosen):
            yield metric, protocol


def _computed(
    prediction: Named,
    reference: Named,
    metric: Metric,
    protocol: Protocol,
    settings: Settings,
    cache: Cache,
    key: str,
) -> Score:
    found = score(
        prediction,
        reference,
        metric=metric,
        protocol=protocol,
        viewing=settings.viewing,
        reference_white=settings.reference_white,
    )
    cache.put(key, found)
    return found


def _failure(case: Case, error: BaseException) -> Failure:
    if isinstance(error, MemoryError) and not isinstance(error, RelumeError):
        message = f"{case.picture}: there is not enough memory; make the picture smaller."
        return Failure(picture=case.picture, message=message)
    return Failure(picture=case.picture, message=str(error))
