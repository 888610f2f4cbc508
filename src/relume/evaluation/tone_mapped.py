"""PSNR and SSIM of what tone mapping operators make of two HDR pictures, averaged over four open operators.

Papers of the field report these numbers for closed presets of a commercial program, which nobody can run
again. These four are in relume, as published and with the parameters of their papers; each is a formula, so
that no solver's tolerance enters the number.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, SRGB
from relume.color.luminance import luminance
from relume.image import convert
from relume.method import Method
from relume.metrics import Direction, Metric, MetricSpec, Operands, Viewing
from relume.metrics.metric import required
from relume.metrics.operands import Picture, operands
from relume.metrics.psnr import psnr
from relume.metrics.ssim import ssim
from relume.operators.statistics import log_mean
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.reinhard2002 import Reinhard2002, Reinhard2002Local
from relume.operators.tonemap.reinhard_devlin2005 import ReinhardDevlin2005

OPERATORS: tuple[Method, ...] = (Reinhard2002(), Drago2003(), Reinhard2002Local(), ReinhardDevlin2005())

_MIDDLE_GREY = 0.18

Compare = Callable[[Tensor, Tensor], Tensor]


def tonemapped_psnr(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """PSNR in dB of the sRGB codes of both pictures, the mean over `OPERATORS`; infinite for equal pictures.

    Convention:  linear BT.709 in any unit; each picture is brought to a log mean of 0.18 and tone mapped
    by itself, so that exposure does not matter. Peak 1.0, the three components together.

    Raises:
        ImageError: shapes that differ, NaN, integers.
    """
    return _mean_over_operators(prediction, reference, lambda left, right: psnr(left, right, peak=1.0))


def tonemapped_ssim(prediction: Picture, reference: Picture) -> Float[Tensor, "*batch"]:
    """SSIM of the sRGB codes of both pictures, the mean over components and `OPERATORS`; 1 for equal ones.

    Convention:  as `tonemapped_psnr`; MATLAB's border.

    Raises:
        ImageError: shapes that differ, NaN, integers.
    """
    return _mean_over_operators(
        prediction, reference, lambda left, right: ssim(left, right, dynamic_range=1.0)
    )


def _mean_over_operators(prediction: Picture, reference: Picture, compare: Compare) -> Tensor:
    left, right = operands(prediction, reference)
    batch, pixels = left.shape[:-3], left.shape[-3:]
    left, right = left.reshape(-1, *pixels), right.reshape(-1, *pixels)
    values = [compare(_codes(operator, left), _codes(operator, right)) for operator in OPERATORS]
    return torch.stack(values).mean(0).reshape(batch)


def _codes(operator: Method, light: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    # At one exposure, because one of the operators is made for light around 0..1.
    exposed = light * (_MIDDLE_GREY / log_mean(luminance(light)))
    return convert(operator(exposed).clamp(0.0, 1.0), LINEAR_DISPLAY, SRGB)


def _psnr_score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Tensor:
    return tonemapped_psnr(prediction, required(reference))


def _ssim_score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Tensor:
    return tonemapped_ssim(prediction, required(reference))


_VERSION = "relume 1: " + ", ".join(operator.spec.name for operator in OPERATORS)

TONEMAPPED_PSNR = Metric(
    spec=MetricSpec(
        name="tonemapped_psnr",
        title="PSNR of tone-mapped renderings, mean over four operators",
        unit="dB",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="sRGB codes",
        version=_VERSION,
        citation="reinhard2002",
        absolute=False,
        identical=float("inf"),
    ),
    score=_psnr_score,
)

TONEMAPPED_SSIM = Metric(
    spec=MetricSpec(
        name="tonemapped_ssim",
        title="SSIM of tone-mapped renderings, mean over four operators",
        unit="",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="sRGB codes",
        version=_VERSION,
        citation="wang2004",
        absolute=False,
        highest=1.0,
        identical=1.0,
    ),
    score=_ssim_score,
)
