"""PU21-PIQE: how distorted does a picture look, block by block, without a reference?

References:  [venkatanath2015] for PIQE, [mantiuk2021] for the units
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.luminance import luminance
from relume.metrics import pu21
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, Viewing
from relume.metrics.operands import Picture, light_tensor, require_absolute

BLOCK = 16
SEGMENT = 6
ACTIVE_VARIANCE = 0.1
"""Blocks whose normalised variance is above this are looked at; the others are taken as out of focus."""
IMPAIRED_DEVIATION = 0.1
"""A segment of a block's edge that varies less shows an artefact of compression."""

_WINDOW = 7
_WINDOW_SIGMA = 7.0 / 6.0


def pu_piqe(prediction: Picture) -> Float[Tensor, "*batch"]:
    """Perception-based quality of luminance in PU21 units, 0..100, lower is better.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture. PU21 units are taken as grey codes of 0..255,
    neither rounded nor cut; blocks at the end are filled by repeating the border. 100 where no block has
    contrast. Made of thresholds: it has no useful gradient.

    Raises:
        ImageError: another shape, NaN, integers, relative light.

    References:  [venkatanath2015]; [hanji2022] for its use on PU21 units
    """
    light = light_tensor(prediction, "prediction")
    require_absolute(light)
    units = pu21.encode(luminance(light, weights=pu21.LUMINANCE_WEIGHTS))
    return piqe(units.reshape(-1, 1, *units.shape[-2:])).view(light.shape[:-3])


def piqe(codes: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """Perception-based quality of grey codes on the scale of 0..255; 0..100, lower is better."""
    height, width = codes.shape[-2:]
    padded = functional.pad(codes, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    normalised = _normalised(padded).squeeze(1)
    blocks = normalised.unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).flatten(1, 2)
    variance = blocks.var((-2, -1))
    active = variance > ACTIVE_VARIANCE
    artefact = torch.where(_has_flat_edge(blocks), 1.0 - variance, 0.0)
    noise = torch.where(_is_noisy(blocks, variance), variance, 0.0)
    distortion = torch.where(active, artefact + noise, 0.0).sum(1)
    return 100.0 * (distortion + 1.0) / (active.sum(1) + 1.0)


def _normalised(codes: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """Each pixel less the mean around it, over the deviation around it and one code."""
    offset = torch.arange(_WINDOW, dtype=codes.dtype, device=codes.device) - _WINDOW // 2
    taps = (-0.5 * (offset / _WINDOW_SIGMA).square()).exp()
    window = torch.outer(taps, taps)[None, None] / taps.sum().square()

    def mean(image: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(image, (_WINDOW // 2,) * 4, mode="replicate"), window)

    around = mean(codes)
    deviation = (mean(codes.square()) - around.square()).abs().sqrt()
    return (codes - around) / (deviation + 1.0)


def _has_flat_edge(blocks: Float[Tensor, "batch blocks 16 16"]) -> Tensor:
    """Whether some six neighbours on one of the four edges are nearly equal."""
    edges = torch.stack((blocks[..., 0, :], blocks[..., -1, :], blocks[..., 0], blocks[..., -1]), dim=2)
    return (edges.unfold(-1, SEGMENT, 1).std(-1) < IMPAIRED_DEVIATION).any(-1).any(-1)


def _is_noisy(blocks: Float[Tensor, "batch blocks 16 16"], variance: Float[Tensor, "batch blocks"]) -> Tensor:
    """Whether the two middle columns vary about as much as the others, compared with the whole block."""
    middle = blocks[..., BLOCK // 2 - 1 : BLOCK // 2 + 1].flatten(-2)
    around = torch.cat((blocks[..., : BLOCK // 2 - 1], blocks[..., BLOCK // 2 + 1 :]), dim=-1).flatten(-2)
    ratio = middle.std(-1) / around.std(-1).clamp(min=1e-12)
    deviation = variance.sqrt()
    contrast = (deviation - ratio).abs() / torch.maximum(deviation, ratio).clamp(min=1e-12)
    return deviation > 2.0 * contrast


def _score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
    return pu_piqe(prediction)


PU_PIQE = Metric(
    spec=MetricSpec(
        name="pu_piqe",
        title="PU21-PIQE, without a reference",
        unit="",
        direction=Direction.LOWER,
        operands=Operands.HDR_ALONE,
        domain="PU21 of luminance",
        version="PU21 banding_glare",
        citation="venkatanath2015",
        lowest=0.0,
        highest=100.0,
        differentiable=False,
    ),
    score=_score,
)
