"""What `relume info` tells of the light in a picture: percentiles, range, clipping."""

from dataclasses import asdict, dataclass

import numpy as np

from relume.color.encoding import REFERENCE_WHITE, Reference
from relume.image import Image
from relume.io.rendering import light_level

# Half a code of an 8-bit file: what lies within it of the end was rounded to the end.
_HALF_CODE = 0.5 / 255

PERCENTILES = (0.1, 1.0, 50.0, 99.0, 99.9)


@dataclass(frozen=True, kw_only=True)
class LightReport:
    """The light of a picture in numbers."""

    unit: str
    """"cd/m²", or "relative" where only ratios are known."""
    percentiles: dict[str, float]
    """Luminance at "0.1", "1", "50", "99" and "99.9" percent of the pixels, "min" and "max"."""
    dynamic_range_stops: float
    """log2 of the ratio of the 99.9th to the 0.1st percentile of the pixels that have light at all."""
    headroom_stops: float | None
    """log2 of the maximum above white, 203 cd/m² of display light; None where there is no white."""
    max_cll: float | None
    """The largest channel of any pixel in cd/m²; None where only ratios are known, and for SDR."""
    max_fall: float | None
    """The mean over the pixels of their largest channel in cd/m²; None likewise."""
    clipped: float | None
    """SDR: share of pixels with a channel at the top code; None for HDR."""
    crushed: float | None
    """SDR: share of pixels with all channels at code 0; None for HDR."""
    unusable: int
    """Pixels that are NaN or infinite; they count in nothing else."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def describe(image: Image) -> LightReport:
    """Measure the luminance of a picture."""
    white = image.encoding.white
    light = image.luminance().flatten().cpu().numpy() * (white or 1.0)
    finite = light[np.isfinite(light)]
    positive = finite[finite > 0]
    top = float(finite.max(initial=0.0))
    low, high = _values(positive, (0.1, 99.9)) if positive.size else (1.0, 1.0)
    pixels = image.pixels
    level = light_level(image) if image.is_hdr and white is not None else None
    return LightReport(
        unit="relative" if white is None else "cd/m²",
        percentiles={
            "min": float(finite.min(initial=top)),
            **dict(zip((f"{p:g}" for p in PERCENTILES), _values(finite, PERCENTILES), strict=True)),
            "max": top,
        },
        dynamic_range_stops=float(np.log2(high / low)),
        headroom_stops=float(np.log2(top / _diffuse_white(image, white)))
        if image.is_hdr and white and top > 0
        else None,
        max_cll=None if level is None else level.max_cll,
        max_fall=None if level is None else level.max_fall,
        clipped=None if image.is_hdr else _share((pixels.amax(0) > 1.0 - _HALF_CODE).numpy()),
        crushed=None if image.is_hdr else _share((pixels.amax(0) < _HALF_CODE).numpy()),
        unusable=int(light.size - finite.size),
    )


def _diffuse_white(image: Image, white: float) -> float:
    """In cd/m²; 1.0 of PQ and HLG is the top of a display, far above it."""
    return REFERENCE_WHITE if image.encoding.reference is Reference.DISPLAY_ABSOLUTE else white


def _values(samples: np.ndarray, percentiles: tuple[float, ...]) -> list[float]:
    """The samples below which those percentages lie, without interpolation."""
    if samples.size == 0:
        return [0.0] * len(percentiles)
    indices = [round((samples.size - 1) * p / 100) for p in percentiles]
    ordered = np.partition(samples, sorted(set(indices)))
    return [float(ordered[index]) for index in indices]


def _share(mask: np.ndarray) -> float:
    return float(mask.mean())
