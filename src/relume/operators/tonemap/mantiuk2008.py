"""Mantiuk, Daly, Kerofsky 2008: display adaptive tone mapping."""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

_STEP = 0.1
"""Log10 units between the nodes of the tone curve."""
_DARKEST, _BRIGHTEST = -8.0, 8.0
"""Log10 of the luminances, in cd/m², that are told apart."""
_WEIGHTS = (0.4, 0.25, 0.05)
"""Of the low-pass filter between bands: centre, neighbours, second neighbours."""
_PIXELS_PER_DEGREE, _LOWEST_FREQUENCY = 30.0, 3.0
_CONTRASTS = np.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
"""Log10 units that stand for the contrasts around them."""
_INVISIBLE = 0.0043
"""Log10 units; less is no contrast."""
_MOST_ROUNDS, _SETTLED = 200, 0.01
_INERTIA = 1e-6
"""How much, of all contrasts together, a slope of 1 counts where no contrast tells it."""


class _Display(NamedTuple):
    """L = signal^γ (peak - black) + black + reflectivity · ambient / π."""

    peak: float
    black: float
    ambient: float
    reflectivity: float

    @property
    def floor(self) -> float:
        """Luminance of a black pixel in that room."""
        return self.black + self.reflectivity * self.ambient / math.pi

    @property
    def ceiling(self) -> float:
        """Luminance of a white pixel in that room."""
        return self.peak + self.reflectivity * self.ambient / math.pi


_DISPLAYS = {
    "lcd": _Display(200.0, 0.8, 60.0, 0.01),
    "lcd_office": _Display(100.0, 0.8, 400.0, 0.01),
    "lcd_bright": _Display(500.0, 0.5, 10.0, 0.01),
    "crt": _Display(80.0, 1.0, 60.0, 0.02),
}


@dataclass(frozen=True, kw_only=True)
class Mantiuk2008(Method):
    """The tone curve whose contrasts, seen on a certain display in a certain room, are most like the scene's.

    Contrasts of three bands are counted by the luminance they stand on. A piecewise linear curve in log10
    luminance, whose rise is not negative and fits the display, minimises the squared difference between the
    responses of the eye to the contrasts of scene and display. Responses come from Wilson's transducer with
    the sensitivity of Daly, each at its own luminance; the problem is solved as quadratic programs, each with
    the responses linearised at the last solution. Colours are (C/L)^s Ld, s from the slope of the curve.

    Convention:  a curve that needs less than the range of the display ends at white. Saturated colours may
        exceed 1. Night scenes stay dark and their shadows black, as the eye would have them; who wants to see
        into them raises the reference white of the input.

    Agreement: no reference values exist; the program is checked against random curves near its solution.

    Picture: natural colours and contrast, shadows black on the assumed display.

    References:  [mantiuk2008], sections 3 to 5; [daly1993] for the sensitivity; [mantiuk2009] for the colour.
    """

    display: str = parameter(
        "lcd", "what the picture is shown on, and in what light", choices=tuple(_DISPLAYS)
    )
    enhancement: float = parameter(
        1.0, "contrasts wanted, as multiples of the scene's", minimum=0.1, maximum=5.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="mantiuk2008",
        title="Mantiuk et al. 2008, display adaptive",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="mantiuk2008",
        memory=23.0,
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The luminance of the result at each pixel, and the exponent of its colour ratios."""
        with torch.no_grad():
            darkest, brightest = 10.0**_DARKEST, 10.0**_BRIGHTEST
            logarithm = light_of(image.detach()).clamp_(darkest, brightest).log10_()
            shown = [self._shown(part) for part in torch.split(logarithm, 1)]
        return {"light": torch.cat([s[0] for s in shown]), "saturation": torch.cat([s[1] for s in shown])}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Give the new luminance to the old colours."""
        statistics = statistics or self.measure(image)
        light = luminance(image)
        lit = light > 0.0
        ratios = (image / torch.where(lit, light, 1.0)).clamp(min=0.0)
        return torch.where(lit, ratios ** statistics["saturation"] * statistics["light"], 0.0)

    def _shown(
        self, logarithm: Float[Tensor, "1 1 height width"]
    ) -> tuple[Float[Tensor, "1 1 height width"], Float[Tensor, "1 1 height width"]]:
        low = math.floor(float(logarithm.min()) / _STEP) * _STEP
        count = max(math.ceil((float(logarithm.max()) - low) / _STEP - 1e-6), 1)
        nodes = low + _STEP * np.arange(count + 1)
        rises = self.rises(nodes, contrast_counts(logarithm, nodes))
        display = _DISPLAYS[self.display]
        curve = math.log10(display.ceiling) - rises.sum() + np.concatenate(([0.0], rises.cumsum()))
        place = ((logarithm - low) / _STEP).clamp(0.0, count - 1e-3)
        index = place.long()
        table = [torch.as_tensor(a, dtype=logarithm.dtype, device=logarithm.device) for a in (curve, rises)]
        rise = table[1][index]
        luminances = torch.pow(10.0, table[0][index] + (place - index) * rise)
        light = (luminances - display.floor) / (display.ceiling - display.floor)
        slope = (rise / _STEP).clamp(min=1e-3) ** 0.82
        return light.clamp_(min=0.0), 2.48 * slope / (1.0 + 1.48 * slope)

    def rises(self, nodes: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """By how much log10 display luminance rises from each node to the next."""
        reach = _reach(len(nodes))
        display = _DISPLAYS[self.display]
        budget = math.log10(display.ceiling / display.floor)
        frequencies = _frequencies()[:, None, None]
        wanted = response(self.enhancement * _CONTRASTS, sensitivity(frequencies, 10.0 ** nodes[:-1, None]))
        rises = np.full(len(nodes) - 1, min(_STEP, budget / (len(nodes) - 1)))
        for _ in range(_MOST_ROUNDS):
            ends = math.log10(display.ceiling) - rises.sum() + rises.cumsum() - rises
            contrasts = np.maximum(reach @ rises, 1e-4)
            gain = response(contrasts, sensitivity(frequencies, 10.0 ** ends[:, None])) / contrasts
            found = _program(reach, counts, gain, wanted, budget)
            change, rises = np.abs(found - rises).max(), 0.5 * (found + rises)
            if change < _SETTLED * _STEP:
                break
        return rises


def _frequencies() -> np.ndarray:
    """Cycles per degree of the bands, the finest first."""
    highest = 0.5 * _PIXELS_PER_DEGREE
    return highest / 2.0 ** np.arange(math.floor(math.log2(highest / _LOWEST_FREQUENCY)) + 1)


def contrast_counts(logarithm: Float[Tensor, "1 1 height width"], nodes: np.ndarray) -> np.ndarray:
    """How many pixels of each band (first axis) have which contrast (last) above or below which node."""
    intervals, kinds = len(nodes) - 1, len(_CONTRASTS)
    edges = torch.as_tensor(0.5 * (_CONTRASTS[1:] + _CONTRASTS[:-1]), dtype=logarithm.dtype)
    counts, current = [], logarithm
    for band in range(len(_frequencies())):
        coarse = _low_pass(current, 2**band)
        contrast = (current - coarse).abs_()
        kind = torch.bucketize(contrast, edges.to(contrast.device))
        interval = ((coarse - float(nodes[0])) / _STEP).long().clamp_(0, intervals - 1)
        seen = contrast > _INVISIBLE
        joint = torch.bincount((interval * kinds + kind)[seen], minlength=intervals * kinds)
        counts.append(joint.view(intervals, kinds).double().cpu().numpy())
        current = coarse
    return np.stack(counts)


def _low_pass(image: Tensor, step: int) -> Tensor:
    """The next coarser band: five taps that many pixels apart, the border repeated."""
    for dim in (-1, -2):
        margins = (2 * step, 2 * step, 0, 0) if dim == -1 else (0, 0, 2 * step, 2 * step)
        wide, length = functional.pad(image, margins, mode="replicate"), image.shape[dim]
        total = image * _WEIGHTS[0]
        for distance, weight in enumerate(_WEIGHTS[1:], start=1):
            for side in (-1, 1):
                total.add_(wide.narrow(dim, (2 + side * distance) * step, length), alpha=weight)
        image = total
    return image


def _reach(nodes: int) -> Float[np.ndarray, "interval contrast interval"]:
    """Over what share of each interval a contrast extends that begins at the centre of one and goes up.

    At the bright end it goes down instead.
    """
    intervals = nodes - 1
    start = np.minimum(np.arange(intervals)[:, None] + 0.5, intervals - _CONTRASTS / _STEP).clip(min=0.0)
    end = np.minimum(start + _CONTRASTS / _STEP, intervals)
    left = np.arange(intervals)
    shares: np.ndarray = np.clip(end[..., None] - left, 0.0, 1.0) - np.clip(start[..., None] - left, 0.0, 1.0)
    return shares


def _program(
    reach: np.ndarray, counts: np.ndarray, gain: np.ndarray, wanted: np.ndarray, budget: float
) -> np.ndarray:
    """Minimise Σ counts (gain · reach · d - wanted)² over d ≥ 0 with Σ d ≤ budget."""
    from scipy.optimize import nnls

    count = reach.shape[0]
    weights = counts * gain**2
    hessian = np.einsum("ic,ick,icl->kl", weights.sum(0), reach, reach)
    slope = np.einsum("ic,ick->k", (counts * gain * wanted).sum(0), reach)
    inertia = _INERTIA * max(float(np.trace(hessian)) / count, 1.0)
    hessian[np.diag_indices(count)] += inertia
    slope += inertia * _STEP
    root = np.linalg.cholesky(hessian).T
    # A further unknown is what is left of the budget; a heavy row makes all together the budget.
    heavy = 1e3 * math.sqrt(float(np.trace(hessian)))
    matrix = np.zeros((count + 1, count + 1))
    matrix[:count, :count], matrix[count] = root, heavy
    goal = np.append(np.linalg.solve(root.T, slope), heavy * budget)
    solution: np.ndarray = nnls(matrix, goal)[0][:count]
    return solution


def sensitivity(frequency: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Contrast sensitivity at cycles per degree and cd/m², for a picture of a square degree.

    References:  [daly1993], the contrast sensitivity function with P = 250, at 0.5 m and no eccentricity.
    """

    def curve(rho: np.ndarray) -> np.ndarray:
        amplitude = 0.801 * (1.0 + 0.7 / light) ** -0.2
        falloff = 0.3 * (1.0 + 100.0 / light) ** 0.15 * 0.9 * rho
        size = ((3.23 * (rho**2) ** -0.3) ** 5 + 1.0) ** -0.2
        band: np.ndarray = (
            size * amplitude * 0.9 * rho * np.exp(-falloff) * np.sqrt(1.0 + 0.06 * np.exp(falloff))
        )
        return band

    lower: np.ndarray = np.minimum(curve(frequency / (0.856 * 0.5**0.14)), curve(frequency))
    return 250.0 * lower


def response(contrast: np.ndarray, sensitivity: np.ndarray) -> np.ndarray:
    """What the eye makes of a contrast ≥ 0 in log10 units, in just noticeable differences.

    References:  [mantiuk2008], section 4: the transducer of [wilson1980].
    """
    excitation = sensitivity * (10.0**contrast - 1.0)
    seen: np.ndarray = 3.291 * (np.cbrt(1.0 + excitation**3) - 1.0) / (0.2599 * (3.433 + excitation) ** 0.8)
    return seen
