import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from relume.evaluation.bootstrap import Interval, interval, paired_difference, scene_means, verdict
from relume.metrics import METRICS, Direction

SPEC = METRICS["pu_psnr"].spec


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_intervals_agree_with_scipy(method: str) -> None:
    values = np.random.default_rng(5).lognormal(size=40)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method=method.upper() if method == "bca" else method, rng=1
    ).confidence_interval
    got = interval(values.tolist(), method=method)
    assert got.mean == pytest.approx(values.mean())
    # Both draw at random: the ends differ by the noise of 10 000 draws.
    assert got.low == pytest.approx(expected.low, abs=0.03)
    assert got.high == pytest.approx(expected.high, abs=0.06)


def test_skewness_moves_the_corrected_interval() -> None:
    values = np.random.default_rng(5).lognormal(sigma=1.5, size=30).tolist()
    corrected, plain = interval(values), interval(values, method="percentile")
    assert corrected.high > plain.high
    assert corrected.low > plain.low


def test_the_same_values_have_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=20).tolist()
    assert interval(values) == interval(values)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    hits = sum(interval(generator.normal(size=30).tolist(), draws=500).holds(0.0) for _ in range(300))
    assert 0.89 < hits / 300 < 0.985


def test_few_scenes_and_infinite_values_have_no_interval() -> None:
    assert interval([3.0] * 4) == Interval(mean=3.0, low=None, high=None)
    assert interval([3.0] * 9 + [math.inf]).low is None
    assert interval([2.0] * 5) == Interval(mean=2.0, low=2.0, high=2.0)


def test_views_of_a_scene_count_as_one() -> None:
    assert scene_means([("a", 1.0), ("a", 3.0), ("b", 10.0)]) == {"a": 2.0, "b": 10.0}


def test_differences_are_paired_by_scene() -> None:
    left = {"a": 5.0, "b": 9.0, "c": math.inf, "only": 100.0}
    right = {"a": 4.0, "b": 7.0, "c": math.inf}
    found = paired_difference(left, right)
    assert found is not None
    assert found.mean == pytest.approx(1.0)
    assert paired_difference({"a": 1.0}, {"b": 1.0}) is None


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (Interval(mean=0.4, low=-0.2, high=1.1), "No claim: x and y differ by 0.4 dB"),
        (Interval(mean=2.0, low=1.0, high=3.0), "Too small to claim: x is 2 dB better than y; observers"),
        (Interval(mean=-2.0, low=-3.0, high=-1.0), "Too small to claim: x is 2 dB worse than y"),
        (Interval(mean=4.0, low=1.0, high=7.0), "x is 4 dB better than y [+1, +7]."),
        (Interval(mean=-4.0, low=-7.0, high=-1.0), "x is 4 dB worse than y"),
        (
            Interval(mean=5.0, low=None, high=None),
            "No claim: x is 5 dB better than y, in fewer than 5 scenes.",
        ),
        (Interval(mean=0.0, low=0.0, high=0.0), "x is as good as y."),
    ],
)
def test_verdicts(difference: Interval, sentence: str) -> None:
    spec = replace(SPEC, claimable=3.5)
    assert verdict(difference, spec, name="x", other="y").startswith(sentence)


def test_the_claim_of_a_lower_metric_goes_the_other_way() -> None:
    spec = replace(SPEC, direction=Direction.LOWER, claimable=None)
    told = verdict(Interval(mean=-1.0, low=-2.0, high=-0.5), spec, name="x", other="y")
    assert told.startswith("x is 1 dB better than y")
