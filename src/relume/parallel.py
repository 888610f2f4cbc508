"""Independent pieces of work on all cores."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 4
"""So many pieces for each thread are taken ahead."""


def for_each(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do the work for each item on as many threads as torch has, each of which computes by itself.

    Small tensors are done faster so than by all threads together, which wait for each other in every single
    operation; on a busy machine, many times faster. Gradients are recorded anew in each thread: work that
    needs none says so itself. The first exception is raised, once the pieces begun have ended. Items are
    asked for as they are needed, a few ahead.
    """
    import torch

    threads = torch.get_num_threads()
    pieces = iter(items)
    begun = list(islice(pieces, _AHEAD * threads if threads > 1 else 1))
    if min(threads, len(begun)) < 2:
        for piece in chain(begun, pieces):
            work(piece)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            waiting = deque(pool.submit(work, piece) for piece in begun)
            while waiting:
                waiting.popleft().result()
                waiting.extend(pool.submit(work, piece) for piece in islice(pieces, 1))
    finally:
        # The initializer's 1 would count for threads that others start later.
        torch.set_num_threads(threads)
