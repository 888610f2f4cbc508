"""Which method is best: tables of what was measured, best first, and whether one stands above all others."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from relume.evaluation import measures
from relume.evaluation.bootstrap import Interval, paired_difference
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
    decimals: int = 2
    """Of the numbers in tables and sentences."""

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return 1.0 if measures.find(self.metric).spec.direction is Direction.HIGHER else -1.0

    def of(self, records: Iterable[Record]) -> list[Record]:
        """The numbers that answer it."""
        wanted = (self.metric, self.protocol)
        return [record for record in records if (record.metric, record.protocol) == wanted]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The answers to a question, best mean first."""

    question: Question
    rows: tuple[Row, ...]

    def cells(self) -> dict[str, str]:
        """Of each method the mean, and the difference to the unprocessed picture with its interval."""
        return {row.method: self._cell(row) for row in self.rows}

    def _cell(self, row: Row) -> str:
        mean = _number(row.mean.mean, self.question)
        return mean if row.difference is None else f"{mean} ({_signed(row.difference, self.question)})"


def ranked(records: Iterable[Record], question: Question) -> Ranking:
    """What was measured of each method, best mean first.

    Records of one scene are averaged, whatever camera took them, so that each scene counts once.
    """
    rows = summarise(question.of(records))
    rows.sort(key=lambda row: question.sign * row.mean.mean, reverse=True)
    return Ranking(question=question, rows=tuple(rows))


def table(columns: Mapping[str, Ranking], *, labels: Mapping[str, str] | None = None) -> list[str]:
    """A table in Markdown: a line for each method, in the order of the first column.

    Args:
        columns: by their heads, at least one.
        labels: what methods are called, where it is not their name.
    """
    order = next(iter(columns.values())).rows
    found = [ranking.cells() for ranking in columns.values()]
    lines = [f"| method | {' | '.join(columns)} |", f"| --- |{' --: |' * len(columns)}"]
    for name in (row.method for row in order):
        cells = " | ".join(column.get(name, "–") for column in found)
        lines.append(f"| {(labels or {}).get(name, name)} | {cells} |")
    return lines


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
        f"{names.get(rival, rival)} {_signed(gains[rival], question)}"
        for rival in (unclear or hardest)[:MOST_NAMED]
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


def _signed(difference: Interval, question: Question) -> str:
    mean = _number(difference.mean, question, sign="+")
    if difference.low is None or difference.high is None:
        return mean
    low, high = (_number(bound, question, sign="+") for bound in (difference.low, difference.high))
    return f"{mean} [{low}, {high}]"


def _number(value: float, question: Question, *, sign: str = "") -> str:
    if math.isinf(value):
        return f"{value:{sign}}".replace("inf", "∞")
    return f"{value:{sign}z.{question.decimals}f}"
