"""The running statistics of normalisation layers, which learn without gradients."""

import torch
from torch import nn

from relume.training.distributed import Place


class RunningStatistics:
    """All floating-point buffers of some networks."""

    def __init__(self, networks: nn.ModuleDict) -> None:
        self._buffers = [buffer for buffer in networks.buffers() if buffer.is_floating_point()]
        self._kept = [buffer.clone() for buffer in self._buffers]

    def keep(self) -> None:
        """Remember them as they are, before a step."""
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)

    def put_back(self) -> None:
        """Undo what a step has done to them: one NaN would stay for ever."""
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._kept)

    def share(self, place: Place) -> None:
        """Average them over the processes, each of which has seen its own part of the batch."""
        place.average(self._buffers)
