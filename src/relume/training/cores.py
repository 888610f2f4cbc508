"""How the cores of a machine are shared out among training and loading processes."""

import os

import torch

from relume.training.distributed import Place


def share_cores(place: Place, workers: int | None) -> int:
    """Settle how many processes load, and on a CPU how many threads train; they share the cores, not more.

    Threads that wait for one another while a loading process has their core lose many times what they gain.

    Args:
        workers: loading processes for each training process; None: half of its cores, 1 to 12.

    Returns:
        the number of loading processes.
    """
    cores = max(1, _cores() // place.processes_here)
    if workers is None:
        workers = max(1, min(12, cores // 2))
    if place.device.type == "cpu":
        torch.set_num_threads(max(1, cores - workers))
    return workers


def _cores() -> int:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
