"""The ordinary objective: one network, pairs, a weighted sum of losses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.validation import score_reconstruction

Loss = Callable[[Tensor, Tensor], Tensor]
"""(prediction, target) → a number."""


@dataclass(frozen=True, kw_only=True)
class Reconstruction(Objective):
    """The light in front of the camera from the picture that it took.

    The batch has `sdr` (encoded, 0..1) and `hdr` (linear, 1.0 = the level that clips); the one optimizer is
    called "model".
    """

    losses: Mapping[str, tuple[float, Loss]]
    """Weight and loss by name; each is logged by itself, unweighted."""

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        prediction: Float[Tensor, "batch 3 height width"] = networks["model"](batch["sdr"])
        terms = {name: loss(prediction, batch["hdr"]) for name, (_, loss) in self.losses.items()}
        total = sum(
            (weight * terms[name] for name, (weight, _) in self.losses.items()), prediction.new_zeros(())
        )
        yield Turn(optimizer="model", loss=total, terms=terms)

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """PU21-PSNR and the error in the clipped pixels."""
        return score_reconstruction(batch["sdr"], networks["model"](batch["sdr"]), batch["hdr"])
