"""Where a process stands among those that train together, and how they agree on gradients.

The processes are started by `torchrun`. Gradients are averaged by all-reduces after each backward pass rather
than by wrapping networks in DistributedDataParallel: a wrapper has to know which parameters a forward pass
will use and how often, which alternating updates, shared and frozen networks and several passes through one
network all break, while a mean over whatever gradients a turn has produced is right for any objective. The
price is that communication does not overlap with the backward pass.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

from relume.training.errors import TrainingError

# Tensors are sent in pieces of about this size: few calls, and little memory beside the gradients.
_PIECE_BYTES = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """One process of the training."""

    rank: int
    processes: int
    """On all machines together."""
    processes_here: int
    """On this machine."""
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes; all give the same shapes in the same order."""
        if self.processes == 1:
            return
        for piece in _pieces(tensors):
            flat = torch.cat([tensor.flatten() for tensor in piece])
            torch.distributed.all_reduce(flat)
            flat /= self.processes
            for tensor, mean in zip(
                piece, torch.split(flat, [tensor.numel() for tensor in piece]), strict=True
            ):
                tensor.copy_(mean.view_as(tensor))


@contextlib.contextmanager
def join(device: str) -> Iterator[Place]:
    """Take the place that `torchrun` gave this process, or that of the only one.

    Args:
        device: "auto" (a GPU if there is one), "cpu" or "cuda".

    Raises:
        TrainingError: a device that is not there.
    """
    rank, processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    chosen = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if processes == 1:
        yield Place(rank=0, processes=1, processes_here=1, device=chosen)
        return
    torch.distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        yield Place(rank=rank, processes=processes, processes_here=here, device=chosen)
    finally:
        torch.distributed.destroy_process_group()


def _device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    if name != "cuda" or local_rank >= torch.cuda.device_count():
        raise TrainingError(
            f"device '{name}' for process {local_rank} of this machine is not there; expected auto, cpu, "
            f"or cuda with one GPU for each process ({torch.cuda.device_count()} found)."
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device


def _pieces(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The tensors in their order, in groups of about the size of a piece."""
    piece: list[Tensor] = []
    size = 0
    for tensor in tensors:
        piece.append(tensor)
        size += tensor.numel() * tensor.element_size()
        if size >= _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
