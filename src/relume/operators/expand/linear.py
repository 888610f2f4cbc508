"""The unprocessed input: SDR light as it is, the baseline of every comparison."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.method import Direction, Method, MethodSpec, Statistics


@dataclass(frozen=True, kw_only=True)
class Linear(Method):
    """The linearised input, unchanged: diffuse white stays 1.0 and nothing is brighter.

    Agreement: nothing to agree with.

    Picture: the photograph.
    """

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="linear",
        title="Linearised input, unprocessed",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_SCENE,
        citation="hanji2022",
        memory=0.0,
        scaling="proportional",
        precisions=("float32", "float64", "bfloat16", "float16"),
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Return the image as it is."""
        return image
