"""Networks with parts that look at the whole image: a global feature, estimated parameters, thresholds."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from relume.method import Statistics


class MeasuringNetwork(nn.Module, ABC):
    """A network whose whole-image parts are computed once, so that the rest can run tile by tile.

    `network(image)` is enough where the image is whole, in training for instance.
    """

    @abstractmethod
    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What tiles must know of the whole image; see `relume.method.Statistics` for the shapes."""

    @abstractmethod
    def forward(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Process the image, or a tile of it when the statistics of the whole are given."""
