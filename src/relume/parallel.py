"""Independent pieces of work on all cores."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def for_each(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do the work for each item on as many threads as torch has, each of which computes by itself.

    Small tensors are done faster so than by all threads together, which wait for each other in every single
    operation; on a busy machine, many times faster. Gradients are recorded anew in each thread: work that
    needs none says so itself. The first exception is raised, once the pieces begun have ended.
    """
    import torch

    threads = torch.get_num_threads()
    pieces = list(items)
    if min(threads, len(pieces)) < 2:
        for piece in pieces:
            work(piece)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for future in [pool.submit(work, piece) for piece in pieces]:
                future.result()
    finally:
        # The initializer's 1 would count for threads that others start later.
        torch.set_num_threads(threads)
