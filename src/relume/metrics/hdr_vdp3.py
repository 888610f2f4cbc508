"""HDR-VDP-3: which differences of two pictures people see, and how much they mind them.

References:  [mantiuk2023]; the numbers are those of the authors' program 3.0.7.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.primaries import apply_matrix
from relume.errors import ImageError, MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, Viewing
from relume.metrics.operands import Picture
from relume.metrics.visibility import glare
from relume.metrics.visibility.csf import ContrastSensitivity, age_factor, sensitivity_table
from relume.metrics.visibility.fourier import filter_mirrored, filter_surrounded, frequencies
from relume.metrics.visibility.gaussian import gaussian
from relume.metrics.visibility.inputs import (
    CODES,
    ONE_CHANNEL,
    LuminancePicture,
    geometric_mean,
    pair_of_light,
)
from relume.metrics.visibility.masking import (
    mutual_contrast,
    neighbouring_bands,
    other_orientations,
    signed_power,
)
from relume.metrics.visibility.photoreceptor import Receptors, absorbed, achromatic_response
from relume.metrics.visibility.pyramid import SP0, SP3, Bands, Steerable
from relume.metrics.visibility.resize import resize_to
from relume.metrics.visibility.spectra import LUMINANCE, responses, to_native
from relume.metrics.visibility.tables import look_up, table_like

ENCODINGS = (
    "luminance", "luma-display", "sRGB-display", "rgb-bt.709", "rgb-bt.2020", "rgb-native", "XYZ",
)  # fmt: skip
MTFS = ("hdrvdp", "cie", "none")
MINIMUM_SIZE = 13
"""Height and width below which the pyramid has no room for a level."""

_DISPLAYS = {"rgb-bt.2020": "oled", "XYZ": "oled"}
"""The display where none is named, unless it is led-lcd-srgb."""

_SENSITIVITY = ContrastSensitivity(
    luminances=(0.0002, 0.002, 0.02, 0.2, 2.0, 20.0, 150.0),
    parameters=(
        (1.26181, 4.27832, 0.361902, 3.11914),
        (0.893585, 4.27832, 0.361902, 2.18938),
        (0.84864, 3.57253, 0.530355, 3.12486),
        (0.699243, 3.94545, 0.68608, 4.41846),
        (0.530826, 4.25337, 0.866916, 4.65117),
        (0.459297, 3.78765, 0.981028, 4.33546),
        (0.312626, 4.15264, 0.952367, 3.22389),
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What was fitted to experiments of one kind; gains and exponents as decimal logarithms."""

    sensitivity: float
    mask_self: float
    mask_bands: float | None
    """Masking by the neighbouring bands."""
    mask_orientations: float | None
    mask_exponent: float
    excitation_exponent: float
    slope: float
    """Of the psychometric function."""
    summation: float | None
    """Standard deviation, in degrees, of the window over which probabilities add up; None: all pixels."""
    pyramid: Steerable


_SIDE_BY_SIDE = _Task(
    sensitivity=0.203943775672,
    mask_self=1.41846291721,
    mask_bands=0.136877512403,
    mask_orientations=None,
    mask_exponent=0.108934275615,
    excitation_exponent=0.3424,
    slope=0.34,
    summation=-0.502280453708,
    pyramid=SP0,
)

TASKS = {
    "quality": _SIDE_BY_SIDE,
    "side-by-side": _SIDE_BY_SIDE,
    "flicker": _Task(
        sensitivity=0.359225308021 + 0.14178269059,
        mask_self=1.48041073222,
        mask_bands=0.00886149078207,
        mask_orientations=None,
        mask_exponent=0.11339123107,
        excitation_exponent=0.3424,
        slope=0.591472024776,
        summation=-0.511779476487,
        pyramid=SP0,
    ),
    "detection": _Task(
        sensitivity=-1.0,
        mask_self=1.73128,
        mask_bands=None,
        mask_orientations=0.816109,
        mask_exponent=0.290256,
        excitation_exponent=math.log10(2.2),
        slope=math.log10(3.5),
        summation=None,
        pyramid=SP3,
    ),
}
"""What observers did in the experiments; `quality` and `side-by-side` are the same model."""

_ADAPTATION = 10.0**-0.781367
"""Standard deviation, in degrees, of the window of local adaptation."""
_ROBUST = 0.25
"""Standard deviation, in degrees, of the blur before the maximum of a map is taken."""

_QUALITY_NORM = 0.8
_QUALITY_FLOOR = -4.0
_DIFFERENT = 0.001
"""Relative difference from which pixels count for quality."""


class HdrVdp3(NamedTuple):
    """What HDR-VDP-3 says of each pair of pictures."""

    q: Float[Tensor, "*batch"]
    """Quality: 10 for identical pictures, without a lower bound."""
    q_jod: Float[Tensor, "*batch"]
    """Quality in just objectionable differences: 10 for identical pictures."""
    p_det: Float[Tensor, "*batch"]
    """Probability that any difference is seen."""
    p_map: Float[Tensor, "*batch height width"]
    """Probability that the difference at a pixel is seen; about -1e-4 where there is none, unless the task
    is detection."""
    c_map: Float[Tensor, "*batch height width"]
    """Contrast of the difference at a pixel in units of the threshold."""
    c_max: Float[Tensor, "*batch"]
    """The greatest contrast after a blur of a quarter of a degree; in detection, after pooling."""


@dataclass(frozen=True, kw_only=True)
class _Observer:
    """Who looks, at what and how."""

    task: str = "quality"
    encoding: str
    display: str | None = None
    pixels_per_degree: float
    surround: str | float = "none"
    age: float = 24.0
    mtf: str = "hdrvdp"
    sensitivity_correction: float = 0.0
    masking: bool = True

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise MethodError(f"there is no task '{self.task}'; expected one of {', '.join(TASKS)}.")
        if self.mtf not in MTFS:
            raise MethodError(f"there is no mtf '{self.mtf}'; expected one of {', '.join(MTFS)}.")
        if not self.pixels_per_degree > 4.0:
            raise MethodError(f"pixels_per_degree is {self.pixels_per_degree:g}; expected more than 4.")
        if not (self.surround in ("none", "mean") if isinstance(self.surround, str) else self.surround > 0.0):
            raise MethodError(
                f"surround is {self.surround!r}; expected 'none', 'mean' or a luminance above 0 cd/m²."
            )
        responses(self.source, self.age)

    @property
    def model(self) -> _Task:
        return TASKS[self.task]

    @property
    def source(self) -> str:
        """Whose spectra the channels of the pictures have."""
        if self.encoding in ONE_CHANNEL:
            return LUMINANCE
        return self.display or _DISPLAYS.get(self.encoding, "led-lcd-srgb")

    @property
    def receptors(self) -> Receptors:
        return Receptors(
            joint=(315.98, 6.7977, 1.6008, 0.25534),
            rod_peak=1.1732,
            rod_below=(1.095, 1.32),
            rod_above=(2.9899, 0.5547),
            rod_gain=10.0**1.8,
            sensitivity=10.0 ** (self.model.sensitivity + self.sensitivity_correction),
        )

    def band_frequency(self, band: int) -> float:
        """In cycles/degree."""
        return float(self.pixels_per_degree * 2.0 ** -(band + 1))

    def levels(self, height: int, width: int) -> int:
        """Of the pyramid: down to about one cycle/degree, where the picture is large enough.

        Raises:
            ImageError: it has no room for one.
        """
        least = len(self.model.pyramid.low)
        if min(height, width) < least:
            raise ImageError(
                f"the pictures have {height} × {width} pixels; expected at least {least} × {least}."
            )
        return min(math.ceil(math.log2(self.pixels_per_degree)) - 2, self.model.pyramid.height(height, width))


def hdr_vdp3(
    prediction: Picture | LuminancePicture,
    reference: Picture | LuminancePicture,
    *,
    task: str = "quality",
    encoding: str = "rgb-bt.709",
    pixels_per_degree: float = 30.0,
    display: str | None = None,
    peak: float = 100.0,
    surround: str | float = "none",
    age: float = 24.0,
    mtf: str = "hdrvdp",
    sensitivity_correction: float = 0.0,
    masking: bool = True,
) -> HdrVdp3:
    """Compare a picture with its reference as an observer before a display does; colour is not compared.

    Convention:  linear light in cd/m² as it leaves the display, as array (height, width, 3) or tensor
    (..., 3, height, width); luminance as array (height, width) or tensor (..., 1, height, width); for
    `luma-display` and `sRGB-display` codes of 0 to 1. Computed in the type of the pictures: in float32 q is
    within 1e-4 of float64. Gradients reach both pictures; which pixels differ at all, and the dominant
    frequency of the base band, are taken as constants.

    The task `civdm` of the original, which compares pictures of different dynamic range, is left out.

    Args:
        task: `quality` (the same model as `side-by-side`), `flicker` (pictures that take turns in one place)
            or `detection` (of a single difference by a forced choice).
        encoding: `luminance`, `luma-display`, `sRGB-display`, `rgb-bt.709`, `rgb-bt.2020`, `rgb-native` (of
            the display) or `XYZ`. Colours that the display cannot show are clipped.
        pixels_per_degree: angular resolution, above 4.
        display: whose spectra colours have: `led-lcd-srgb`, `led-lcd-wcg`, `oled`, `ccfl-lcd`, `crt`; None:
            oled for rgb-bt.2020 and XYZ, else led-lcd-srgb. Luminance has the spectrum of D65. For the
            displays other than led-lcd-srgb the spectra of the original are approximated: on the pairs with
            known values q departs by up to 6e-5 (led-lcd-wcg 3e-7).
        peak: luminance of code 1 in cd/m² for the encodings of codes; black is 1 cd/m².
        surround: what is around the picture: `none` mirrors it, `mean` is the geometric mean of each channel
            of the reference, a number is a luminance in cd/m².
        age: of the observer, 20 to 90 years; `mtf="cie"` is recommended beside another than the default.
        mtf: of the optics of the eye: `hdrvdp` (fitted), `cie` (with age) or `none`.
        sensitivity_correction: added to the decimal logarithm of sensitivity.
        masking: whether contrast of the pictures hides differences.

    Raises:
        ImageError: shapes that differ, NaN, integers; fewer than 13 pixels in height or width (17 in
            detection); no value above 1 cd/m², where light must be absolute.
        MethodError: an unknown task, encoding, display or mtf, or a number outside its range.

    References:  [mantiuk2023]; [mantiuk2011], section 3; [mantiuk2018] for age
    """
    observer = _Observer(
        task=task,
        encoding=encoding,
        display=display,
        pixels_per_degree=pixels_per_degree,
        surround=surround,
        age=age,
        mtf=mtf,
        sensitivity_correction=sensitivity_correction,
        masking=masking,
    )
    left, right = pair_of_light(prediction, reference, encoding=encoding, encodings=ENCODINGS, peak=peak)
    seen = _look(left, right, observer)
    differences = list(_differences(seen, observer))
    q = _quality([_band_error(difference, seen) for difference in differences])
    p_map, c_map, p_det, c_max = _visibility(differences, observer)
    batch, size = left.shape[:-3], left.shape[-2:]
    return HdrVdp3(
        q=q.reshape(batch),
        q_jod=_jod(q).reshape(batch),
        p_det=p_det.reshape(batch),
        p_map=p_map.reshape(*batch, *size),
        c_map=c_map.reshape(*batch, *size),
        c_max=c_max.reshape(batch),
    )


class _Seen(NamedTuple):
    """Both pictures after the early stages of vision."""

    prediction: Bands
    reference: Bands
    log_luminance: Float[Tensor, "batch 1 height width"]
    """To which the eye is adapted in both pictures together, as decimal logarithm."""
    different: Float[Tensor, "batch 1 height width"]
    """1 where the pictures differ at all."""


def _look(left: Tensor, right: Tensor, observer: _Observer) -> _Seen:
    """From light to bands of response."""
    levels = observer.levels(left.shape[-2], left.shape[-1])
    left, right = (light.reshape(-1, *light.shape[-3:]) for light in (left, right))
    surround = _surround(right, observer)
    left, right = _on_display(left, observer), _on_display(right, observer)
    retina = _on_retina(torch.cat([left, right]), surround, observer)
    stimulus = absorbed(retina, responses(observer.source, observer.age)).clamp(1e-8, 1e10)
    adaptation = _adaptation(stimulus, observer)
    cones, rods = achromatic_response(
        stimulus * _pupil(adaptation, observer)[:, None, None, None], observer.receptors
    )
    bands = observer.model.pyramid.analyse(cones + rods, levels)
    bands = [band / 2**index for index, band in enumerate(bands)]
    bands[-1] = bands[-1] - bands[-1].mean((-2, -1), keepdim=True)
    left_adaptation, right_adaptation = adaptation.chunk(2)
    return _Seen(
        prediction=[band.chunk(2)[0] for band in bands],
        reference=[band.chunk(2)[1] for band in bands],
        log_luminance=(0.5 * (left_adaptation + right_adaptation)).clamp(1e-5, 1e5).log10(),
        different=_different(left, right),
    )


def _surround(
    reference: Float[Tensor, "batch channels height width"], observer: _Observer
) -> Float[Tensor, "both channels"] | None:
    """Luminance around both pictures, as a colour; None where they are mirrored instead."""
    if observer.surround == "none":
        return None
    if isinstance(observer.surround, str):
        return geometric_mean(reference).repeat(2, 1)
    return reference.new_full(reference.shape[:2], observer.surround).repeat(2, 1)


def _on_display(
    light: Float[Tensor, "batch channels height width"], observer: _Observer
) -> Float[Tensor, "batch channels height width"]:
    """RGB of the display itself; luminance as it is."""
    if observer.source == LUMINANCE or observer.encoding == "rgb-native":
        return light
    standard = "rgb-bt.709" if observer.encoding in CODES else observer.encoding
    return apply_matrix(light, to_native(standard, observer.source)).clamp(min=1e-6)


@torch.no_grad()
def _different(left: Tensor, right: Tensor) -> Float[Tensor, "batch 1 height width"]:
    return ((left - right).abs() / right > _DIFFERENT).any(1, keepdim=True).to(left.dtype)


def _mtf(frequency: Float[Tensor, "*shape"], mtf: str, age: float) -> Float[Tensor, "*shape"]:
    """Of the optics, at frequencies in cycles/degree."""
    if mtf == "none":
        return torch.ones_like(frequency)
    if mtf == "cie":
        return glare.cie_mtf(frequency, age)
    return glare.fitted_mtf(frequency)


def _on_retina(
    light: Float[Tensor, "batch channels height width"],
    surround: Float[Tensor, "batch channels"] | None,
    observer: _Observer,
) -> Float[Tensor, "batch channels height width"]:
    if observer.mtf == "none":
        return light

    def transfer(frequency: Tensor) -> Tensor:
        return _mtf(frequency * observer.pixels_per_degree, observer.mtf, observer.age)

    scattered = (
        filter_mirrored(light, transfer) if surround is None else filter_surrounded(light, transfer, surround)
    )
    return scattered.clamp(glare.LOWEST, glare.HIGHEST)


def _adaptation(
    absorbed_light: Float[Tensor, "batch 3 height width"], observer: _Observer
) -> Float[Tensor, "batch 1 height width"]:
    """Luminance to which the eye adapts: the local geometric mean."""
    logarithm = absorbed_light[:, :2].sum(1, keepdim=True).clamp(min=1e-6).log()
    return gaussian(logarithm, _ADAPTATION * observer.pixels_per_degree, repeat=True).exp()


def _pupil(adaptation: Float[Tensor, "batch 1 height width"], observer: _Observer) -> Float[Tensor, " batch"]:
    """Area of the pupil relative to that of an observer of 28 years.

    References:  [watson2012], the unified formula
    """
    height, width = adaptation.shape[-2:]
    area = height * width / observer.pixels_per_degree**2
    flux = (geometric_mean(adaptation)[:, 0] * (area / 846.0)) ** 0.41
    diameter = 7.75 - 5.75 * flux / (flux + 2.0)

    def of_age(age: float) -> Tensor:
        return diameter + (min(max(age, 20.0), 83.0) - 28.58) * (0.02132 - 0.009562 * diameter)

    return (of_age(observer.age) / of_age(28.0)) ** 2


def _sensitivity(frequency: Tensor, luminance: Tensor, mtf: str, age: float) -> Tensor:
    """Of the retina and the brain: what the optics take is left out."""
    optics = _mtf(frequency, mtf, age)
    neural = _SENSITIVITY.at(frequency, luminance) / optics * age_factor(frequency, age)
    return torch.where(frequency > 1e-4, neural, 0.0)


def _sensitivity_table(frequency: float, mtf: str, age: float) -> np.ndarray:
    return sensitivity_table(frequency, lambda cycles, luminance: _sensitivity(cycles, luminance, mtf, age))


def _base_sensitivity(
    difference: Float[Tensor, "batch 1 height width"],
    log_luminance: Float[Tensor, "batch 1 height width"],
    frequency: float,
    observer: _Observer,
) -> Float[Tensor, "batch 1 1 1"]:
    """At the frequency that dominates the difference, for the mean luminance."""
    spectrum = torch.fft.rfft2(difference.detach()).abs()
    spectrum[..., 0, 0] = 0.0
    height, width = difference.shape[-2:]
    grid = frequencies(height, width, difference) * (4.0 * frequency)
    dominant = grid.flatten()[spectrum.flatten(1).argmax(1)]
    luminance = 10.0 ** log_luminance.mean((1, 2, 3))
    return _sensitivity(dominant, luminance, observer.mtf, observer.age)[:, None, None, None]


def _differences(seen: _Seen, observer: _Observer) -> Iterator[Float[Tensor, "batch _ height width"]]:
    """Of each band, the difference in units of what hides it, raised to the exponent of excitation."""
    model = observer.model
    mutual = [
        mutual_contrast(left, right) for left, right in zip(seen.prediction, seen.reference, strict=True)
    ]
    exponent = 10.0**model.excitation_exponent
    last = len(mutual) - 1
    for band, (left, right) in enumerate(zip(seen.prediction, seen.reference, strict=True)):
        difference = left - right
        log_luminance = resize_to(seen.log_luminance, difference)
        if band == last:
            sensitivity = _base_sensitivity(
                difference, log_luminance.clamp(-5.0, 5.0), observer.band_frequency(band), observer
            )
        else:
            table = table_like(
                difference, _sensitivity_table, observer.band_frequency(band), observer.mtf, observer.age
            )
            sensitivity = look_up(table, log_luminance)
        gain = sensitivity**exponent
        excitation = signed_power(difference, exponent) * gain
        if observer.masking:
            excitation = excitation * torch.rsqrt(1.0 + (gain * _mask(mutual, band, model)) ** 2)
        yield excitation


def _mask(mutual: Bands, band: int, task: _Task) -> Float[Tensor, "batch _ height width"]:
    """What hides a difference beside the limit of sensitivity."""
    exponent = 10.0**task.mask_exponent
    total: Tensor = 10.0**task.mask_self * mutual[band] ** exponent
    if task.mask_orientations is not None and mutual[band].shape[1] > 1:
        total = total + 10.0**task.mask_orientations * other_orientations(mutual[band]) ** exponent
    if task.mask_bands is not None:
        total = total + 10.0**task.mask_bands * neighbouring_bands(mutual, band) ** exponent
    return total


def _band_error(difference: Float[Tensor, "batch _ height width"], seen: _Seen) -> Float[Tensor, "batch _"]:
    """Of each orientation, the norm over the pixels that differ at all."""
    counted = difference * resize_to(seen.different, difference)
    error: Tensor = signed_power(counted, _QUALITY_NORM).abs().mean((-2, -1)) ** (1.0 / _QUALITY_NORM)
    return error


def _quality(errors: list[Float[Tensor, "batch _"]]) -> Float[Tensor, " batch"]:
    error = torch.cat(errors, dim=1).sum(1) / len(errors)
    return 10.0 + _QUALITY_FLOOR - torch.log(math.exp(_QUALITY_FLOOR) + error)


def _jod(q: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    return 10.0 - 0.52 * (10.0 - q).clamp(min=0.0) ** 1.2812


def _visibility(differences: list[Tensor], observer: _Observer) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """P_map, C_map, P_det and C_max."""
    task, resolution = observer.model, observer.pixels_per_degree
    slope = 10.0 ** (task.slope - task.excitation_exponent)
    bands = [signed_power(band, slope) * 2**index for index, band in enumerate(differences)]
    contrast = task.pyramid.synthesise(bands).abs()
    if task.summation is None:
        highest = contrast.amax((-2, -1), keepdim=True)
        contrast = contrast * (contrast.sum((-2, -1), keepdim=True) / (highest + 1e-12))
        probability = 1.0 - torch.exp2(-contrast)
        return probability, contrast, probability.amax((1, 2, 3)), contrast.amax((1, 2, 3))
    unseen = torch.log(torch.exp2(-contrast) + 1e-4)
    probability = 1.0 - gaussian(unseen, 10.0**task.summation * resolution, repeat=False).exp()
    robust = gaussian(torch.cat([probability, contrast], dim=1), _ROBUST * resolution, repeat=False)
    p_det, c_max = robust.amax((-2, -1)).unbind(1)
    return probability, contrast, p_det, c_max


def _score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
    """q alone: the maps are not computed."""
    if reference is None:
        raise ImageError("HDR-VDP-3 was given no reference; expected two pictures.")
    observer = _Observer(encoding=viewing.encoding, pixels_per_degree=viewing.pixels_per_degree)
    left, right = pair_of_light(
        prediction, reference, encoding=viewing.encoding, encodings=ENCODINGS, peak=viewing.peak
    )
    seen = _look(left, right, observer)
    return _quality([_band_error(band, seen) for band in _differences(seen, observer)]).reshape(
        left.shape[:-3]
    )


def _score_jod(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
    return _jod(_score(prediction, reference, viewing))


def _row(name: str, title: str, unit: str) -> MetricSpec:
    return MetricSpec(
        name=name,
        title=title,
        unit=unit,
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="visible contrast of luminance",
        version="3.0.7, quality",
        citation="mantiuk2023",
        uses=("pixels_per_degree", "encoding"),
        highest=10.0,
        identical=10.0,
        minimum_size=MINIMUM_SIZE,
    )


HDR_VDP3 = Metric(spec=_row("hdr_vdp3", "HDR-VDP-3, quality of the picture", ""), score=_score)
HDR_VDP3_JOD = Metric(
    spec=_row("hdr_vdp3_jod", "HDR-VDP-3, quality in just objectionable differences", "JOD"),
    score=_score_jod,
)
