"""A network as a method: what the runner needs to run trained weights on pictures of any size."""

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from relume.method import Method, MethodSpec, Statistics
from relume.models import find
from relume.models.weights import load_weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned(Method):
    """A trained network that takes what its spec says and returns what its spec says."""

    network: nn.Module
    spec: MethodSpec  # type: ignore[misc]
    radius: int
    """How far around a pixel the network looks."""

    @property
    def halo(self) -> int:
        """The radius of the network."""
        return self.radius

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Run the network, which follows the image to its device."""
        result: Tensor = self.network.to(image.device)(image)
        return result


def load_method(path: Path) -> Learned:
    """The method of a weight file, ready for `relume.inference.runner.run`.

    Raises:
        UnreadableFile: missing, damaged, or not weights of a network of this version.
    """
    network, card = load_weights(path)
    model = find(card.model)
    return Learned(network=network, spec=model.spec, radius=model.halo)
