"""HDR-VDP-2: which differences of two pictures people see, and the quality that papers quote as Q of 2.2.

References:  [mantiuk2011], [narwaria2015]; the numbers are those of the authors' program 2.2.1 (and 2.2.2).
"""

import math
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
from relume.metrics.visibility.csf import ContrastSensitivity, sensitivity_table
from relume.metrics.visibility.fourier import filter_surrounded
from relume.metrics.visibility.inputs import ONE_CHANNEL, LuminancePicture, geometric_mean, pair_of_light
from relume.metrics.visibility.masking import (
    mutual_contrast,
    neighbouring_bands,
    other_orientations,
    signed_power,
)
from relume.metrics.visibility.photoreceptor import Receptors, absorbed, achromatic_response
from relume.metrics.visibility.pyramid import SP3, Bands
from relume.metrics.visibility.resize import resize_to
from relume.metrics.visibility.spectra import LUMINANCE, RESPONSES_2
from relume.metrics.visibility.tables import look_up, table_like

ENCODINGS = ("luminance", "luma-display", "sRGB-display", "rgb-bt.709", "XYZ")
DISPLAYS = tuple(name for name in RESPONSES_2 if name != LUMINANCE)
MTFS = ("hdrvdp", "none")
MINIMUM_SIZE = 17
"""Height and width below which the pyramid has no room for a level."""

_SENSITIVITY = ContrastSensitivity(
    luminances=(0.002, 0.02, 0.2, 2.0, 20.0, 150.0),
    parameters=(
        (0.991265, 3.74038, 0.50722, 4.46044),
        (0.800889, 3.54104, 0.682505, 4.94958),
        (0.476505, 4.37453, 0.750315, 5.28678),
        (0.405782, 4.40602, 0.935314, 5.61425),
        (0.334278, 3.79542, 1.07327, 6.4635),
        (0.394533, 2.7755, 1.16577, 7.45665),
    ),
)

_PEAK_CONTRAST = 0.006894596
"""Threshold at the peak of Daly's contrast sensitivity at 30 cd/m²."""

_XYZ_TO_RGB = np.array(
    [
        [3.240708, -1.537259, -0.498570],
        [-0.969257, 1.875995, 0.041555],
        [0.055636, -0.203996, 1.057069],
    ]
)

_EXCITATION = 10.0**0.544068
_MASKING = 10.0**0.49576
_MASK_SELF = 10.0**0.189065
_MASK_ORIENTATIONS = 10.0**0.449199
_MASK_BANDS = 10.0**1.52512
_SLOPE = 3.5 / _EXCITATION
"""Of the psychometric function, after the exponent of excitation."""

# How much bands of these frequencies, in cycles/degree, count for quality [narwaria2015].
_QUALITY_FREQUENCIES = (0.1172, 0.2344, 0.4688, 0.9375, 1.875, 3.75, 7.5, 15.0, 30.0, 60.0)
_QUALITY_WEIGHTS = (0.0, 0.0, 0.0003, 0.0003, 0.0398, 0.2690, 0.2142, 0.2832, 0.2832, 0.0)
_QUALITY_FLOOR = 1e-12
_DIFFERENT = 0.001
"""Relative difference from which pixels count for quality."""


class HdrVdp2(NamedTuple):
    """What HDR-VDP-2 says of each pair of pictures."""

    q: Float[Tensor, "*batch"]
    """Quality: 100 for identical pictures, without a lower bound; depends on the size of the picture."""
    p_det: Float[Tensor, "*batch"]
    """Probability that any difference is seen."""
    p_map: Float[Tensor, "*batch height width"]
    """Probability that the difference at a pixel is seen."""
    c_map: Float[Tensor, "*batch height width"]
    """Contrast of the difference at a pixel in units of the threshold, pooled over the picture."""
    c_max: Float[Tensor, "*batch"]
    """The greatest of them."""


@dataclass(frozen=True, kw_only=True)
class _Observer:
    """Who looks, at what and how."""

    encoding: str
    display: str = "ccfl-lcd"
    pixels_per_degree: float
    surround: str | float = 1e-5
    peak_sensitivity: float = 2.4
    mtf: str = "hdrvdp"
    masking: bool = True
    spatial_pooling: bool = True

    def __post_init__(self) -> None:
        if self.display not in DISPLAYS:
            raise MethodError(f"there is no display '{self.display}'; expected one of {', '.join(DISPLAYS)}.")
        if self.mtf not in MTFS:
            raise MethodError(f"there is no mtf '{self.mtf}'; expected one of {', '.join(MTFS)}.")
        if not self.pixels_per_degree > 0.0:
            raise MethodError(f"pixels_per_degree is {self.pixels_per_degree:g}; expected a positive number.")
        if not (self.surround == "mean" if isinstance(self.surround, str) else self.surround > 0.0):
            raise MethodError(f"surround is {self.surround!r}; expected 'mean' or a luminance above 0 cd/m².")

    @property
    def source(self) -> str:
        """Whose spectra the channels of the pictures have."""
        return LUMINANCE if self.encoding in ONE_CHANNEL else self.display

    @property
    def receptors(self) -> Receptors:
        return Receptors(
            joint=(30.162, 4.0627, 1.6596, 0.2712),
            rod_peak=1.1732,
            rod_below=(1.2167, 1.1478),
            rod_above=(2.9899, 0.5547),
            rod_gain=10.0**1.1414,
            sensitivity=_PEAK_CONTRAST / 10.0**-self.peak_sensitivity,
        )

    def band_frequency(self, band: int) -> float:
        """In cycles/degree."""
        return float(self.pixels_per_degree * 2.0 ** -(band + 1))


def hdr_vdp2(
    prediction: Picture | LuminancePicture,
    reference: Picture | LuminancePicture,
    *,
    encoding: str = "rgb-bt.709",
    pixels_per_degree: float = 30.0,
    display: str = "ccfl-lcd",
    peak: float = 100.0,
    surround: str | float = 1e-5,
    peak_sensitivity: float = 2.4,
    mtf: str = "hdrvdp",
    masking: bool = True,
    spatial_pooling: bool = True,
) -> HdrVdp2:
    """Compare a picture with its reference as an observer before a display does; colour is not compared.

    Convention:  linear light in cd/m² as it leaves the display, as array (height, width, 3) or tensor
    (..., 3, height, width); luminance as array (height, width) or tensor (..., 1, height, width); for
    `luma-display` and `sRGB-display` codes of 0 to 1. Computed in float64 whatever the type of the pictures,
    which the results have: the logarithm in q is sensitive to rounding where pictures are nearly equal.

    Args:
        encoding: `luminance`, `luma-display`, `sRGB-display`, `rgb-bt.709` or `XYZ`.
        pixels_per_degree: angular resolution, positive.
        display: whose spectra colours have: `ccfl-lcd`, `led-lcd` or `crt`; luminance has that of D65.
        peak: luminance of code 1 in cd/m² for the encodings of codes; black is 1 cd/m².
        surround: what is around the picture: a luminance in cd/m², or `mean`, the geometric mean of each
            channel of the reference. The default is darkness, so that glare takes light from the borders.
        peak_sensitivity: decimal logarithm of the greatest sensitivity to contrast.
        mtf: of the optics of the eye: `hdrvdp` (fitted) or `none`.
        masking: whether contrast of the pictures hides differences.
        spatial_pooling: whether contrast is added up over the picture.

    Raises:
        ImageError: shapes that differ, NaN, integers; fewer than 17 pixels in height or width; no value above
            1 cd/m², where light must be absolute.
        MethodError: an unknown encoding, display or mtf, or a number outside its range.

    References:  [mantiuk2011]; [narwaria2015] for q
    """
    observer = _Observer(
        encoding=encoding,
        display=display,
        pixels_per_degree=pixels_per_degree,
        surround=surround,
        peak_sensitivity=peak_sensitivity,
        mtf=mtf,
        masking=masking,
        spatial_pooling=spatial_pooling,
    )
    left, right = pair_of_light(prediction, reference, encoding=encoding, encodings=ENCODINGS, peak=peak)
    seen = _look(left, right, observer)
    differences = _differences(seen, observer)
    contrast = _contrast(differences, observer)[:, 0]
    probability = 1.0 - torch.exp2(-contrast)
    batch, size = left.shape[:-3], left.shape[-2:]
    return HdrVdp2(
        q=_quality(differences, seen, observer).reshape(batch).to(left.dtype),
        p_det=probability.amax((-2, -1)).reshape(batch).to(left.dtype),
        p_map=probability.reshape(*batch, *size).to(left.dtype),
        c_map=contrast.reshape(*batch, *size).to(left.dtype),
        c_max=contrast.amax((-2, -1)).reshape(batch).to(left.dtype),
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
    """From light to bands of response, in float64."""
    height, width = left.shape[-2:]
    if min(height, width) < MINIMUM_SIZE:
        raise ImageError(
            f"the pictures have {height} × {width} pixels; expected at least {MINIMUM_SIZE} × {MINIMUM_SIZE}."
        )
    left, right = (light.reshape(-1, *light.shape[-3:]).double() for light in (left, right))
    if observer.encoding == "XYZ":
        left, right = apply_matrix(left, _XYZ_TO_RGB), apply_matrix(right, _XYZ_TO_RGB)
    retina = _on_retina(torch.cat([left, right]), right, observer)
    stimulus = absorbed(retina, RESPONSES_2[observer.source])
    luminance = stimulus[:, :2].sum(1, keepdim=True)
    cones, rods = achromatic_response(stimulus, observer.receptors)
    response = cones - cones.mean((-2, -1), keepdim=True) + rods - rods.mean((-2, -1), keepdim=True)
    bands = SP3.analyse(response, SP3.height(height, width))
    bands[-1] = _filtered_base(bands[-1], luminance, observer.band_frequency(len(bands) - 1))
    left_luminance, right_luminance = luminance.chunk(2)
    return _Seen(
        prediction=[band.chunk(2)[0] for band in bands],
        reference=[band.chunk(2)[1] for band in bands],
        log_luminance=(0.5 * (left_luminance + right_luminance)).clamp(1e-5, 1e5).log10(),
        different=_different(left, right),
    )


def _on_retina(
    light: Float[Tensor, "both channels height width"],
    reference: Float[Tensor, "batch channels height width"],
    observer: _Observer,
) -> Float[Tensor, "both channels height width"]:
    if observer.mtf == "none":
        return light
    if isinstance(observer.surround, str):
        surround = geometric_mean(reference).repeat(2, 1)
    else:
        surround = light.new_full(light.shape[:2], observer.surround)

    def transfer(frequency: Tensor) -> Tensor:
        return glare.fitted_mtf(frequency * observer.pixels_per_degree)

    return filter_surrounded(light, transfer, surround).clamp(glare.LOWEST, glare.HIGHEST)


@torch.no_grad()
def _different(left: Tensor, right: Tensor) -> Float[Tensor, "batch 1 height width"]:
    return ((left - right).abs() / right > _DIFFERENT).any(1, keepdim=True).to(left.dtype)


def _filtered_base(
    base: Float[Tensor, "both 1 height width"],
    luminance: Float[Tensor, "both 1 full_height full_width"],
    frequency: float,
) -> Float[Tensor, "both 1 height width"]:
    """The base band through the sensitivity to its frequencies; both lie in the mean of the reference."""
    surround = base.chunk(2)[1].mean((-2, -1)).repeat(2, 1)
    adaptation = luminance.mean((-2, -1))[..., None, None]

    def transfer(cycles_per_pixel: Tensor) -> Tensor:
        cycles_per_degree = cycles_per_pixel * (frequency * 2.0 * math.sqrt(2.0))
        return _SENSITIVITY.at(cycles_per_degree, adaptation)

    return filter_surrounded(base, transfer, surround)


def _band_table(frequency: float) -> np.ndarray:
    return sensitivity_table(frequency, _SENSITIVITY.at)


def _differences(seen: _Seen, observer: _Observer) -> Bands:
    """Of each band, the difference in units of what hides it, raised to the exponent of excitation."""
    mutual = [
        mutual_contrast(left, right) for left, right in zip(seen.prediction, seen.reference, strict=True)
    ]
    differences = []
    for band, (left, right) in enumerate(zip(seen.prediction, seen.reference, strict=True)):
        scale = 2.0**band
        sensitivity = torch.ones_like(left[:, :1])
        if band < len(mutual) - 1:
            log_luminance = resize_to(seen.log_luminance, left)
            table = table_like(log_luminance, _band_table, observer.band_frequency(band))
            sensitivity = look_up(table, log_luminance)
        gain = sensitivity**_EXCITATION
        excitation = scale * signed_power((left - right) / scale, _EXCITATION) * gain
        if observer.masking:
            mask = scale * _mask(mutual, band, sensitivity)
            excitation = excitation * torch.rsqrt(1.0 + (gain * mask) ** 2)
        differences.append(excitation)
    return differences


def _mask(
    mutual: Bands, band: int, sensitivity: Float[Tensor, "batch 1 height width"]
) -> Float[Tensor, "batch _ height width"]:
    scale = 2.0**band
    own = mutual[band]
    neighbours = neighbouring_bands(mutual, band, scales=(2.0 / scale, 0.5 / scale))
    return (
        _MASK_SELF * (own * sensitivity / scale) ** _MASKING
        + _MASK_ORIENTATIONS * (other_orientations(own) * sensitivity / scale) ** _MASKING
        + _MASK_BANDS * (neighbours * sensitivity) ** _MASKING
    )


def _quality(differences: Bands, seen: _Seen, observer: _Observer) -> Float[Tensor, " batch"]:
    total = torch.zeros_like(differences[0][:, 0, 0, 0])
    for band, difference in enumerate(differences):
        counted = difference * resize_to(seen.different, difference)
        height, width = counted.shape[-2:]
        # The root is taken before the division: larger pictures have smaller errors.
        error = torch.linalg.vector_norm(counted, dim=(-2, -1)) / (height * width)
        weight = np.interp(observer.band_frequency(band), _QUALITY_FREQUENCIES, _QUALITY_WEIGHTS)
        total = total + float(weight) * torch.log1p(error / _QUALITY_FLOOR).sum(1)
    return 100.0 - total


def _contrast(differences: Bands, observer: _Observer) -> Float[Tensor, "batch 1 height width"]:
    bands = [
        signed_power(difference / 2.0**band, _SLOPE) * 2.0**band
        for band, difference in enumerate(differences)
    ]
    contrast = SP3.synthesise(bands).abs()
    if not observer.spatial_pooling:
        return contrast
    highest = contrast.amax((-2, -1), keepdim=True)
    return contrast * (contrast.sum((-2, -1), keepdim=True) / (highest + 1e-12))


def _score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
    """q alone: the maps are not computed."""
    if reference is None:
        raise ImageError("HDR-VDP-2 was given no reference; expected two pictures.")
    observer = _Observer(encoding=viewing.encoding, pixels_per_degree=viewing.pixels_per_degree)
    left, right = pair_of_light(
        prediction, reference, encoding=viewing.encoding, encodings=ENCODINGS, peak=viewing.peak
    )
    seen = _look(left, right, observer)
    q = _quality(_differences(seen, observer), seen, observer)
    return q.reshape(left.shape[:-3]).to(left.dtype)


HDR_VDP2 = Metric(
    spec=MetricSpec(
        name="hdr_vdp2",
        title="HDR-VDP-2, quality of the picture",
        unit="",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="visible contrast of luminance",
        version="2.2.2, ccfl-lcd",
        citation="narwaria2015",
        uses=("pixels_per_degree", "encoding"),
        highest=100.0,
        identical=100.0,
        minimum_size=MINIMUM_SIZE,
    ),
    score=_score,
)
