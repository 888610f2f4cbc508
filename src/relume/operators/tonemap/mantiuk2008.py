"""Mantiuk, Daly, Kerofsky 2008: display adaptive tone mapping."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

_STEP = 0.1
"""Log10 units between the nodes of the tone curve, and between the contrasts that are told apart."""
_DARKEST, _BRIGHTEST = -8.0, 8.0
"""Log10 of the luminances, in cd/m², that are told apart."""
_WEIGHTS = (0.4, 0.25, 0.05)
"""Of the low-pass filter between bands: centre, neighbours, second neighbours."""
_PIXELS_PER_DEGREE, _LOWEST_FREQUENCY = 30.0, 3.0
_LONGEST = 7
"""Steps that the largest contrast extends over."""
_CONTRASTS = np.array([steps for steps in range(-_LONGEST, _LONGEST + 1) if steps])
"""From the surroundings to the pixel, in steps."""
_INVISIBLE = 0.0043
"""Log10 units; less is no contrast. All that is more counts as a step at least."""
_ADAPTED = 1000.0
"""Cd/m² that the eye is adapted to before the scene."""
_ANCHOR = 0.1
"""How much bridging a gap without contrasts counts, and holding white, of all contrasts together."""
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


class _Contrasts(NamedTuple):
    """Contrasts that the curve is to keep, one in each row."""

    reach: Float[np.ndarray, "contrast interval"]
    """1 for the intervals that it extends over."""
    size: Float[np.ndarray, " contrast"]
    """Log10 units in the scene."""
    weight: Float[np.ndarray, " contrast"]
    """How many pixels have it."""
    frequency: Float[np.ndarray, " contrast"]
    """Cycles per degree."""
    node: Int[np.ndarray, " contrast"]
    """Of the surroundings."""


@dataclass(frozen=True, kw_only=True)
class Mantiuk2008(Method):
    """The tone curve whose contrasts, seen on a certain display in a certain room, are most like the scene's.

    Contrasts of four bands are counted by the luminance that surrounds them. A piecewise linear curve in
    log10 luminance, whose rise is not negative and fits the display, minimises the squared difference between
    the responses of the eye to the contrasts of scene and display. Responses come from Wilson's transducer
    with the sensitivity of Daly: before the display at the luminance it shows, before the scene at 1000
    cd/m²; the problem is solved as quadratic programs, each with the responses linearised at the last
    solution. Colours are (C/L)^s Ld, s from the slope of the curve.

    Convention:  the brightest light is white, so that night scenes come out bright, unless `white` says what
        is to be white. Nodes are counted from the brightest pixel, those of the published program from 1e-8
        cd/m²; at the border pixels are repeated, not mirrored. Saturated colours may exceed 1.

    Agreement: no reference values exist; the program is checked against random curves near its solution.

    Picture: natural colours, much contrast in daylight, shadows kept.

    References:  [mantiuk2008], sections 3 to 5; [daly1993] for the sensitivity; [mantiuk2009] for the colour;
        the weights of gaps and of `white`, and that weak contrasts count as a step, as in pfstools.
    """

    display: str = parameter(
        "lcd", "what the picture is shown on, and in what light", choices=tuple(_DISPLAYS)
    )
    enhancement: float = parameter(
        1.0, "contrasts wanted, as multiples of the scene's", minimum=0.1, maximum=5.0
    )
    white: float | None = parameter(
        None,
        "luminance to be shown as white, all above it as well; none: the brightest",
        minimum=1e-6,
        maximum=1e8,
        unit="cd/m²",
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="mantiuk2008",
        title="Mantiuk et al. 2008, display adaptive",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="mantiuk2008",
        memory=23.0,
        scaling="invariant",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The luminance of the result at each pixel, and the exponent of its colour ratios."""
        with torch.no_grad():
            light = light_of(image.detach())
            # Black is as dark as the darkest light, else the way down to it would take the range.
            darkest = torch.where(light > 0.0, light, math.inf).amin((-2, -1), keepdim=True)
            logarithm = torch.maximum(light, darkest).clamp_(10.0**_DARKEST, 10.0**_BRIGHTEST).log10_()
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
        nodes = self._nodes(float(logarithm.min()), float(logarithm.max()))
        rises = self.rises(nodes, contrast_counts(logarithm, nodes))
        display = _DISPLAYS[self.display]
        curve = math.log10(display.ceiling) - rises.sum() + np.concatenate(([0.0], rises.cumsum()))
        slope = (rises / _STEP).clip(min=1e-3) ** 0.82
        saturation = np.append(2.48 * slope / (1.0 + 1.48 * slope), 1.0)
        shown, ratio = (_between(logarithm, nodes, values) for values in (curve, saturation))
        light = (torch.pow(10.0, shown) - display.floor) / (display.ceiling - display.floor)
        return light.clamp_(min=0.0), ratio

    def _nodes(self, darkest: float, brightest: float) -> Float[np.ndarray, " node"]:
        """Log10 luminances a step apart, one beyond the picture's at both ends for what is rounded."""
        white = brightest if self.white is None else math.log10(self.white)
        below = math.ceil((brightest - min(darkest, white)) / _STEP - 1e-6) + 1
        above = math.ceil((max(brightest, white) - brightest) / _STEP - 1e-6) + 1
        return brightest + _STEP * np.arange(-below, above + 1)

    def rises(
        self, nodes: Float[np.ndarray, " node"], counts: Float[np.ndarray, "band node contrast"]
    ) -> Float[np.ndarray, " interval"]:
        """By how much log10 display luminance rises from each node to the next."""
        wanted = self._wanted(nodes, counts)
        display = _DISPLAYS[self.display]
        budget = math.log10(display.ceiling / display.floor)
        goal = response(self.enhancement * wanted.size, sensitivity(wanted.frequency, np.array(_ADAPTED)))
        rises = np.full(len(nodes) - 1, min(_STEP, budget / (len(nodes) - 1)))
        for _ in range(_MOST_ROUNDS):
            shown = math.log10(display.ceiling) - rises.sum() + np.concatenate(([0.0], rises.cumsum()))
            contrasts = np.maximum(wanted.reach @ rises, 1e-4)
            seen = sensitivity(wanted.frequency, 10.0 ** shown[wanted.node])
            gain = response(contrasts, seen) / contrasts
            found = _program(wanted.reach, wanted.weight, gain, goal, budget)
            change, rises = np.abs(found - rises).max(), 0.5 * (found + rises)
            if change < _SETTLED * _STEP:
                break
        return rises

    def _wanted(
        self, nodes: Float[np.ndarray, " node"], counts: Float[np.ndarray, "band node contrast"]
    ) -> _Contrasts:
        """The contrasts of the picture, of gaps between its luminances, and what shall be white."""
        intervals, frequencies = np.arange(len(nodes) - 1), _frequencies()
        band, node, kind = np.nonzero(counts)
        ends = np.sort([node, node + _CONTRASTS[kind]], axis=0)[..., None]
        reach = ((intervals >= ends[0]) & (intervals < ends[1])).astype(float)
        found = _Contrasts(
            reach, np.abs(_CONTRASTS[kind]) * _STEP, counts[band, node, kind], frequencies[band], node
        )
        anchor = _ANCHOR * float(counts.sum())
        bridged = reach.any(0)
        if self.white is not None:
            at_white = round((math.log10(self.white) - float(nodes[0])) / _STEP)
            found = _joined(found, intervals >= at_white, 0.0, anchor, frequencies[0], at_white)
            bridged[min(at_white, len(intervals) - 1)] = True
        for first, last in _gaps(bridged):
            gap = (intervals >= first) & (intervals < last)
            found = _joined(found, gap, (last - first) * _STEP, anchor, frequencies[-1], last)
        return found


def _joined(
    contrasts: _Contrasts,
    reach: Bool[np.ndarray, " interval"],
    size: float,
    weight: float,
    frequency: float,
    node: int,
) -> _Contrasts:
    """The contrasts and one more."""
    return _Contrasts(
        reach=np.vstack([contrasts.reach, reach]),
        size=np.append(contrasts.size, size),
        weight=np.append(contrasts.weight, weight),
        frequency=np.append(contrasts.frequency, frequency),
        node=np.append(contrasts.node, node),
    )


def _gaps(bridged: Bool[np.ndarray, " interval"]) -> list[tuple[int, int]]:
    """Runs of intervals that nothing bridges, between some that something does."""
    places = np.flatnonzero(bridged)
    return [(int(a) + 1, int(b)) for a, b in pairwise(places) if b > a + 1]


def _between(
    values: Float[Tensor, "*shape"],
    nodes: Float[np.ndarray, " node"],
    at_nodes: Float[np.ndarray, " node"],
) -> Float[Tensor, "*shape"]:
    """Of values at the nodes, those in between."""
    place = ((values - float(nodes[0])) / _STEP).clamp(0.0, len(nodes) - 1 - 1e-3)
    index = place.long()
    table = torch.as_tensor(at_nodes, dtype=values.dtype, device=values.device)
    return torch.lerp(table[index], table[index + 1], place - index)


def _frequencies() -> Float[np.ndarray, " band"]:
    """Cycles per degree of the bands, the finest first, down to the first that is low enough."""
    highest = 0.5 * _PIXELS_PER_DEGREE
    return highest / 2.0 ** np.arange(math.ceil(math.log2(highest / _LOWEST_FREQUENCY)) + 1)


def contrast_counts(
    logarithm: Float[Tensor, "1 1 height width"], nodes: Float[np.ndarray, " node"]
) -> Float[np.ndarray, "band node contrast"]:
    """How many pixels of each band (first axis) differ by which contrast (last) from which surroundings."""
    kinds, counts, current = 2 * _LONGEST + 1, [], logarithm
    for band in range(len(_frequencies())):
        surroundings = _low_pass(current, 2**band)
        contrast = current - surroundings
        steps = (contrast / _STEP).round()
        steps = torch.where((steps == 0) & (contrast.abs() > _INVISIBLE), contrast.sign(), steps).long()
        node = ((surroundings - float(nodes[0])) / _STEP).round().long().clamp_(0, len(nodes) - 1)
        told = (steps != 0) & (steps.abs() <= _LONGEST)
        # Rounded twice, a pixel may lie one step further than the outermost node.
        told &= (node + steps >= 0) & (node + steps < len(nodes))
        joint = torch.bincount((node * kinds + steps + _LONGEST)[told], minlength=len(nodes) * kinds)
        table = joint.view(len(nodes), kinds).double().cpu().numpy()
        counts.append(table[:, np.arange(kinds) != _LONGEST])
        current = surroundings
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


def _program(
    reach: Float[np.ndarray, "contrast interval"],
    weight: Float[np.ndarray, " contrast"],
    gain: Float[np.ndarray, " contrast"],
    wanted: Float[np.ndarray, " contrast"],
    budget: float,
) -> Float[np.ndarray, " interval"]:
    """Minimise Σ weight (gain · reach · d - wanted)² over d ≥ 0 with Σ d ≤ budget."""
    from scipy.optimize import nnls

    count = reach.shape[1]
    scaled = gain[:, None] * reach
    hessian = scaled.T @ (weight[:, None] * scaled)
    slope = scaled.T @ (weight * wanted)
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
