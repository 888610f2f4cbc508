"""What a method says of itself: `MethodSpec`, `parameter` and the abstract `Method`.

A method takes linear or encoded tensors, as its spec says, and returns tensors. It knows nothing of files,
devices or tiles: the runner (`relume.inference.runner`) reads the spec and does the rest.
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import Encoding
from relume.errors import MethodError

Statistics = dict[str, Tensor]
"""What a method measured once on the whole image. Each tensor broadcasts against (batch, 3, height, width):
numbers have height and width 1, maps have those of the image and are cut by the runner along with it.
A curve is numbers too, one channel for each of its nodes. Those that the spec calls small maps may have any
size: they stand for what bilinear interpolation makes of them at that of the image (`filters.enlarge`); the
runner enlarges for each tile the part of it."""


class Direction(StrEnum):
    """Which way a method goes."""

    EXPAND = "expand"
    """SDR to HDR (inverse tone mapping)."""
    TONEMAP = "tonemap"
    """HDR to SDR."""


class Temporal(StrEnum):
    """How a method treats the frames of a video."""

    STILL = "still"
    """Each frame by itself."""
    RECURRENT = "recurrent"
    """State is carried from frame to frame."""
    WINDOW = "window"
    """Several neighbouring frames at once."""


@dataclass(frozen=True, kw_only=True)
class MethodSpec:
    """Everything that a runner, a table or a reader needs to know of a method without running it."""

    name: str
    """The name in the catalog: author and year, or the name of the network."""
    title: str
    """One line for people."""
    direction: Direction
    input: Encoding
    """What the method wants. White None: any scale will do; else 1.0 is that many cd/m²."""
    output: Encoding
    """What it returns. Of an expansion, white None means that 1.0 is diffuse white."""
    citation: str
    """A key of docs/references.bib."""
    licence: str = "Apache-2.0"
    temporal: Temporal = Temporal.STILL
    size_multiple: int = 1
    """Height and width are padded to a multiple of this."""
    size_minimum: int = 1
    """Smaller images are padded to this."""
    precisions: tuple[str, ...] = ("float32", "float64")
    """In which the result is what it is in float64, but for rounding; the first is the default."""
    tolerance: float = 1e-5
    """Largest difference between tiled and untiled, relative to the largest value of the result."""
    memory: float = 2.0
    """Floats per pixel that `measure` needs beside the image, at its peak."""
    small_maps: tuple[str, ...] = ()
    """Names of the statistics that are maps of the whole image at a lower resolution."""
    masks: tuple[str, ...] = ()
    """What it can say of every pixel beside its light: the channels of `Method.mask`, by name."""
    scaling: str = "invariant"
    """What happens when the exposure of the input doubles: the result stays (`invariant`), doubles
    (`proportional`), or changes in another way (`dependent`)."""
    differentiable: bool = True
    """Whether gradients flow from output to input."""
    upper: float | None = None
    """The largest value that the output can take, None where there is no bound."""
    weights: str | None = None
    """The weight file of a learned method."""


class Method(ABC):
    """A configured method: a frozen dataclass whose fields are its parameters.

    `method(image)` is enough where the image is whole. Who cuts it into tiles calls `measure` on the whole
    first and hands the statistics to every tile.
    """

    spec: ClassVar[MethodSpec]

    @property
    def halo(self) -> int:
        """How many pixels around a tile its result depends on; 0 for pointwise methods."""
        return 0

    @property
    def wraps(self) -> bool:
        """Whether small maps go on at the left edge of the image where they end at the right."""
        return False

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What has to be known of the whole image before a part of it can be computed."""
        return {}

    def carry(self, measured: Statistics, previous: Statistics | None) -> Statistics:
        """The statistics of a frame of a clip, given those used for the frame before, None for the first.

        A still method takes what was measured. What a recurrent one keeps for later frames is in the
        statistics too, under names of its own and with as many channels as it likes.
        """
        return measured

    @abstractmethod
    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Process the image, or a tile of it when the statistics of the whole are given."""

    def mask(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch masks height width"]:
        """What the method says of every pixel of its result, 0..1, in channels that `spec.masks` names.

        Like a call otherwise. A method that names no masks is not asked.
        """
        raise NotImplementedError(f"{self.spec.name} tells no masks")


def parameter(
    default: Any,
    meaning: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    choices: tuple[str, ...] = (),
    unit: str = "",
) -> Any:
    """A field of a method's dataclass, with what a person needs to know to set it."""
    metadata = {
        "meaning": meaning,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "unit": unit,
    }
    return field(default=default, metadata=metadata)


def configure(method: type[Method], parameters: dict[str, Any]) -> Method:
    """Build a method from parameter values or their text forms.

    Raises:
        MethodError: a parameter that the method does not have, or a value outside its range.
    """
    known = {item.name: item for item in dataclasses.fields(method)}  # type: ignore[arg-type]
    values = {}
    for name, value in parameters.items():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise MethodError(f"{method.spec.name} has no parameter '{name}'; it has {listed}.")
        values[name] = _checked(method.spec.name, known[name], value)
    return method(**values)


def _checked(method: str, item: "dataclasses.Field[Any]", value: Any) -> Any:
    converted = _converted(method, item, value)
    about = item.metadata
    if about["choices"] and converted not in about["choices"]:
        raise MethodError(
            f"{method}: {item.name} is '{value}'; expected one of {', '.join(about['choices'])}."
        )
    if isinstance(converted, int | float) and not about["minimum"] <= converted <= about["maximum"]:
        raise MethodError(
            f"{method}: {item.name} is {value}; expected {about['minimum']:g} to {about['maximum']:g}."
        )
    return converted


def _converted(method: str, item: "dataclasses.Field[Any]", value: Any) -> Any:
    """Text to the type of the field. A default of None means: found from the image unless given."""
    if item.default is None and (value is None or value == "auto"):
        return None
    reader, wanted = _READERS[float if item.default is None else type(item.default)]
    try:
        return reader(value)
    except (KeyError, OverflowError, TypeError, ValueError):
        raise MethodError(f"{method}: {item.name} is '{value}'; expected {wanted}.") from None


def _switch(value: Any) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[str(value).lower()]


def _whole(value: Any) -> int:
    if float(value) != int(float(value)):
        raise ValueError
    return int(float(value))


# The type of a parameter → what makes it of a text, and the words for it.
_READERS: dict[type, tuple[Callable[[Any], Any], str]] = {
    bool: (_switch, "yes or no"),
    int: (_whole, "a whole number"),
    float: (float, "a number"),
    str: (str, "a word"),
}
