"""Mantiuk, Myszkowski, Seidel 2006: contrast mapping and contrast equalisation, a framework in contrasts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import BT709_WEIGHTS, luminance
from relume.filters.gradient_fit import Edges, add_gradient_adjoint, fit_gradients, gradient, scale_to_fit
from relume.filters.pyramid import mean_pyramid, mean_pyramid_adjoint, strips
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import percentile

DISPLAY_RANGE = 2.3
"""Log10 units from the darkest to the brightest tone of the result."""

_DARKEST = 1e-7
"""Darker light, relative to the maximum, counts as this."""
_PUREST = 1.0 / min(BT709_WEIGHTS)
"""The largest ratio of a channel to luminance in the gamut: that of blue."""
_SMALLEST_LEVEL = 3
"""Pixels on the shorter side of the coarsest level."""

# Discrimination threshold ΔG(G) = 0.038737 G^0.537756, not below the detection threshold, a contrast of 1 %.
_THRESHOLD_SCALE, _THRESHOLD_EXPONENT = 0.038737, 0.537756
_DETECTION = math.log10(1.01)
_KNEE = (_DETECTION / _THRESHOLD_SCALE) ** (1.0 / _THRESHOLD_EXPONENT)
_KNEE_RESPONSE = _KNEE / _DETECTION
_RESPONSE_EXPONENT = 1.0 - _THRESHOLD_EXPONENT
_RESPONSE_SCALE = 1.0 / (_THRESHOLD_SCALE * _RESPONSE_EXPONENT)
_SMALLEST_THRESHOLD_AT = 1e-3

_STRONGEST_RESPONSE = 106.0
"""What equalisation at factor 1 gives the strongest contrast, about 10^4 : 1."""
_BINS, _BIN = 8192, 1.0 / 32.0
"""Number and width, in just noticeable differences, of the bins in which equalisation counts responses."""

Remap = Callable[[Edges], Edges]
"""Contrasts of the input to contrasts of the result, in log10 units."""


@dataclass(frozen=True, kw_only=True)
class Mantiuk2006(Method):
    """Scale or equalise the visual response to contrasts at all scales, then find the picture that has them.

    Contrasts are differences of log10 luminance between neighbours at every level of a pyramid. A transducer
    turns them into responses in just noticeable differences; `mapping` multiplies these with `factor`, while
    `equalization` gives each the share of weaker responses in the picture, times `factor`. The log luminance
    whose contrasts fit best, weighted with the inverse discrimination threshold, is stretched so that its
    0.1 % and 99.9 % percentiles lie 2.3 log10 units apart, the upper at white.

    The transducer is the integral of the inverse threshold and hence linear where contrasts are too weak to
    be seen. Under the power law that the paper fits to it, mapping would be a mere change of gamma.

    Convention:  saturated colours may exceed 1; light outside the gamut of BT.709 is cut.

    Agreement: no reference values; the solver is tested against a direct one.

    Picture: strong local contrast; bright surfaces show their shading. Where few pixels are much brighter
        than the rest, as lamps at night, all else is nearly black.

    References:  [mantiuk2006], sections 3 to 6.
    """

    mode: str = parameter("mapping", "what happens to contrasts", choices=("mapping", "equalization"))
    factor: float = parameter(
        0.1, "strength of the contrasts; lower favours detail over large contrasts", minimum=0.01, maximum=1.0
    )
    saturation: float = parameter(0.8, "exponent of the colour ratios", minimum=0.0, maximum=2.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="mantiuk2006",
        title="Mantiuk et al. 2006, contrast mapping and equalisation",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="mantiuk2006",
        memory=7.5,
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The log10 luminance of the result at every pixel, 0 for white."""
        with torch.no_grad():
            maps = [self._log_display(picture[None]) for picture in image.detach()]
            return {"log_luminance": maps[0] if len(maps) == 1 else torch.cat(maps)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Give the new luminance to the old colours, desaturated as `saturation` says."""
        statistics = statistics or self.measure(image)
        light = luminance(image)
        lit = light > 0.0
        ratios = (image / torch.where(lit, light, 1.0)).clamp_(0.0, _PUREST).pow_(self.saturation)
        return ratios.mul_(torch.where(lit, torch.pow(10.0, statistics["log_luminance"]), 0.0))

    def _log_display(self, image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 1 height width"]:
        logarithm = log_luminance(image)
        remap = self._mapping if self.mode == "mapping" else self._equalization(logarithm)
        return stretch(remap_contrasts(logarithm, remap)[None, None])

    def _mapping(self, contrasts: Edges) -> Edges:
        return Edges(*(inverse_transducer(transducer(g.abs()) * self.factor).copysign_(g) for g in contrasts))

    def _equalization(self, logarithm: Float[Tensor, "height width"]) -> Remap:
        shares = response_distribution(logarithm)
        ceiling = self.factor * _STRONGEST_RESPONSE

        def equalize(contrasts: Edges) -> Edges:
            right, down = _responses(contrasts)
            strength = torch.hypot(right, down)
            gain = (shares(strength) * ceiling / strength).nan_to_num_(nan=0.0)
            return Edges(*(inverse_transducer((r * gain).abs_()).copysign_(r) for r in (right, down)))

        return equalize


def transducer(contrast: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Response, in just noticeable differences, to a contrast ≥ 0 in log10 units.

    References:  [mantiuk2006], section 4: the solution of dT/dG = 1 / ΔG(G), T(0) = 0.
    """
    strong = contrast.pow(_RESPONSE_EXPONENT).sub_(_KNEE**_RESPONSE_EXPONENT).mul_(_RESPONSE_SCALE)
    return torch.where(contrast > _KNEE, strong.add_(_KNEE_RESPONSE), contrast / _DETECTION)


def inverse_transducer(response: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Contrast ≥ 0 in log10 units that causes a response; the inverse of `transducer`."""
    strong = (response - _KNEE_RESPONSE).clamp_(min=0.0).div_(_RESPONSE_SCALE)
    strong = strong.add_(_KNEE**_RESPONSE_EXPONENT).pow_(1.0 / _RESPONSE_EXPONENT)
    return torch.where(response > _KNEE_RESPONSE, strong, response * _DETECTION)


def log_luminance(image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "height width"]:
    """Log10 of luminance relative to its maximum, not below -7; 0 throughout where there is no light."""
    light = luminance(image)[0, 0]
    top = float(light.max())
    if top <= 0.0:
        return torch.zeros_like(light)
    return light.div_(top).clamp_(min=_DARKEST).log10_()


def remap_contrasts(logarithm: Float[Tensor, "height width"], remap: Remap) -> Float[Tensor, "height width"]:
    """The image of mean 0 that comes nearest to the remapped contrasts of a log luminance, overwriting it.

    References:  [mantiuk2006], section 5.
    """
    logarithm -= logarithm.mean()
    weights, divergences = [], []
    for level in mean_pyramid(logarithm, smallest=_SMALLEST_LEVEL):
        weighted, divergence = _goal(level, remap)
        weights.append(weighted)
        divergences.append(divergence)
    total = mean_pyramid_adjoint(divergences)
    del divergences
    return fit_gradients(weights, total, scale_to_fit(weights, total, logarithm))


def _goal(level: Tensor, remap: Remap) -> tuple[Edges, Tensor]:
    """Weights of the wanted contrasts of a level, and the adjoint gradient of the weighted contrasts."""
    # Half precision, 11 bits, is plenty for weights and saves as much memory as one image.
    weights = Edges(*(torch.empty_like(level, dtype=torch.float16) for _ in range(2)))
    divergence = torch.zeros_like(level)
    for top, bottom in strips(*level.shape):
        goal = remap(gradient(level, top, bottom))
        stored = Edges(weights.right[top:bottom], weights.down[top:bottom])
        for weight, contrast in zip(stored, goal, strict=True):
            weight.copy_(importance(contrast))
            contrast *= weight
        add_gradient_adjoint(goal, divergence, top, bottom)
    weights.right[:, -1] = 0.0
    weights.down[-1] = 0.0
    return weights, divergence


def importance(contrast: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The inverse of the discrimination threshold at a contrast of either sign, in log10 units.

    References:  [mantiuk2006], section 5.
    """
    threshold = contrast.abs().clamp_(min=_SMALLEST_THRESHOLD_AT).pow_(_THRESHOLD_EXPONENT)
    return threshold.mul_(_THRESHOLD_SCALE).reciprocal_()


def response_distribution(logarithm: Float[Tensor, "height width"]) -> Callable[[Tensor], Tensor]:
    """The share of all responses of the pyramid that are weaker than a given one, as a function of it.

    References:  [mantiuk2006], section 6.2.
    """
    counts = torch.zeros(_BINS, dtype=torch.float64, device=logarithm.device)
    for level in mean_pyramid(logarithm, smallest=_SMALLEST_LEVEL):
        for top, bottom in strips(*level.shape):
            strength = torch.hypot(*_responses(gradient(level, top, bottom)))
            counts += torch.histc(strength, _BINS, 0.0, _BINS * _BIN)
    cumulated = torch.cat((counts.new_zeros(1), counts.cumsum(0) / counts.sum()))
    steps, shares = cumulated.diff().to(logarithm.dtype), cumulated.to(logarithm.dtype)

    def share(strength: Tensor) -> Tensor:
        position = (strength / _BIN).clamp_(max=_BINS - 1e-3)
        index = position.long()
        return shares[index] + steps[index] * (position - index)

    return share


def _responses(contrasts: Edges) -> Edges:
    return Edges(*(transducer(contrast.abs()).copysign_(contrast) for contrast in contrasts))


def stretch(logarithm: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 height width"]:
    """From the 0.1 % to the 99.9 % percentile onto 2.3 log10 units below white, in place; clipped."""
    low, high = float(percentile(logarithm, 0.001)), float(percentile(logarithm, 0.999))
    gain = DISPLAY_RANGE / max(high - low, 1e-3)
    logarithm -= 0.5 * (low + high)
    return logarithm.mul_(gain).sub_(0.5 * DISPLAY_RANGE).clamp_(-DISPLAY_RANGE, 0.0)
