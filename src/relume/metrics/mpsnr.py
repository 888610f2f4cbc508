"""mPSNR: PSNR of the 8-bit pictures that a set of exposures would give, as if photographed.

References:  [munkberg2006]
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.luminance import luminance
from relume.errors import ImageError, MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, operands

GAMMA = 2.2

SHOWN = (0.1, 0.9)
"""An exposure counts where the mean of the reference lies strictly between these, as a part of 255."""

SCALES = ("mean", "toolbox")


def mpsnr(
    prediction: Picture,
    reference: Picture,
    *,
    stops: tuple[int, int] | None = None,
    scale: str = "mean",
) -> Float[Tensor, "*batch"]:
    """PSNR of exposures from the brightest place to the darkest, in dB; infinite for equal pictures.

    Convention:  linear, any common unit, as array (height, width, 3) or tensor (..., 3, height, width); one
    value for each picture. Each exposure is round(255 (2^c I)^(1/2.2)), clipped to 0..255; exposures that
    leave the reference nearly black or nearly white do not count. Rounding has no gradient.

    Args:
        stops: first and last exposure c, in whole stops; None takes all from -log2 of the highest to -log2
            of the lowest luminance above 0 in either picture, rounded.
        scale: `mean` is the definition, the squared error averaged over exposures. `toolbox` is what the HDR
            Toolbox prints since 2019: the sum over the n exposures, 10 log10 n decibels less.

    Raises:
        ImageError: shapes that differ, NaN, integers, or no exposure shows the reference.
        MethodError: unknown scale.

    References:  [munkberg2006]
    """
    if scale not in SCALES:
        raise MethodError(f"there is no scale '{scale}'; expected one of {', '.join(SCALES)}.")
    left, right = operands(prediction, reference)
    height, width = left.shape[-2:]
    singles = zip(left.reshape(-1, 3, height, width), right.reshape(-1, 3, height, width), strict=True)
    found = torch.stack([_of_picture(one, other, stops, scale) for one, other in singles])
    return found.view(left.shape[:-3])


def _of_picture(
    prediction: Float[Tensor, "3 height width"],
    reference: Float[Tensor, "3 height width"],
    stops: tuple[int, int] | None,
    scale: str,
) -> Float[Tensor, ""]:
    first, last = stops or _range_of_exposures(prediction, reference)
    errors = []
    for exposure in range(first, last + 1):
        shown = _exposed(reference, exposure)
        if SHOWN[0] < shown.mean().item() / 255.0 < SHOWN[1]:
            errors.append((_exposed(prediction, exposure) - shown).square().mean())
    if not errors:
        raise ImageError(
            f"no exposure from {first} to {last} stops shows the reference; expected light in it."
        )
    squared = torch.stack(errors)
    return 10.0 * (255.0**2 / (squared.mean() if scale == "mean" else squared.sum())).log10()


def _range_of_exposures(
    prediction: Float[Tensor, "3 height width"], reference: Float[Tensor, "3 height width"]
) -> tuple[int, int]:
    light = luminance(torch.stack((prediction, reference)))
    light = light[light > 0]
    if light.numel() == 0:
        raise ImageError("both pictures are black; mPSNR needs light to choose exposures.")
    return -_nearest(math.log2(light.max().item())), -_nearest(math.log2(light.min().item()))


def _exposed(light: Float[Tensor, "3 height width"], stops: int) -> Float[Tensor, "3 height width"]:
    """The 8-bit codes of an exposure; halves round up, as in MATLAB."""
    codes = 255.0 * (light.clamp(min=0.0) * 2.0**stops).pow(1.0 / GAMMA)
    return (codes + 0.5).floor().clamp(0.0, 255.0)


def _nearest(value: float) -> int:
    """The nearest whole number; halves away from zero, as in MATLAB."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


MPSNR = Metric(
    spec=MetricSpec(
        name="mpsnr",
        title="Multi-exposure PSNR",
        unit="dB",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="8-bit exposures, gamma 2.2",
        version="mean over exposures",
        citation="munkberg2006",
        absolute=False,
        identical=math.inf,
        differentiable=False,
    ),
    score=full_reference(mpsnr),
)
