"""Structural similarity, single-scale and multi-scale, in the domains that HDR needs.

Two borders are in use and differ in the third digit: Wang's program counts the windows that lie inside the
picture (`valid`), MATLAB's `ssim` repeats the border and counts every pixel (`replicate`).

References:  [wang2004]; [wang2003] for several scales; [mantiuk2021] for PU21 units.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.color.transfer import pq
from relume.errors import ImageError, MethodError
from relume.metrics import pu21
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands, operands
from relume.metrics.psnr import mu_law

WINDOW = 11
SIGMA = 1.5
K1 = 0.01
K2 = 0.03

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, finest first."""

MINIMUM_SIZE_OF_SCALES = WINDOW * 2 ** (len(SCALE_WEIGHTS) - 1)
"""Height and width below which the coarsest scale is smaller than the window."""

BORDERS = ("replicate", "valid")

# Scales whose structure is opposite count as nothing; the power has a finite slope there.
_LEAST_SIMILARITY = 1e-12


def ssim(
    prediction: Float[Tensor, "*batch channels height width"],
    reference: Float[Tensor, "*batch channels height width"],
    *,
    dynamic_range: float,
    border: str = "replicate",
) -> Float[Tensor, "*batch"]:
    """Structural similarity of encoded pictures, the mean over channels and pixels.

    Convention:  encoded values of one scale, of which `dynamic_range` is the whole; 11×11 Gaussian window
    with σ = 1.5, statistics without the correction for small samples.

    Args:
        border: `replicate` repeats the border (MATLAB `ssim`), `valid` takes whole windows only (Wang).

    Raises:
        ImageError: `valid` and a picture smaller than the window.
        MethodError: unknown border.

    References:  [wang2004], eq. 13
    """
    brightness, structure = _similarities(prediction, reference, dynamic_range, border)
    return (brightness * structure).mean((-3, -2, -1))


def ms_ssim(
    prediction: Float[Tensor, "*batch channels height width"],
    reference: Float[Tensor, "*batch channels height width"],
    *,
    dynamic_range: float,
    border: str = "replicate",
) -> Float[Tensor, "*batch"]:
    """Structural similarity over five scales: contrast and structure of each, brightness of the coarsest.

    Convention:  as `ssim`. Between scales each pixel becomes the mean of 2×2, and every second row and column
    is kept; negative means count as 0. With several channels each scale is the mean over them.

    Raises:
        ImageError: smaller than 176×176.
        MethodError: unknown border.

    References:  [wang2003], eq. 7
    """
    height, width = prediction.shape[-2:]
    if min(height, width) < MINIMUM_SIZE_OF_SCALES:
        raise ImageError(
            f"the pictures are {width}×{height}; MS-SSIM needs {MINIMUM_SIZE_OF_SCALES}×"
            f"{MINIMUM_SIZE_OF_SCALES} pixels."
        )
    product = torch.ones(prediction.shape[:-3], dtype=prediction.dtype, device=prediction.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale > 0:
            prediction, reference = half(prediction), half(reference)
        brightness, structure = _similarities(prediction, reference, dynamic_range, border)
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        similarity = (brightness * structure if coarsest else structure).mean((-3, -2, -1))
        product = product * similarity.clamp(min=_LEAST_SIMILARITY).pow(weight)
    return product


def pu_ssim(prediction: Picture, reference: Picture, *, border: str = "replicate") -> Float[Tensor, "*batch"]:
    """SSIM of luminance in PU21 units; 1 for equal pictures.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); dynamic range 256 units. With `replicate` the definition of PU21-SSIM, with
    `valid` Wang's program on the same units.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.
        MethodError: unknown border.

    References:  [mantiuk2021]
    """
    left, right = _pu_luminance(prediction, reference)
    return ssim(left, right, dynamic_range=pu21.PEAK, border=border)


def pu_ms_ssim(
    prediction: Picture, reference: Picture, *, border: str = "replicate"
) -> Float[Tensor, "*batch"]:
    """MS-SSIM of luminance in PU21 units; `pu_ssim` over five scales."""
    left, right = _pu_luminance(prediction, reference)
    return ms_ssim(left, right, dynamic_range=pu21.PEAK, border=border)


def ssim_pq(prediction: Picture, reference: Picture, *, border: str = "replicate") -> Float[Tensor, "*batch"]:
    """SSIM of the three components in PQ codes; 1 for equal pictures.

    Convention:  linear in cd/m², the components encoded with PQ in the primaries they come in; codes 0..1 are
    the dynamic range.
    """
    left, right = absolute_operands(prediction, reference)
    return ssim(pq.inverse_eotf(left), pq.inverse_eotf(right), dynamic_range=1.0, border=border)


def ssim_mu(prediction: Picture, reference: Picture, *, border: str = "replicate") -> Float[Tensor, "*batch"]:
    """SSIM of the three components after the μ-law of `relume.metrics.psnr.psnr_mu`."""
    left, right = mu_law(*operands(prediction, reference))
    return ssim(left, right, dynamic_range=1.0, border=border)


def _pu_luminance(prediction: Picture, reference: Picture) -> tuple[Tensor, Tensor]:
    left, right = (
        pu21.encode(luminance(picture, weights=pu21.LUMINANCE_WEIGHTS))
        for picture in absolute_operands(prediction, reference)
    )
    return left, right


def _similarities(
    prediction: Float[Tensor, "*batch channels height width"],
    reference: Float[Tensor, "*batch channels height width"],
    dynamic_range: float,
    border: str,
) -> tuple[Tensor, Tensor]:
    """Maps of the similarity of brightness, and of contrast and structure together."""
    stability_of_means, stability_of_spreads = (K1 * dynamic_range) ** 2, (K2 * dynamic_range) ** 2
    left_mean, right_mean = window_mean(prediction, border), window_mean(reference, border)
    left_variance = window_mean(prediction.square(), border) - left_mean.square()
    right_variance = window_mean(reference.square(), border) - right_mean.square()
    covariance = window_mean(prediction * reference, border) - left_mean * right_mean
    brightness = (2.0 * left_mean * right_mean + stability_of_means) / (
        left_mean.square() + right_mean.square() + stability_of_means
    )
    structure = (2.0 * covariance + stability_of_spreads) / (
        left_variance + right_variance + stability_of_spreads
    )
    return brightness, structure


def window_mean(image: Float[Tensor, "*batch channels height width"], border: str) -> Tensor:
    """Gaussian-weighted mean around each pixel, or of each window that lies inside the picture."""
    if border not in BORDERS:
        raise MethodError(f"there is no border '{border}'; expected one of {', '.join(BORDERS)}.")
    height, width = image.shape[-2:]
    planes = image.reshape(-1, 1, height, width)
    if border == "replicate":
        planes = functional.pad(planes, (WINDOW // 2,) * 4, mode="replicate")
    elif min(height, width) < WINDOW:
        raise ImageError(f"the pictures are {width}×{height}; whole windows need {WINDOW}×{WINDOW} pixels.")
    offset = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - WINDOW // 2
    taps = (-0.5 * (offset / SIGMA).square()).exp()
    taps = taps / taps.sum()
    means = functional.conv2d(
        functional.conv2d(planes, taps.view(1, 1, WINDOW, 1)), taps.view(1, 1, 1, WINDOW)
    )
    return means.view(*image.shape[:-2], *means.shape[-2:])


def half(image: Float[Tensor, "*batch channels height width"]) -> Tensor:
    """Every second pixel of the mean with its right and lower neighbours; the last row and column repeat."""
    height, width = image.shape[-2:]
    planes = functional.pad(image.reshape(-1, 1, height, width), (0, 1, 0, 1), mode="replicate")
    halves = functional.avg_pool2d(planes, kernel_size=2, stride=2)
    return halves.view(*image.shape[:-2], *halves.shape[-2:])


PU_SSIM = Metric(
    spec=MetricSpec(
        name="pu_ssim",
        title="PU21-SSIM",
        unit="",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="PU21 of luminance",
        version="PU21 banding_glare, border repeated",
        citation="mantiuk2021",
        lowest=-1.0,
        highest=1.0,
        identical=1.0,
    ),
    score=full_reference(pu_ssim),
)
PU_MS_SSIM = Metric(
    spec=replace(
        PU_SSIM.spec,
        name="pu_ms_ssim",
        title="PU21-MS-SSIM",
        lowest=0.0,
        minimum_size=MINIMUM_SIZE_OF_SCALES,
    ),
    score=full_reference(pu_ms_ssim),
)
SSIM_PQ = Metric(
    spec=replace(
        PU_SSIM.spec,
        name="ssim_pq",
        title="SSIM of PQ codes",
        domain="PQ of RGB",
        version="border repeated",
        citation="wang2004",
    ),
    score=full_reference(ssim_pq),
)
SSIM_MU = Metric(
    spec=replace(
        SSIM_PQ.spec,
        name="ssim_mu",
        title="SSIM after the μ-law",
        domain="μ-law of RGB over the maximum of the reference",
        version="μ = 5000, border repeated",
        absolute=False,
    ),
    score=full_reference(ssim_mu),
)
