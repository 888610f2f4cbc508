"""An exponential moving average of the weights, which scores better than the weights of the last step."""

from copy import deepcopy

import torch
from torch import nn


class MovingAverage:
    """Averaged copies of networks.

    Early on the average is shorter than `decay` says, (1 + n)/(10 + n) after n steps, so that it does not
    remember the first, random weights.
    """

    def __init__(self, networks: nn.ModuleDict, *, decay: float) -> None:
        self.networks = deepcopy(networks).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, networks: nn.ModuleDict, *, step: int) -> None:
        """Take in the weights after step `step` (from 0) of the stage.

        Statistics of normalisation are averaged as the weights are: those of the last few batches belong to
        the last weights. Integers are copied.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.networks.parameters()), list(networks.parameters()), 1.0 - decay)
        for mine, theirs in zip(self.networks.buffers(), networks.buffers(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1.0 - decay)
            else:
                mine.copy_(theirs)
