"""FSITM: does a tone-mapped picture keep the local phase, bright and dark features where the HDR has them?

The sign of the locally weighted mean phase angle, from two log-Gabor scales and two orientations, is compared
pixel by pixel. Written from the paper's method and from what public ports say of the authors' MATLAB program;
neither that program nor values of it were at hand, so how near the numbers come to it is not known.

References:  [nafchi2015]; [kovesi1999] for the filters
"""

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.errors import ImageError, MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, light_tensor, matched, require_same_shape
from relume.metrics.tmqi import MINIMUM_SIZE, codes_of, tmqi

CHANNELS = ("red", "green", "blue")

_COARSE_WAVELENGTH, _COARSE_STEP = 8.0, 8.0
_FINE_WAVELENGTH, _FINE_STEP = 2.0, 2.0
_SCALES = 2
_ORIENTATIONS = 2
_BANDWIDTH = 0.65
"""Deviation of the log-Gabor filter over its centre."""
_CUTOFF, _ORDER = 0.45, 15
"""Of the Butterworth filter that keeps the corners of the spectrum out."""
_PIXELS_OF_COARSE = 2.0**18
"""From twice so many pixels on, coarse features count, too."""


def fsitm(sdr: Picture, hdr: Picture, *, channel: str = "green") -> Float[Tensor, "*batch"]:
    """Part of the pixels whose phase feature is the same in both, 0..1, higher is better.

    Convention:  `sdr` is encoded (sRGB or alike): floating point 0..1, or 8-bit codes; `hdr` is linear in any
    unit. Arrays are (height, width, 3), tensors (..., 3, height, width). Computed in float64. It counts
    signs: there is no gradient.

    Args:
        channel: which one is compared; the authors name the result after it, and green does best with them.

    Raises:
        ImageError: shapes that differ, NaN, codes outside the range, an HDR channel without light.
        MethodError: unknown channel.

    References:  [nafchi2015]
    """
    if channel not in CHANNELS:
        raise MethodError(f"there is no channel '{channel}'; expected one of {', '.join(CHANNELS)}.")
    codes, light = matched(codes_of(sdr), light_tensor(hdr, "hdr"))
    require_same_shape(codes, light, ("sdr", "hdr"))
    index = CHANNELS.index(channel)
    height, width = codes.shape[-2:]
    planes = (codes[..., index, :, :], light[..., index, :, :])
    shown, scene = (plane.double().reshape(-1, height, width) for plane in planes)
    coarse = _weight_of_coarse(height * width)
    same = (_phase(shown, shown, coarse) > 0) == (_phase(scene, _logarithm(scene), coarse) > 0)
    return same.double().mean((-2, -1)).view(codes.shape[:-3]).to(codes.dtype)


def fsitm_tmqi(sdr: Picture, hdr: Picture, *, channel: str = "green") -> Float[Tensor, "*batch"]:
    """The mean of FSITM and TMQI, which agrees better with observers than either.

    Convention, Raises:  as `fsitm`; at least 176×176 pixels.

    References:  [nafchi2015]
    """
    return (fsitm(sdr, hdr, channel=channel) + tmqi(sdr, hdr).q) / 2.0


def _weight_of_coarse(pixels: int) -> float:
    """Small pictures are compared by fine features only."""
    parts = math.floor(pixels / _PIXELS_OF_COARSE)
    return 1.0 - 1.0 / parts if parts > 1 else 0.0


def _logarithm(light: Float[Tensor, "batch height width"]) -> Float[Tensor, "batch height width"]:
    """Logarithm of light, spread over 8-bit codes; light of 0 counts as the least above it."""
    if not (light > 0).flatten(1).any(1).all():
        raise ImageError("a channel of hdr has no light above 0; FSITM takes its logarithm.")
    least = torch.where(light > 0, light, torch.inf).amin((-2, -1), keepdim=True)
    logarithm = torch.maximum(light, least).log()
    low, high = logarithm.amin((-2, -1), keepdim=True), logarithm.amax((-2, -1), keepdim=True)
    return torch.where(high > low, 255.0 * (logarithm - low) / (high - low), 0.0).round()


def _phase(coarse: Tensor, fine: Tensor, weight_of_coarse: float) -> Float[Tensor, "batch height width"]:
    """Weighted mean phase angle, of coarse features of one picture and fine ones of the other."""
    angle = (1.0 - weight_of_coarse) * _mean_phase_angle(fine, _FINE_WAVELENGTH, _FINE_STEP)
    if weight_of_coarse > 0:
        angle = angle + weight_of_coarse * _mean_phase_angle(coarse, _COARSE_WAVELENGTH, _COARSE_STEP)
    return angle


def _mean_phase_angle(image: Tensor, wavelength: float, step: float) -> Float[Tensor, "batch height width"]:
    """atan2 of the even and the length of the odd response: above 0 for bright lines, below for dark ones."""
    spectrum = torch.fft.fft2(image)
    even, across, down = (torch.zeros_like(image) for _ in range(3))
    for orientation in range(_ORIENTATIONS):
        angle = orientation * math.pi / _ORIENTATIONS
        gain = torch.from_numpy(_filter(image.shape[-2:], wavelength, step, angle)).to(image.device)
        response = torch.fft.ifft2(spectrum * gain)
        even = even + response.real
        across = across + math.cos(angle) * response.imag
        down = down + math.sin(angle) * response.imag
    return torch.atan2(even, torch.hypot(across, down))


def _filter(size: tuple[int, int] | torch.Size, wavelength: float, step: float, angle: float) -> np.ndarray:
    """Gain at each frequency: the log-Gabor bands of all scales together, to one side of an orientation."""
    rows, columns = (_frequencies(length) for length in size)
    radius = np.hypot(rows[:, None], columns)
    radius[0, 0] = 1.0
    lowpass = 1.0 / (1.0 + (radius / _CUTOFF) ** (2 * _ORDER))
    bands = sum(
        np.exp(-(np.log(radius * wavelength * step**scale) ** 2) / (2.0 * math.log(_BANDWIDTH) ** 2))
        for scale in range(_SCALES)
    )
    direction = np.arctan2(-rows[:, None], columns)
    turned = np.abs(np.arctan2(np.sin(direction - angle), np.cos(direction - angle)))
    spread = (np.cos(np.minimum(turned * _ORIENTATIONS / 2.0, math.pi)) + 1.0) / 2.0
    gain = np.asarray(bands * lowpass * spread)
    gain[0, 0] = 0.0
    return gain


def _frequencies(length: int) -> np.ndarray:
    """Frequencies in the order of the FFT; those of odd lengths reach half a cycle, as by [kovesi1999]."""
    middle = length // 2
    return np.fft.ifftshift((np.arange(length) - middle) / max(1, length - length % 2))


FSITM = Metric(
    spec=MetricSpec(
        name="fsitm",
        title="Feature similarity index for tone-mapped images, green",
        unit="",
        direction=Direction.HIGHER,
        operands=Operands.TONE_MAPPING,
        domain="phase of codes against phase of the logarithm of light",
        version="green channel",
        citation="nafchi2015",
        absolute=False,
        lowest=0.0,
        highest=1.0,
        minimum_size=2,
        differentiable=False,
    ),
    score=full_reference(fsitm),
)
FSITM_TMQI = Metric(
    spec=replace(FSITM.spec, name="fsitm_tmqi", title="Mean of FSITM and TMQI", minimum_size=MINIMUM_SIZE),
    score=full_reference(fsitm_tmqi),
)
