"""The best that a stage has had, for objectives whose loss can fall while the pictures get worse."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import nn

from relume.training.checkpoint import Progress
from relume.training.distributed import Place
from relume.training.errors import TrainingError


class Best:
    """Copies of the networks as they scored best in the validations of a stage."""

    def __init__(self, networks: nn.ModuleDict, *, score: str) -> None:
        self.networks = deepcopy(networks).eval().requires_grad_(False)
        self.score = score

    def consider(
        self, networks: nn.ModuleDict, scores: Mapping[str, float], *, progress: Progress, place: Place
    ) -> None:
        """Copy the networks if they score higher than ever in this stage.

        Args:
            scores: of these networks, on the first process; the others are told.

        Raises:
            TrainingError: the objective has no such score.
        """
        if place.is_first and self.score not in scores:
            raise TrainingError(
                f"the stage keeps what has the best '{self.score}'; its objective scores {', '.join(scores)}."
            )
        share = torch.tensor(scores.get(self.score, 0.0), dtype=torch.float64).to(place.device)
        place.average([share])
        value = float(share) * place.processes
        if progress.best is None or value > progress.best:
            progress.best = value
            self.networks.load_state_dict(networks.state_dict())
