"""PU21: luminance to perceptually uniform units, and PSNR in them.

References:  [mantiuk2021]; the digits are those of the authors' published code.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import luminance
from relume.errors import MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands
from relume.metrics.psnr import psnr

LOWEST = 0.005
HIGHEST = 10_000.0
"""The range of the fit in cd/m²; luminance is clamped to it."""

PEAK = 256.0
"""What PSNR takes as the peak: 100 cd/m², the white of an SDR display, lies at about 256 units."""

LUMINANCE_WEIGHTS = (0.212656, 0.715158, 0.072186)
"""The Y row of the six-digit BT.709 matrix that the authors use."""


@dataclass(frozen=True)
class _Fit:
    """V = p7 (((p1 + p2 Y^p4) / (1 + p3 Y^p4))^p5 − p6)."""

    p1: float
    p2: float
    p3: float
    p4: float
    p5: float
    p6: float
    p7: float


VARIANTS = {
    "banding": _Fit(
        1.070275272, 0.4088273932, 0.153224308, 0.2520326168, 1.063512885, 1.14115047, 521.4527484
    ),
    "banding_glare": _Fit(
        0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627, 0.09150303166, 0.9099517204, 596.3148142
    ),
    "peaks": _Fit(
        1.043882782, 0.6459495343, 0.3194584211, 0.374025247, 1.114783422, 1.095360363, 384.9217577
    ),
    "peaks_glare": _Fit(
        816.885024, 1479.463946, 0.001253215609, 0.9329636822, 0.06746643971, 1.573435413, 419.6006374
    ),
}
"""The four fits: sensitivity from banding or from peak contrast, with or without glare in the eye."""

DEFAULT_VARIANT = "banding_glare"


def encode(luminance: Float[Tensor, "*shape"], *, variant: str = DEFAULT_VARIANT) -> Float[Tensor, "*shape"]:
    """Luminance, or each linear RGB component, to PU21 units.

    Convention:  absolute linear, cd/m², clamped to 0.005..10 000 → units of about 0 to 595 (`banding_glare`);
    100 cd/m² lies at 256.4. Linear RGB is measured in the luminance of a grey with that component.

    Raises:
        MethodError: unknown variant.

    References:  [mantiuk2021]
    """
    p = _fit(variant)
    power = luminance.clamp(LOWEST, HIGHEST).pow(p.p4)
    ratio = (p.p1 + p.p2 * power) / (1.0 + p.p3 * power)
    return (p.p7 * (ratio.pow(p.p5) - p.p6)).clamp(min=0.0)


def decode(units: Float[Tensor, "*shape"], *, variant: str = DEFAULT_VARIANT) -> Float[Tensor, "*shape"]:
    """PU21 units to luminance; the inverse of `encode`.

    Convention:  PU21 units → absolute linear, cd/m²; above the unit of 10 000 cd/m² that luminance is given.

    Raises:
        MethodError: unknown variant.
    """
    p = _fit(variant)
    # The formula has a pole above the highest unit.
    highest = float(encode(torch.tensor(HIGHEST, dtype=torch.float64), variant=variant))
    ratio = (units.clamp(max=highest) / p.p7 + p.p6).clamp(min=0.0).pow(1.0 / p.p5)
    return ((ratio - p.p1).clamp(min=0.0) / (p.p2 - p.p3 * ratio)).pow(1.0 / p.p4)


def pu_psnr(
    prediction: Picture, reference: Picture, *, variant: str = DEFAULT_VARIANT
) -> Float[Tensor, "*batch"]:
    """PSNR in PU21 units over the three components, in dB; higher is better, infinite for equal pictures.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture; peak 256 units.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light.
        MethodError: unknown variant.

    References:  [mantiuk2021]
    """
    left, right = absolute_operands(prediction, reference)
    return psnr(encode(left, variant=variant), encode(right, variant=variant), peak=PEAK)


def pu_psnr_y(
    prediction: Picture, reference: Picture, *, variant: str = DEFAULT_VARIANT
) -> Float[Tensor, "*batch"]:
    """PSNR of luminance in PU21 units, in dB; `pu_psnr` but blind to colour."""
    left, right = (
        luminance(picture, weights=LUMINANCE_WEIGHTS) for picture in absolute_operands(prediction, reference)
    )
    return psnr(encode(left, variant=variant), encode(right, variant=variant), peak=PEAK)


def _fit(variant: str) -> _Fit:
    if variant not in VARIANTS:
        raise MethodError(f"there is no PU21 variant '{variant}'; expected one of {', '.join(VARIANTS)}.")
    return VARIANTS[variant]


PU_PSNR = Metric(
    spec=MetricSpec(
        name="pu_psnr",
        title="PU21-PSNR of the three components",
        unit="dB",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="PU21 of RGB",
        version="PU21 banding_glare, peak 256",
        citation="mantiuk2021",
        identical=math.inf,
        # [hanji2022]: smaller differences of means between methods were not seen by observers.
        claimable=3.5,
    ),
    score=full_reference(pu_psnr),
)
PU_PSNR_Y = Metric(
    spec=MetricSpec(
        name="pu_psnr_y",
        title="PU21-PSNR of luminance",
        unit="dB",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="PU21 of luminance",
        version="PU21 banding_glare, peak 256",
        citation="mantiuk2021",
        identical=math.inf,
    ),
    score=full_reference(pu_psnr_y),
)
