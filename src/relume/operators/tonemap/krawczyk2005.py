"""Krawczyk, Myszkowski, Seidel 2005: lightness perception in tone reproduction."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.filters.bilateral_grid import bilateral_grid
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, gain, light_of

_BINS = 256
_NEAR = 1.0
"""Log10 units, below which two centroids are one."""
_PROPER = 0.6
"""The probability that some light of a framework must have to belong to it."""
_MOST_UPDATES = 1000
_ARTICULATED = 0.33
"""Log10 units of range: what lies within less counts for little."""
_ANCHOR = 0.95
"""The percentile of a framework that is seen as white."""
_DISPLAY_RANGE = 2.0
"""Log10 units from white to the darkest tone."""


@dataclass(frozen=True, kw_only=True)
class Krawczyk2005(Method):
    """Divide the picture into frameworks of similar light and show the white of each as white.

    Frameworks are clusters of log10 luminance. A pixel belongs to each with a probability that falls with the
    distance of its luminance from the centroid, is smoothed in space across weak edges, and counts by the
    articulation of the framework; its white is the mean of those of its frameworks, weighted so. The
    probabilities are normalised once, at the end, after smoothing.

    Convention:  white of a framework is its 95th percentile; light above the mean white is cut, as is light
        two log10 units below. Lamps and all that they light brightly clip, in night scenes a good part of it.

    Agreement: 6e-8 (relative, float64) with KrawczykTMO of the HDR Toolbox in all three cases, with
    clustering=toolbox where the two rules differ.

    Picture: the brightest framework decides: at night, where lamps are one, all else is nearly black, and the
        darkest parts are one flat tone.

    References:  [krawczyk2005], sections 3 and 4.
    """

    clustering: str = parameter(
        "converged",
        "when k-means ends: converged, when no centroid moves; toolbox, after three updates or more, once "
        "the sum of the centroids does not fall",
        choices=("converged", "toolbox"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="krawczyk2005",
        title="Krawczyk et al. 2005, lightness perception",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="krawczyk2005",
        memory=12.0,
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What each pixel is multiplied with."""
        with torch.no_grad():
            light = light_of(image.detach())
            white = torch.cat([self._white((part + LOG_OFFSET).log10()) for part in torch.split(light, 1)])
            relative = ((light + LOG_OFFSET).log10() - white).clamp(-_DISPLAY_RANGE, 0.0)
            return {"gain": gain(light, 10.0**relative)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale the colours with the luminance."""
        statistics = statistics or self.measure(image)
        return image * statistics["gain"]

    def _white(self, logarithm: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 height width"]:
        """The log luminance that is white to each pixel."""
        centroids = self._centroids(logarithm)
        sigma = _widest(centroids)
        total, share = torch.zeros_like(logarithm), torch.zeros_like(logarithm)
        for index, members in enumerate(_members(logarithm, centroids)):
            likely = (-((logarithm - centroids[index]) ** 2) / (2.0 * sigma**2)).exp()
            sigma_space = 0.5 * min(logarithm.shape[-2:])
            weight = bilateral_grid(likely, sigma_space=sigma_space, sigma_range=0.4) * _articulation(members)
            total, share = total + weight * _anchor(members), share + weight
        return total / share

    def _centroids(self, logarithm: Float[Tensor, "1 1 height width"]) -> np.ndarray:
        levels, counts = _histogram(logarithm)
        centroids, members = self._k_means(levels, counts)
        return _merge_improper(levels, counts, *_merge_near(centroids, members))

    def _k_means(self, levels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centroids, begun one log10 unit apart, and how many pixels each has."""
        centroids = np.append(np.arange(levels[0], levels[-1], 1.0), levels[-1])
        for update in range(1, _MOST_UPDATES + 1):
            nearest = _nearest(levels, centroids)
            members = np.bincount(nearest, counts, len(centroids))
            sums = np.bincount(nearest, counts * levels, len(centroids))
            moved = np.where(members > 0, sums / np.maximum(members, 1), centroids)
            fallen, still = float((centroids - moved).sum()), np.array_equal(centroids, moved)
            centroids = moved
            if still or (self.clustering == "toolbox" and update >= 3 and fallen <= 0.0):
                break
        return centroids, members


def _histogram(logarithm: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Levels from the smallest to the largest value, and how many values lie from each to the next."""
    low, high = float(logarithm.min()), float(logarithm.max())
    if high - low < 1e-6:
        return np.array([low]), np.array([logarithm.numel()])
    index = ((logarithm - low) * ((_BINS - 1) / (high - low))).floor().long().clamp_(max=_BINS - 1)
    counts = torch.bincount(index.flatten(), minlength=_BINS).cpu().numpy()
    return np.linspace(low, high, _BINS), counts


def _nearest(levels: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    nearest: np.ndarray = np.abs(levels[:, None] - centroids).argmin(1)
    return nearest


def _merge_near(centroids: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = 0
    while index < len(centroids) - 1:
        if centroids[index + 1] - centroids[index] < _NEAR:
            centroids, members = _merged(centroids, members, index)
        else:
            index += 1
    return centroids, members


def _merged(centroids: np.ndarray, members: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
    """With a framework and the next one made one, at the mean of their pixels."""
    pair = slice(index, index + 2)
    together = members[pair].sum()
    mean = (centroids[pair] @ members[pair]) / together if together > 0 else centroids[index + 1]
    centroids = np.concatenate((centroids[:index], [mean], centroids[index + 2 :]))
    return centroids, np.concatenate((members[:index], [together], members[index + 2 :]))


def _merge_improper(
    levels: np.ndarray, counts: np.ndarray, centroids: np.ndarray, members: np.ndarray
) -> np.ndarray:
    """Frameworks, from the darkest, to none of whose light the probability of belonging is high, go to the
    next brighter one, the last to the one before."""
    index = 0
    while index < len(centroids) and len(centroids) > 1:
        own = levels[(counts > 0) & (_nearest(levels, centroids) == index)]
        distances = np.square(own[:, None] - centroids) / (2.0 * _widest(centroids) ** 2)
        likely = np.exp(-distances)
        if (likely[:, index] > _PROPER * likely.sum(1)).any():
            index += 1
        else:
            index = min(index, len(centroids) - 2)
            centroids, members = _merged(centroids, members, index)
    return centroids


def _widest(centroids: np.ndarray) -> float:
    """The largest distance between neighbours; 1 where there is one framework only."""
    return float(np.diff(centroids).max()) if len(centroids) > 1 else 1.0


def _members(logarithm: Tensor, centroids: np.ndarray) -> list[Tensor]:
    """The log luminances of the pixels of each framework."""
    edges = torch.as_tensor(0.5 * (centroids[1:] + centroids[:-1]), dtype=logarithm.dtype)
    nearest = torch.bucketize(logarithm, edges.to(logarithm.device))
    return [logarithm[nearest == index] for index in range(len(centroids))]


def _articulation(members: Tensor) -> float:
    """How much a framework counts: by its range."""
    if members.numel() == 0:
        return 0.0
    spread = float(members.max() - members.min())
    # One light alone has no range, and is a framework all the same.
    return max(1.0 - float(np.exp(-(spread**2) / (2.0 * _ARTICULATED**2))), 1e-6)


def _anchor(members: Tensor) -> float:
    if members.numel() == 0:
        return 0.0
    rank = max(int(members.numel() * _ANCHOR + 0.5), 1)
    return float(members.kthvalue(rank).values)
