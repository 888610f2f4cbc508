"""Pictures of a report: what a display shows, errors in stops, luminance in false colours, visibility."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.color.transfer import srgb
from relume.evaluation import protocols
from relume.evaluation.cases import Case
from relume.evaluation.display import codes_of, light_of
from relume.evaluation.protocols import Protocol
from relume.evaluation.run import Settings
from relume.evaluation.score import Named
from relume.metrics.hdr_vdp3 import HDR_VDP3, hdr_vdp3
from relume.operators.tonemap.reinhard2002 import Reinhard2002

LUMINANCE = "luminance in false colours"
ERROR = "error in stops, too dark to too bright"
VISIBILITY = "probability that the difference is seen (HDR-VDP-3)"
"""Kinds of pictures that have a scale."""

LONGEST_SIDE = 400
ERROR_STOPS = 2.0
"""Errors beyond this are shown like it."""
LOWEST = 0.1
"""cd/m²; darker light is shown like it."""
_REFERENCE_WHITE = 203.0
_DARKER_STOPS = 3.0

Colour = tuple[int, int, int]

# From dark to bright with rising lightness, so that it reads in grey, too.
LUMINANCE_COLOURS: tuple[Colour, ...] = (
    (8, 8, 32), (38, 30, 110), (30, 85, 160), (20, 135, 140), (70, 175, 90), (190, 200, 60), (250, 225, 150),
    (255, 255, 255),
)  # fmt: skip
# Too dark is blue, too bright orange: different for all kinds of colour vision.
ERROR_COLOURS: tuple[Colour, ...] = (
    (20, 60, 150), (90, 150, 220), (245, 245, 245), (240, 160, 80), (160, 60, 10)
)  # fmt: skip
PROBABILITY_COLOURS: tuple[Colour, ...] = (
    (10, 10, 24),
    (90, 30, 110),
    (200, 60, 80),
    (250, 160, 60),
    (255, 250, 190),
)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture of a report."""

    kind: str
    """What it shows; pictures of one kind stand in one row."""
    label: str
    """Of whom: `reference` or a method."""
    uri: str
    """A PNG file as data URI."""
    width: int
    height: int


def panels_of(case: Case, settings: Settings) -> list[Panel]:
    """All pictures of one case.

    Raises:
        RelumeError: what `case.load` and the methods raise.
    """
    material = case.load()
    found: list[Panel] = []
    for method, make in material.predictions.items():
        prediction = make()
        show = _of_hdr if prediction.image.is_hdr else _of_tone_mapping
        for panel in show(method, prediction, material.reference, settings):
            if panel.label != "reference" or not any(
                (panel.kind, panel.label) == (other.kind, other.label) for other in found
            ):
                found.append(panel)
    return found


def _of_hdr(method: str, prediction: Named, reference: Named, settings: Settings) -> list[Panel]:
    protocol = _protocol_of_pictures(prediction, reference, settings)
    peak = settings.viewing.peak
    left, right = protocol.align(*_lights(prediction, reference, settings), peak)
    found = []
    for label, light in (("reference", right), (method, left)):
        shown = _small(light)
        found.append(_photograph("as displayed", label, shown / _REFERENCE_WHITE))
        darker = shown / (_REFERENCE_WHITE * 2.0**_DARKER_STOPS)
        found.append(_photograph(f"{_DARKER_STOPS:g} stops darker", label, darker))
        position = (luminance(shown)[0].clamp(min=LOWEST) / LOWEST).log2() / math.log2(peak / LOWEST)
        found.append(_map(LUMINANCE, label, position, LUMINANCE_COLOURS))
    stops = (luminance(left).clamp(min=LOWEST) / luminance(right).clamp(min=LOWEST)).log2()
    found.append(_map(ERROR, method, 0.5 + _small(stops)[0] / (2 * ERROR_STOPS), ERROR_COLOURS))
    if min(left.shape[-2:]) >= HDR_VDP3.spec.minimum_size:
        seen = _visibility(left, right, settings.viewing.pixels_per_degree)
        found.append(_map(VISIBILITY, method, _small(seen)[0], PROBABILITY_COLOURS))
    return found


def _of_tone_mapping(method: str, prediction: Named, reference: Named, settings: Settings) -> list[Panel]:
    light = light_of(reference.image, name=reference.name, reference_white=settings.reference_white).pixels
    shown = _small(light)
    rendered = Reinhard2002()(shown[None])[0]
    codes = _small(codes_of(prediction.image, name=prediction.name))
    return [
        _photograph("as displayed", "reference", rendered),
        _png("as displayed", method, (255.0 * codes).round().byte().permute(1, 2, 0).numpy()),
    ]


def _protocol_of_pictures(prediction: Named, reference: Named, settings: Settings) -> Protocol:
    """The first protocol of the run that these pictures allow."""
    for name in settings.protocols:
        row = protocols.find(name)
        absolute = [
            light_of(side.image, name=side.name, reference_white=settings.reference_white).absolute
            for side in (prediction, reference)
        ]
        if (absolute[0] or not row.absolute_prediction) and (absolute[1] or not row.absolute_reference):
            return row
    return protocols.find("display-range")


def _lights(prediction: Named, reference: Named, settings: Settings) -> tuple[Tensor, Tensor]:
    left, right = (
        light_of(side.image, name=side.name, reference_white=settings.reference_white).pixels
        for side in (prediction, reference)
    )
    return left, right


def _visibility(
    prediction: Float[Tensor, "3 height width"],
    reference: Float[Tensor, "3 height width"],
    pixels_per_degree: float,
) -> Float[Tensor, "1 height width"]:
    result = hdr_vdp3(
        prediction, reference, encoding="rgb-bt.709", pixels_per_degree=pixels_per_degree, task="side-by-side"
    )
    height, width = prediction.shape[-2:]
    return result.p_map.reshape(1, height, width)


def _small(picture: Float[Tensor, "channels height width"]) -> Float[Tensor, "channels rows columns"]:
    scale = LONGEST_SIDE / max(picture.shape[-2:])
    if scale >= 1:
        return picture
    size = [max(round(length * scale), 1) for length in picture.shape[-2:]]
    return functional.interpolate(picture[None], size=size, mode="area")[0]


def _photograph(kind: str, label: str, light: Float[Tensor, "3 height width"]) -> Panel:
    codes = srgb.inverse_eotf(light.float().clamp(0.0, 1.0))
    return _png(kind, label, (255.0 * codes).round().byte().permute(1, 2, 0).numpy())


def _map(
    kind: str, label: str, position: Float[Tensor, "height width"], colours: tuple[Colour, ...]
) -> Panel:
    """Positions 0..1 in a row of colours, as a picture with a palette, which is small."""
    index = (255.0 * position.nan_to_num(0.0).clamp(0.0, 1.0)).round().byte().numpy()
    return _png(kind, label, index, palette=palette(colours))


def palette(colours: tuple[Colour, ...]) -> np.ndarray:
    """256 colours between these, evenly spaced."""
    nodes = np.linspace(0.0, 255.0, len(colours))
    channels = [np.interp(np.arange(256), nodes, channel) for channel in np.array(colours).T]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def _png(kind: str, label: str, samples: np.ndarray, *, palette: np.ndarray | None = None) -> Panel:
    picture = Pillow.fromarray(samples)
    if palette is not None:
        picture.putpalette(palette.tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    height, width = samples.shape[:2]
    return Panel(kind=kind, label=label, uri=f"data:image/png;base64,{data}", width=width, height=height)


def stops_legend() -> list[tuple[float, str]]:
    """Positions 0..1 and labels of the scale of errors."""
    return [(0.5 + stops / (2 * ERROR_STOPS), f"{stops:+g}") for stops in (-2, -1, 0, 1, 2)]


def luminance_legend(peak: float) -> list[tuple[float, str]]:
    """Positions 0..1 and labels, in cd/m², of the scale of luminance."""
    decades = [10.0**power for power in range(-1, 5) if 10.0**power <= peak]
    if not torch.isclose(torch.tensor(decades[-1]), torch.tensor(peak), rtol=0.3):
        decades.append(peak)
    span = math.log(peak / LOWEST)
    return [(math.log(value / LOWEST) / span, f"{value:g}") for value in decades]
