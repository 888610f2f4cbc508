"""The objective of Ember's cleaner: the codes as they were before noise, JPEG and rounding."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from relume.models.cleaner import Cleaner
from relume.models.ember import MOST_CODES, Ember
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.validation import score_reconstruction

_NOISE = 0.02
"""Mean squared errors below, in codes of 8 bits, are as good as none."""


@dataclass(frozen=True, kw_only=True)
class CodeCleaning(Objective):
    """Decibels of the codes that are not clipped, each picture as important as another.

    Half of the loss is that of changes as small as those that are made unless more is asked for, half of
    unlimited ones.

    The batch has `sdr` and `clean`, the same picture without what is to be taken out (both encoded, 0..1);
    the optimizer is called "model".
    """

    codes: float = MOST_CODES

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        """One turn."""
        network, sdr = networks["model"], batch["sdr"]
        assert isinstance(network, Ember)
        assert isinstance(network.cleaner, Cleaner)
        wanted = 255.0 * (batch["clean"] - sdr)
        counted = (network.clipped(sdr) == 0.0).to(sdr.dtype)
        change = network.cleaner(sdr)
        terms = {
            "little": _error(change.clamp(-self.codes, self.codes), wanted, counted),
            "all": _error(change, wanted, counted),
        }
        yield Turn(optimizer="model", loss=terms["little"] + terms["all"], terms=terms)

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        """Scores of the whole, with the estimated response."""
        return score_reconstruction(batch["sdr"], networks["model"](batch["sdr"]), batch["hdr"])


def _error(
    change: Float[Tensor, "batch 3 height width"],
    wanted: Float[Tensor, "batch 3 height width"],
    counted: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, ""]:
    squared = ((change - wanted).square() * counted).mean((1, 2, 3))
    return (squared + _NOISE).log10().mean()
