"""NLPD: distance of pictures after what the early visual system does to them.

That is a pyramid of contrasts, each divided by the contrast around it.

References:  [laparra2017], which has the constants for luminance in cd/m²; [laparra2016] for the distance
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.errors import ImageError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, full_reference
from relume.metrics.operands import Picture, absolute_operands

LEVELS = 6
MINIMUM_SIZE = 2 ** (LEVELS - 1)

_EXPONENT = 1.0 / 2.6
"""Of luminance, for the response of the photoreceptors."""
_FLOOR = 0.005
_LOWPASS = (0.05, 0.25, 0.4, 0.25, 0.05)
_POOL = (
    (0.04, 0.04, 0.05, 0.04, 0.04),
    (0.04, 0.03, 0.04, 0.03, 0.04),
    (0.05, 0.04, 0.05, 0.04, 0.05),
    (0.04, 0.03, 0.04, 0.03, 0.04),
    (0.04, 0.04, 0.05, 0.04, 0.04),
)
_CONSTANT = 0.17
_CONSTANT_LOWEST = 4.86
_OVER_PIXELS = 2.0
_OVER_LEVELS = 0.6
"""Exponents of the means of differences: over the pixels of a level, and over levels."""


def nlpd(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """Normalised Laplacian pyramid distance of luminance; 0 for equal pictures, lower is better.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width), at least 32×32 pixels; one value for each picture. Luminance below 0.005 cd/m²
    counts as that much, where the power has no slope. Six levels; the border is mirrored for the pyramid, as
    in the program of [laparra2016], and outside a level there is no contrast.

    Raises:
        ImageError: too small, shapes that differ, NaN, integers, relative light.

    References:  [laparra2017], eq. 2 to 6
    """
    left, right = absolute_operands(prediction, reference)
    height, width = left.shape[-2:]
    if min(height, width) < MINIMUM_SIZE:
        raise ImageError(
            f"the pictures are {width}×{height}; NLPD needs {MINIMUM_SIZE}×{MINIMUM_SIZE} pixels."
        )
    pyramids = [normalised_pyramid(luminance(light).reshape(-1, 1, height, width)) for light in (left, right)]
    total = left.new_zeros(pyramids[0][0].shape[0])
    for one, other in zip(*pyramids, strict=True):
        squares = (one - other).square().mean((-3, -2, -1))
        total = total + _power(squares, _OVER_LEVELS / _OVER_PIXELS)
    return _power(total / LEVELS, 1.0 / _OVER_LEVELS).view(left.shape[:-3])


def normalised_pyramid(light: Float[Tensor, "batch 1 height width"]) -> list[Tensor]:
    """Contrasts of six levels, finest first, each over the contrast around it; the last is what is left.

    Convention:  luminance in cd/m².
    """
    rest, levels = light.clamp(min=_FLOOR).pow(_EXPONENT), []
    pool = light.new_tensor(_POOL)[None, None]
    for _ in range(LEVELS - 1):
        coarser = _halved(rest)
        contrast = rest - _doubled(coarser, rest.shape[-2:])
        levels.append(contrast / (_CONSTANT + functional.conv2d(contrast.abs(), pool, padding=2)))
        rest = coarser
    return [*levels, rest / (_CONSTANT_LOWEST + rest.abs())]


def _halved(image: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 half_height half_width"]:
    """Blurred, every second pixel; the border is mirrored, its pixels included."""
    return _blurred(_mirrored(_mirrored(image, -1), -2))[..., ::2, ::2]


def _doubled(image: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Interpolated to that size, of which the picture is half; the border is repeated."""
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    height, width = padded.shape[-2:]
    sparse = image.new_zeros(*image.shape[:-2], 2 * height, 2 * width)
    sparse[..., ::2, ::2] = 4.0 * padded
    return _blurred(sparse)[..., : size[0], : size[1]]


def _blurred(image: Tensor) -> Tensor:
    """What the low-pass filter leaves, two pixels less on each side."""
    taps = image.new_tensor(_LOWPASS)
    return functional.conv2d(functional.conv2d(image, taps.view(1, 1, 5, 1)), taps.view(1, 1, 1, 5))


def _mirrored(image: Tensor, dim: int) -> Tensor:
    """Two more pixels at both ends of an axis, mirrored with the last pixel twice."""
    length = image.shape[dim]
    around = torch.arange(-2, length + 2, device=image.device) % (2 * length)
    return image.index_select(dim, torch.where(around < length, around, 2 * length - 1 - around))


def _power(base: Tensor, exponent: float) -> Tensor:
    """A power with slope 0 at 0."""
    return torch.where(base > 0, torch.where(base > 0, base, 1.0).pow(exponent), 0.0)


NLPD = Metric(
    spec=MetricSpec(
        name="nlpd",
        title="Normalised Laplacian pyramid distance",
        unit="",
        direction=Direction.LOWER,
        operands=Operands.HDR,
        domain="power 1/2.6 of luminance, normalised contrasts",
        version="2017, six levels",
        citation="laparra2017",
        lowest=0.0,
        identical=0.0,
        minimum_size=MINIMUM_SIZE,
    ),
    score=full_reference(nlpd),
)
