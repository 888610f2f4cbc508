"""How far a mean can be trusted: bootstrap intervals over scenes, paired differences, verdicts in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from relume.metrics import Direction, MetricSpec

DRAWS = 10_000
CONFIDENCE = 0.95
METHODS = ("bca", "percentile")
FEWEST_SCENES = 5
"""Below this, draws repeat each other and their interval says nothing."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean over scenes and where it lies in 95 of 100 repetitions; None: fewer than `FEWEST_SCENES`."""

    mean: float
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Whether the interval reaches over that value; without bounds it does."""
        return self.low is None or self.high is None or self.low <= value <= self.high


def scene_means(values: Sequence[tuple[str, float]]) -> dict[str, float]:
    """(scene, value) of each picture → the mean of each scene, so that each scene counts once."""
    grouped = defaultdict(list)
    for scene, value in values:
        grouped[scene].append(value)
    return {scene: float(np.mean(found)) for scene, found in grouped.items()}


def interval(
    values: Sequence[float], *, method: str = "bca", draws: int = DRAWS, confidence: float = CONFIDENCE
) -> Interval:
    """The mean of values, one for each scene, with its bootstrap interval.

    The interval is that of percentiles, by default corrected for bias and acceleration (BCa). Draws come from
    a fixed seed: the same values have the same interval.

    References:  [efron1987]
    """
    assert method in METHODS
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if len(sample) < FEWEST_SCENES or not np.isfinite(sample).all():
        return Interval(mean=mean, low=None, high=None)
    if np.ptp(sample) == 0:
        return Interval(mean=mean, low=mean, high=mean)
    indices = np.random.default_rng(0).integers(len(sample), size=(draws, len(sample)))
    means = sample[indices].mean(1)
    shares = np.array([(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    if method == "bca":
        shares = _corrected(shares, sample, means)
    low, high = np.quantile(means, shares)
    return Interval(mean=mean, low=float(low), high=float(high))


def _corrected(shares: np.ndarray, sample: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The shares of the draws that stand for those wanted, by bias and skewness of the mean.

    References:  [efron1987], eqs. 3.8 and 6.6; the acceleration of a mean from its jackknife
    """
    below = np.mean(means < sample.mean()) + 0.5 * np.mean(means == sample.mean())
    bias = norm.ppf(np.clip(below, 1.0 / len(means), 1.0 - 1.0 / len(means)))
    influence = sample - sample.mean()
    acceleration = np.sum(influence**3) / (6.0 * np.sum(influence**2) ** 1.5)
    shifted = bias + norm.ppf(shares)
    corrected: np.ndarray = norm.cdf(bias + shifted / (1.0 - acceleration * shifted))
    return corrected


def paired_difference(left: Mapping[str, float], right: Mapping[str, float]) -> Interval | None:
    """left − right over the scenes that both have, with its interval; None if they share none."""
    # Equal pictures are infinitely good on both sides; that is no difference.
    differences = [
        0.0 if left[scene] == right[scene] else left[scene] - right[scene] for scene in left if scene in right
    ]
    return interval(differences) if differences else None


def verdict(difference: Interval, spec: MetricSpec, *, name: str, other: str) -> str:
    """What may be said of one method against another, in a sentence.

    Args:
        difference: paired, `name` minus `other`.
        spec: of the metric, which says which way is better and which difference observers confirm.
    """
    better = difference.mean > 0 if spec.direction is Direction.HIGHER else difference.mean < 0
    unit = f" {spec.unit}" if spec.unit else ""
    size = f"{abs(difference.mean):.3g}{unit}"
    if difference.mean == 0:
        return f"{name} is as good as {other}."
    if difference.low is None or difference.high is None:
        way = "better" if better else "worse"
        return f"No claim: {name} is {size} {way} than {other}, in fewer than {FEWEST_SCENES} scenes."
    if difference.holds(0.0):
        return (
            f"No claim: {name} and {other} differ by {size}, and the interval "
            f"[{difference.low:+.3g}, {difference.high:+.3g}] holds 0."
        )
    way = "better" if better else "worse"
    if spec.claimable is not None and abs(difference.mean) < spec.claimable:
        return (
            f"Too small to claim: {name} is {size} {way} than {other}; observers did not "
            f"confirm differences below {spec.claimable:g}{unit}."
        )
    return f"{name} is {size} {way} than {other} [{difference.low:+.3g}, {difference.high:+.3g}]."
