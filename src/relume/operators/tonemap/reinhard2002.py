"""Reinhard, Stark, Shirley, Ferwerda 2002: photographic tone reproduction, global and local."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.filters.bilateral_grid import bilateral_grid
from relume.filters.gaussian import gaussian_blur, gaussian_radius
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, log_mean, percentile, scale_to, stops_of

_KEY_MEANING = "what the log mean of the scene becomes: 0.18 is middle grey, 0.09 a night, 0.72 snow"
_MIDDLE_GREY = 0.18

# Of the local operator: s of the eight centres; the surround of one is the centre of the next.
_SCALES = tuple(1.6**level for level in range(8))
_SURROUND = 1.6

# Of the bilateral form: cells of the filter in pixels and in s / (s + t), and the scale at which t is taken.
_CELL, _STEP, _BILATERAL_SCALE = 1.6, 0.025, 8.0

# Added before the logarithms of the robust estimation, but for the mean of its key, as the toolbox does.
_ROBUST_OFFSET = 1e-5


def _sigma(scale: float) -> float:
    """The standard deviation in pixels of the paper's profile exp(-r²/(αs)²), with α = 1/(2√2)."""
    return scale / 4.0


@dataclass(frozen=True, kw_only=True)
class Reinhard2002(Method):
    """The response of film: s (1 + s/w²) / (1 + s), s the luminance exposed so that its log mean is the key.

    Convention:  an automatic white is never below 1, where the curve would no longer compress. With
        `estimation=robust` light is held between its 1st and its 99th percentile before all else, so that
        neither dead pixels nor lamps count: then nothing becomes white, unless a white is given.

    Agreement: 6e-8 (relative, float64) with ReinhardTMO of the HDR Toolbox, all three global cases, with
    `estimation=2003` where key and white are automatic, and with ReinhardRobustTMO, all three cases, with
    `estimation=robust`.

    Picture: natural and a little dark, lamps with their colours, shadows with little detail. With
        `estimation=robust` lamps stay clean, and shadows are deeper.

    References:  [reinhard2002], eqs. 1, 2 and 4; [reinhard2003]; [banterle2017] for the robust form.
    """

    key: float | None = parameter(None, _KEY_MEANING, minimum=1e-3, maximum=10.0)
    white: float | None = parameter(None, "exposed luminance s that becomes white", minimum=0.1)
    estimation: str = parameter(
        "2002",
        "where an automatic key and white come from: 2002, middle grey and the brightest pixel; "
        "2003, the histogram; robust, the histogram without its ends, and no white",
        choices=("2002", "2003", "robust"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="reinhard2002",
        title="Reinhard et al. 2002, photographic tone reproduction",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="reinhard2002",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure that brings the log mean to the key, and the white point; the ends of robust light."""
        light = light_of(image)
        if self.estimation == "robust":
            return self._measure_robust(light)
        mean = log_mean(light)
        exposure = self._key(light, mean) / mean
        return {"exposure": exposure, "white": self._white(light, exposure)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance and scale the colours with it."""
        statistics = statistics or self.measure(image)
        exposure, light = statistics["exposure"], luminance(image)
        burn = exposure / statistics["white"] ** 2
        if self.estimation == "robust":
            held = light.maximum(statistics["low"]).minimum(statistics["high"])
            exposed = held * exposure
            return scale_to(image, light, held * (exposure + exposed * burn) / (1.0 + exposed))
        exposed = (light * exposure).clamp(min=0.0)
        return image * ((exposure + exposed * burn) / (1.0 + exposed))

    def _measure_robust(self, light: Float[Tensor, "batch 1 height width"]) -> Statistics:
        low, high = percentile(light, 0.01), percentile(light, 0.99)
        light = light.maximum(low).minimum(high)
        mean = log_mean(light, offset=_ROBUST_OFFSET)
        if self.key is None:
            key = estimate_key(light, log_mean(light), offset=_ROBUST_OFFSET)
        else:
            key = torch.full_like(mean, self.key)
        white = torch.full_like(mean, math.inf if self.white is None else self.white)
        return {"exposure": key / mean, "white": white, "low": low, "high": high}

    def _key(
        self, light: Float[Tensor, "batch 1 height width"], mean: Float[Tensor, "batch 1 1 1"]
    ) -> Float[Tensor, "batch 1 1 1"]:
        if self.key is None and self.estimation == "2003":
            return estimate_key(light, mean)
        return torch.full_like(mean, _MIDDLE_GREY if self.key is None else self.key)

    def _white(
        self, light: Float[Tensor, "batch 1 height width"], exposure: Float[Tensor, "batch 1 1 1"]
    ) -> Float[Tensor, "batch 1 1 1"]:
        if self.white is not None:
            return torch.full_like(exposure, self.white)
        if self.estimation == "2003":
            return estimate_white(light).clamp(min=1.0)
        return (light.amax((-2, -1), keepdim=True) * exposure).clamp(min=1.0)


@dataclass(frozen=True, kw_only=True)
class Reinhard2002Local(Method):
    """Dodging and burning: s / (1 + V), V the mean of the largest area around a pixel without a strong edge.

    With `surroundings=bilateral` V is what a bilateral filter of s / (s + t), t = 2^φ key / 64, leaves, and
    with a white the numerator is s (1 + s/w²).

    Agreement: none of the form of the paper, which is tested against its definition: the toolbox's departs
    from it in kernels, scales and by a shift. 6e-8 (relative, float64) with ReinhardTMO of the HDR Toolbox in
    its bilateral form, both cases.

    Picture: as `reinhard2002`, with crisper texture in bright parts; no halos here. With
        `surroundings=bilateral` small bright shapes get dark outlines.

    References:  [reinhard2002], eqs. 5 to 9; s_m is the largest scale up to which no activity exceeds ε.
    [banterle2017] for the bilateral form.
    """

    key: float = parameter(_MIDDLE_GREY, _KEY_MEANING, minimum=1e-3, maximum=10.0)
    sharpening: float = parameter(8.0, "φ: higher brings out finer detail", minimum=0.0, maximum=20.0)
    threshold: float = parameter(
        0.05, "ε: higher averages over larger areas, across stronger edges", minimum=1e-4, maximum=1.0
    )
    white: float = parameter(
        math.inf, "exposed luminance that burns out to white in even areas; inf: none does", minimum=0.1
    )
    surroundings: str = parameter(
        "scales",
        "what V is: scales, the mean of the largest even area; bilateral, a bilateral filter, without ε",
        choices=("scales", "bilateral"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="reinhard2002_local",
        title="Reinhard et al. 2002, local: dodging and burning",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="reinhard2002",
    )

    @property
    def halo(self) -> int:
        """The reach of the widest surround; none where the surroundings are measured on the whole."""
        if self.surroundings == "bilateral":
            return 0
        return gaussian_radius(_sigma(_SURROUND * _SCALES[-1]))

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The exposure that brings the log mean to the key; a map of the bilateral surroundings."""
        light = light_of(image)
        exposure = self.key / log_mean(light)
        if self.surroundings == "bilateral":
            return {"exposure": exposure, "surroundings": self._filtered(light * exposure)}
        return {"exposure": exposure}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Compress luminance by its surroundings and scale the colours with it."""
        statistics = statistics or self.measure(image)
        exposed = (luminance(image) * statistics["exposure"]).clamp(min=0.0)
        around = statistics.get("surroundings")
        if around is None:
            around = self._even_areas(exposed)
        return image * (statistics["exposure"] * (1.0 + exposed / self.white**2) / (1.0 + around))

    def _filtered(
        self, exposed: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The mean of what is near and alike, on a scale that runs from 0 in the dark to 1."""
        middle: float = 2.0**self.sharpening * self.key / _BILATERAL_SCALE**2
        share = exposed / (exposed + middle)
        even = bilateral_grid(share, sigma_space=_CELL, sigma_range=_STEP)
        return middle * even / (1.0 - even)

    def _even_areas(
        self, exposed: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The mean V1 around each pixel at its own scale s_m; at the smallest where even that has an edge."""
        chosen = centre = gaussian_blur(exposed, _sigma(_SCALES[0]))
        even = torch.ones_like(exposed, dtype=torch.bool)
        for scale in _SCALES:
            surround = gaussian_blur(exposed, _sigma(_SURROUND * scale))
            activity = (centre - surround) / (2.0**self.sharpening * self.key / scale**2 + centre)
            even = even & (activity.abs() < self.threshold)
            chosen = torch.where(even, centre, chosen)
            centre = surround
        return chosen


def estimate_key(
    light: Float[Tensor, "batch 1 height width"],
    mean: Float[Tensor, "batch 1 1 1"],
    *,
    offset: float = LOG_OFFSET,
) -> Float[Tensor, "batch 1 1 1"]:
    """The key, 0.045 to 0.72, from where the log mean lies between the dark and the bright end of the image.

    Convention:  the ends are the 1st and the 99th percentile, where the paper has the extremes; less than one
        stop between them counts as one, for there is nothing to tell from it.

    References:  [reinhard2003].
    """
    low, middle, high = stops_of(light, mean, offset=offset)
    lean = (2.0 * middle - low - high) / (high - low).clamp(min=1.0)
    return _MIDDLE_GREY * (2.0 * lean).exp2()


def estimate_white(light: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 1 1"]:
    """The white point from the range of the light that is not black: 1.5 · 2^(stops - 5).

    References:  [reinhard2003].
    """
    top = light.amax((-2, -1), keepdim=True)
    bottom = torch.where(light > 0, light, top).amin((-2, -1), keepdim=True)
    stops = (top + LOG_OFFSET).log2() - (bottom + LOG_OFFSET).log2()
    return 1.5 * (stops - 5.0).exp2()
