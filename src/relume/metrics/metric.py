"""What a metric says of itself: `MetricSpec`, and `Metric`, a row of the table of metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from jaxtyping import Float
from torch import Tensor

from relume.errors import MethodError
from relume.metrics.operands import Picture


class Operands(StrEnum):
    """Which pictures a metric compares."""

    HDR = "hdr"
    """Prediction and reference, both linear HDR light."""
    TONE_MAPPING = "tone mapping"
    """An encoded SDR prediction and the HDR picture that it shows."""
    HDR_ALONE = "hdr alone"
    """A prediction without a reference."""
    CLIP = "clip"
    """Frames of a prediction and of the reference, (frames, 3, height, width) of linear light."""


class Direction(StrEnum):
    """Which values are good."""

    HIGHER = "higher is better"
    LOWER = "lower is better"


@dataclass(frozen=True, kw_only=True)
class Viewing:
    """How pictures are looked at: what a number depends on beside the pictures."""

    pixels_per_degree: float = 30.0
    """Angular resolution; 30 is a full-HD screen at arm's length, 60 an eye's limit."""
    peak: float = 1000.0
    """Luminance in cd/m² that the display can show; who prepares the pictures cuts light above it."""
    encoding: str = "rgb-bt.709"
    """What the values of the pictures are, in the words of HDR-VDP."""

    def __str__(self) -> str:
        return f"{self.encoding}, peak {self.peak:g} cd/m², {self.pixels_per_degree:g} pixels/degree"


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """Everything that a reader of a number needs to know of the metric."""

    name: str
    title: str
    """One line for people."""
    unit: str
    """`dB`, `JOD`, `stops`; empty for plain numbers."""
    direction: Direction
    operands: Operands
    domain: str
    """In which units differences are taken: `PU21 of RGB`, `PQ`, `linear`."""
    version: str
    """Of the definition or of the program that it agrees with."""
    citation: str
    """A key of docs/references.bib."""
    absolute: bool = True
    """Whether light must be in cd/m²; else any common unit will do."""
    uses: tuple[str, ...] = ()
    """The fields of `Viewing` that change the number."""
    lowest: float | None = None
    highest: float | None = None
    """The range of values, None where there is no bound."""
    identical: float | None = None
    """The value for identical pictures; None: there is none, or it depends on them."""
    minimum_size: int = 1
    """The least height and width."""
    claimable: float | None = None
    """The smallest difference of means that a study found to be visible in the ranking by observers."""
    differentiable: bool = True


Score = Callable[[Picture, Picture | None, Viewing], Float[Tensor, "*batch"]]


def full_reference(function: Callable[[Picture, Picture], Float[Tensor, "*batch"]]) -> Score:
    """The score of a metric that looks at the two pictures and at nothing else."""

    def score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
        return function(prediction, required(reference))

    return score


def required(reference: Picture | None) -> Picture:
    """The reference of a metric that cannot do without.

    Raises:
        MethodError: there is none.
    """
    if reference is None:
        raise MethodError("this metric compares two pictures and was given no reference; pass one.")
    return reference


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A row of the table: the spec and the number."""

    spec: MetricSpec
    score: Score
    """(prediction, reference, viewing) → one number for each picture. The reference is None for metrics
    without one; a clip gives one number."""

    def described(self, viewing: Viewing, *, alignment: str = "none") -> str:
        """The string that goes with a number: metric, version, viewing conditions that matter, alignment."""
        parts = [f"{self.spec.name} ({self.spec.version})"]
        if "encoding" in self.spec.uses:
            parts.append(viewing.encoding)
        if self.spec.absolute:
            parts.append(f"peak {viewing.peak:g} cd/m²")
        if "pixels_per_degree" in self.spec.uses:
            parts.append(f"{viewing.pixels_per_degree:g} pixels/degree")
        return ", ".join([*parts, f"alignment: {alignment}"])
