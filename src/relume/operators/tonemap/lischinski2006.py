"""Lischinski, Farbman, Uyttendaele, Szeliski 2006: interactive local adjustment of tonal values."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.filters.guided import box_mean
from relume.filters.screened import fit_screened
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.reinhard2002 import estimate_key

_OFFSET = 1e-4
_WEIGHT, _SMOOTHNESS, _EDGE = 0.07, 0.4, 1e-4
_LARGEST = 1 << 18
"""Pixels up to which the adjustment is solved at full size; above, at a fraction of it."""
_RADIUS, _FLAT = 2, 1e-2
"""Half the window in which a reduced adjustment is a linear function of log luminance, and what variance of
it, in squared stops, counts as none."""


@dataclass(frozen=True, kw_only=True)
class Lischinski2006(Method):
    """Expose each zone of one stop as Reinhard's curve would, and let exposures change at edges only.

    The stops f minimise Σ 0.07 (f - g)² + Σ 0.4 (∇f)² / (|∇ log2 L| + 1e-4), where g takes the 75th
    percentile R of the pixel's zone to s/(1+s), s = key R / log mean. The picture is multiplied by 2^f.

    Convention:  pictures of more than a quarter of a megapixel are solved at a fraction of their size and the
        result brought up along the edges of log luminance (guided filter). The automatic mode of the
        paper, without strokes. Light far above its zone's neighbours, as lamps are, is not held below 1.

    Agreement: 1e-7 (relative, float64) with LischinskiTMO of the HDR Toolbox in all four cases, with
    variant=toolbox.

    Picture: natural, with bright zones held back and their shading kept; shadows stay dark.

    References:  [lischinski2006], sections 3 and 4; [he2013], section 3, for the guided filter.
    """

    key: float | None = parameter(
        None,
        "what the log mean of the scene becomes; None: from the histogram",
        minimum=1e-3,
        maximum=10.0,
    )
    variant: str = parameter(
        "paper",
        "paper: each pixel is in a zone; toolbox: the darkest, up to 1e-4 above the minimum, are in none and "
        "keep their exposure",
        choices=("paper", "toolbox"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="lischinski2006",
        title="Lischinski et al. 2006, local adjustment by zones",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="lischinski2006",
        memory=20.0,
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What each pixel is multiplied with."""
        with torch.no_grad():
            light = light_of(image.detach())
            return {"gain": torch.cat([self._stops(part).exp2() for part in torch.split(light, 1)])}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expose."""
        statistics = statistics or self.measure(image)
        return image * statistics["gain"]

    def _stops(self, light: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 height width"]:
        goal, logarithm = self._goal(light), (light + _OFFSET).log2()
        factor = math.ceil(math.sqrt(light.numel() / _LARGEST))
        if factor == 1:
            return _smoothed(goal, logarithm, _WEIGHT)
        small, guide = (functional.avg_pool2d(each, factor, ceil_mode=True) for each in (goal, logarithm))
        # Of a picture k times smaller there are k² times fewer pixels, but k times fewer edges of outlines.
        return _brought_up(_smoothed(small, guide, factor * _WEIGHT), guide, logarithm)

    def _goal(self, light: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 height width"]:
        """The stops by which each pixel's zone should be exposed."""
        mean = log_mean(light)
        key = float(estimate_key(light, mean)) if self.key is None else self.key
        low = math.log2(float(light.min()) + _OFFSET)
        zone = (light.clamp(min=1e-12).log2() - low).floor_()
        count = max(1, math.ceil(math.log2(max(float(light.max()), 1e-12)) - low))
        zone.clamp_(min=-1.0 if self.variant == "toolbox" else 0.0, max=count - 1.0)
        goal = torch.zeros_like(light)
        for index in range(count):
            inside = zone == index
            members = light[inside]
            if members.numel() == 0:
                continue
            typical = float(members.kthvalue(max(int(0.75 * members.numel() + 0.5), 1)).values)
            # s/(1+s) over R, where s is R times the exposure.
            exposure = key / float(mean)
            goal[inside] = math.log2(exposure / (1.0 + exposure * typical))
        return goal


def _smoothed(
    goal: Float[Tensor, "1 1 height width"], logarithm: Float[Tensor, "1 1 height width"], weight: float
) -> Float[Tensor, "1 1 height width"]:
    guide = logarithm[0, 0].double()
    right, down = (_SMOOTHNESS / (guide.diff(dim=dim).abs() + _EDGE) for dim in (1, 0))
    stops = fit_screened(goal[0, 0].double(), weight=weight, right=right, down=down)
    return stops[None, None].to(goal.dtype)


def _brought_up(
    small: Float[Tensor, "1 1 rows columns"],
    guide: Float[Tensor, "1 1 rows columns"],
    full: Float[Tensor, "1 1 height width"],
) -> Float[Tensor, "1 1 height width"]:
    """A small image at full size: around each pixel the linear function of the guide that comes near it."""
    small_mean, guide_mean = box_mean(small, _RADIUS), box_mean(guide, _RADIUS)
    variance = box_mean(guide * guide, _RADIUS) - guide_mean**2
    slope = (box_mean(small * guide, _RADIUS) - small_mean * guide_mean) / (variance.clamp(min=0.0) + _FLAT)
    offset = small_mean - slope * guide_mean
    size = tuple(full.shape[-2:])
    slope, offset = (
        functional.interpolate(box_mean(each, _RADIUS), size=size, mode="bilinear")
        for each in (slope, offset)
    )
    return slope.mul_(full).add_(offset)
