"""Which method is best: tables of what was measured, best first, and whether one stands above all others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from relume.evaluation import measures
from relume.evaluation.bootstrap import Interval, paired_difference
from relume.evaluation.report import show, show_bounds
from relume.evaluation.run import Record
from relume.evaluation.summary import Row, means_by_scene, summarise
from relume.metrics import Direction

MOST_NAMED = 3
"""Of those that a method does not pass, so many are named."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the numbers: one metric under one protocol."""

    title: str
    """For the head of a table."""
    metric: str
    protocol: str

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return 1.0 if measures.find(self.metric).spec.direction is Direction.HIGHER else -1.0

    def of(self, records: Iterable[Record]) -> list[Record]:
        """The numbers that answer it."""
        wanted = (self.metric, self.protocol)
        return [record for record in records if (record.metric, record.protocol) == wanted]


def ranked(records: Iterable[Record], question: Question) -> list[Row]:
    """What was measured of each method, best mean first.

    Records of one scene are averaged, whatever camera took them, so that each scene counts once.
    """
    rows = summarise(question.of(records))
    return sorted(rows, key=lambda row: question.sign * row.mean.mean, reverse=True)


def table(columns: Mapping[str, Sequence[Row]], *, labels: Mapping[str, str] | None = None) -> list[str]:
    """A table in Markdown: a line for each method, in the order of the first column.

    Each cell holds the mean, and after it the difference to the unprocessed picture with its interval.

    Args:
        columns: heads → rows.
        labels: what methods are called, where it is not their name.
    """
    first = next(iter(columns.values()), ())
    found = [{row.method: row for row in rows} for rows in columns.values()]
    lines = [f"| method | {' | '.join(columns)} |", f"| --- |{' --: |' * len(columns)}"]
    for name in (row.method for row in first):
        cells = [_cell(rows.get(name)) for rows in found]
        lines.append(f"| {(labels or {}).get(name, name)} | {' | '.join(cells)} |")
    return lines


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if row.difference is None:
        return show(row.mean.mean)
    return f"{show(row.mean.mean)} ({_signed(row.difference)})"


def _signed(difference: Interval) -> str:
    return f"{show(difference.mean, sign='+')} {show_bounds(difference, sign='+')}".rstrip()


def standing(
    records: Iterable[Record],
    question: Question,
    *,
    method: str,
    rivals: Sequence[str],
    labels: Mapping[str, str] | None = None,
) -> str:
    """Whether a method is better than each of its rivals, in a sentence.

    It meets the bar when the interval of its difference to each rival, paired by scene, lies on the good side
    of 0. Where means are as good or better, but an interval holds 0, it is level with those rivals.

    Args:
        labels: what methods are called, where it is not their name.
    """
    names = labels or {}
    means = means_by_scene(question.of(records))
    if method not in means:
        return f"{names.get(method, method)} was not measured."
    gains = {}
    for rival in rivals:
        difference = paired_difference(means[method], means[rival]) if rival in means else None
        if difference is not None:
            gains[rival] = difference
    if not gains:
        return f"{names.get(method, method)} has nothing to be measured against."
    hardest = sorted(gains, key=lambda rival: question.sign * gains[rival].mean)
    unclear = [rival for rival in hardest if not _above(gains[rival], question.sign)]
    told = [
        f"{names.get(rival, rival)} {_signed(gains[rival])}" for rival in (unclear or hardest)[:MOST_NAMED]
    ]
    more = f" and {len(unclear) - MOST_NAMED} more" if len(unclear) > MOST_NAMED else ""
    name, count = names.get(method, method), len(gains)
    if not unclear:
        return f"**{name}** meets the bar: better than each of {count}, by {told[0]} at least."
    if question.sign * gains[hardest[0]].mean >= 0:
        return f"**{name}** is level with the best: nothing can be claimed against {', '.join(told)}{more}."
    return f"**{name}** does not meet the bar; not better than {', '.join(told)}{more}, of {count}."


def _above(difference: Interval, sign: float) -> bool:
    """Whether the whole interval lies on the good side of 0."""
    return not difference.holds(0.0) and sign * difference.mean > 0
