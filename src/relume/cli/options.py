"""Options that several verbs share, each a dataclass that the command line flattens."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from relume.errors import MethodError

if TYPE_CHECKING:
    from relume.inference.runner import RunSettings
    from relume.io.formats.format import WriteOptions

# Of a bracket.
_MOST_EXPOSURES, _MOST_STOPS = 33, 20

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
"""A switch that is off unless named."""

Inputs = Annotated[str, Parameter(required=True)]
"""Of a variable number of inputs, at least one."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where results go and how they are written."""

    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    """A file, or a folder for several; without it results lie beside their inputs."""
    format: str | None = None
    """Suffix of the results in a folder, for example exr, avif, tiff, png or jpg."""
    depth: int | None = None
    """Bits per channel: EXR 16 or 32, TIFF and JPEG XL 8, 16 or 32, PNG 8 or 16, AVIF, HEIC 8, 10 or 12."""
    quality: int = 95
    """Of JPEG, AVIF, HEIC and JPEG XL, 1 to 100."""
    transfer: str | None = None
    """Curve of files for HDR screens (AVIF, PNG, HEIC, JPEG XL): pq (default), hlg, the last also linear."""
    primaries: str | None = None
    """Primaries of the results: bt709, p3, bt2020 (default for HDR screens), aces-ap0 or aces-ap1."""
    gain_map_channels: int = 3
    """Of JPEG with a gain map: 3, or 1 for less data and hues of the SDR picture."""
    gain_map_scale: int = 1
    """Of JPEG with a gain map: pixels each way that share a value of the map."""
    strip: Flag = False
    """Leave out date, place, camera, description and copyright."""
    overwrite: Flag = False
    """Replace files that exist."""
    recursive: Flag = False
    """Go into the sub-folders of input folders."""
    json: Flag = False
    """Print one JSON array, with an object for each file, instead of sentences."""

    def write_options(self, *, peak: float | None = None, clip: bool = False) -> "WriteOptions":
        """How to write the results."""
        from relume.io.formats.format import SCREEN_PEAK, WriteOptions

        return WriteOptions(
            depth=self.depth,
            quality=self.quality,
            transfer=self.transfer,
            primaries=self.primaries,
            peak=SCREEN_PEAK if peak is None else peak,
            clip=clip,
            gain_map_channels=self.gain_map_channels,
            gain_map_scale=self.gain_map_scale,
            strip=self.strip,
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """Which method, and how it is set."""

    method: str | None = None
    """One of those that `relume methods` lists."""
    param: Annotated[list[str], Parameter(name="--param", negative=(), show_default=False)] = field(
        default_factory=list
    )
    """A parameter of the method as key=value; may be given several times."""
    reference_white: float | None = None
    """Luminance in cd/m² of diffuse white: 1.0 of an expansion (default 203) or of a relative HDR picture."""
    peak: float | None = None
    """Luminance in cd/m²: the brightest light of an expansion and of its file for HDR screens (1000 there,
    unless given), or the display's white of a tone mapping."""
    force: Flag = False
    """Go on with input that looks wrong: the other direction, NaN, infinite or negative light."""

    def parameters(self) -> dict[str, Any]:
        """The `--param` texts by name.

        Raises:
            MethodError: a text that is not key=value.
        """
        pairs = [text.partition("=") for text in self.param]
        for key, separator, _ in pairs:
            if not key or not separator:
                raise MethodError(f"--param {key}{separator}: expected key=value, for example bias=0.8.")
        return {key: value for key, _, value in pairs}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ExpansionOptions:
    """What an expansion makes of the picture; the first three are parameters of methods that have them."""

    response: Literal["estimated", "srgb"] | None = None
    """What codes mean: estimated, the light of the scene (default of EXR and other light); srgb, the light of
    the screen, so that everything below white stays as it was seen (default of files for screens)."""
    highlights: float | None = None
    """How much of the estimated light above white is taken, 0 to 1."""
    panorama: bool | None = None
    """Whether left and right edge meet, as in equirectangular panoramas; else as the file says (GPano)."""
    bracket: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    """Write an exposure bracket from:to:step in stops, for example -4:4:2, of 8-bit PNG or JPEG pictures in
    place of one HDR file."""
    no_masks: Flag = False
    """Leave the layers clipped.Y and confidence.Y, which tell what was invented, out of EXR files."""

    def parameters(self) -> dict[str, Any]:
        """Those that are parameters of the method, where they were given."""
        given = {"response": self.response, "highlights": self.highlights, "panorama": self.panorama}
        return {name: value for name, value in given.items() if value is not None}

    def stops(self) -> tuple[float, ...]:
        """The exposures of the bracket, empty where none is wanted.

        Raises:
            MethodError: not from:to:step, or more pictures than anybody wants.
        """
        if self.bracket is None:
            return ()
        try:
            first, last, step = map(float, self.bracket.split(":"))
            count = math.floor((last - first) / step + 1e-6) + 1
        except (ValueError, ArithmeticError):
            count = 0
        if not 1 <= count <= _MOST_EXPOSURES or max(abs(first), abs(last)) > _MOST_STOPS:
            raise MethodError(
                f"--bracket {self.bracket}: expected from:to:step in stops, for example -4:4:2, at most "
                f"{_MOST_EXPOSURES} pictures and {_MOST_STOPS} stops."
            )
        return tuple(round(first + index * step, 6) + 0.0 for index in range(count))


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """On what it runs; the result is the same but for rounding."""

    device: str = "auto"
    """auto, cpu or cuda."""
    precision: str = "auto"
    """auto, float32, or another that the method is exact in."""
    max_memory: str | None = None
    """Memory that the work may take, for example 2GiB; without it what the machine has free."""

    def settings(self) -> "RunSettings":
        """What the runner is told.

        Raises:
            MemoryLimitError: `max_memory` is not an amount of memory.
        """
        from relume.inference.memory import parse_memory
        from relume.inference.runner import RunSettings

        limit = None if self.max_memory is None else parse_memory(self.max_memory)
        return RunSettings(device=self.device, precision=self.precision, max_memory=limit)
