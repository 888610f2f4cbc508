"""From numbers of pictures to a table: means over scenes with intervals, differences and verdicts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from relume.evaluation import measures
from relume.evaluation.bootstrap import Interval, interval, paired_difference, scene_means, verdict
from relume.evaluation.run import Record
from relume.evaluation.simulate import UNPROCESSED

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method, by one metric, under one protocol."""

    metric: str
    protocol: str
    method: str
    scenes: int
    pictures: int
    mean: Interval
    difference: Interval | None
    """To the unprocessed picture, paired by scene; None where there is none."""
    verdict: str | None
    described: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two methods, by one metric, under one protocol."""

    metric: str
    protocol: str
    left: str
    right: str
    difference: Interval
    verdict: str


def summarise(records: Sequence[Record]) -> list[Row]:
    """The table, in the order in which metrics, protocols and methods were measured."""
    rows = []
    for metric, protocol in _unique((record.metric, record.protocol) for record in records):
        chosen = [record for record in records if (record.metric, record.protocol) == (metric, protocol)]
        means = means_by_scene(chosen)
        spec = measures.find(metric).spec
        for method, by_scene in means.items():
            base = means.get(UNPROCESSED) if method != UNPROCESSED else None
            difference = paired_difference(by_scene, base) if base else None
            rows.append(
                Row(
                    metric=metric,
                    protocol=protocol,
                    method=method,
                    scenes=len(by_scene),
                    pictures=sum(record.method == method for record in chosen),
                    mean=interval(list(by_scene.values())),
                    difference=difference,
                    verdict=verdict(difference, spec, name=method, other=UNPROCESSED) if difference else None,
                    described=chosen[0].described,
                )
            )
    return rows


def compare_methods(records: Sequence[Record]) -> list[Comparison]:
    """Each pair of methods against each other, without the unprocessed picture."""
    found = []
    for metric, protocol in _unique((record.metric, record.protocol) for record in records):
        chosen = [record for record in records if (record.metric, record.protocol) == (metric, protocol)]
        means = {name: values for name, values in means_by_scene(chosen).items() if name != UNPROCESSED}
        names = list(means)
        for index, left in enumerate(names):
            for right in names[index + 1 :]:
                difference = paired_difference(means[left], means[right])
                if difference is None:
                    continue
                told = verdict(difference, measures.find(metric).spec, name=left, other=right)
                found.append(
                    Comparison(
                        metric=metric,
                        protocol=protocol,
                        left=left,
                        right=right,
                        difference=difference,
                        verdict=told,
                    )
                )
    return found


def means_by_scene(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Method → scene → mean over the pictures of the scene."""
    return {
        method: scene_means([(record.scene, record.value) for record in records if record.method == method])
        for method in _unique(record.method for record in records)
    }


def _unique(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))
