"""What a run found, as text for people, as JSON and as CSV."""

import csv
import io
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from relume import __version__
from relume.evaluation import measures
from relume.evaluation.bootstrap import Interval
from relume.evaluation.run import Outcome, Record, Settings
from relume.evaluation.summary import Comparison, Row, compare_methods, summarise

_COLUMNS = ("scene", "picture", "method", "metric", "protocol", "value", "described")


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of a run, and how it came about."""

    settings: Settings
    outcome: Outcome
    notes: tuple[str, ...] = ()
    """What a reader should know: what was chosen, what was left out."""
    command: tuple[str, ...] = ()
    """The arguments of `relume` that give this report again."""

    @cached_property
    def rows(self) -> list[Row]:
        """The table."""
        return summarise(self.outcome.records)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Methods against each other."""
        return compare_methods(self.outcome.records)

    def as_json(self) -> str:
        """Everything; numbers that are not finite (equal pictures) are null."""
        content = {
            "relume": __version__,
            "command": ["relume", *self.command],
            "settings": _plain(asdict(self.settings)),
            "notes": list(self.notes),
            "summary": [_plain(asdict(row)) for row in self.rows],
            "comparisons": [_plain(asdict(row)) for row in self.comparisons],
            "records": [_plain(asdict(record)) for record in self.outcome.records],
            "failures": [asdict(failure) for failure in self.outcome.failures],
        }
        return json.dumps(content, indent=2, ensure_ascii=False, default=str)

    def as_csv(self) -> str:
        """One line for each number of each picture."""
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for record in self.outcome.records)
        return text.getvalue()

    def as_text(self) -> str:
        """The means with intervals and verdicts, each block headed by what its numbers are."""
        blocks = []
        for described, rows in _grouped(self.rows):
            lines = [described, *_aligned([_cells(row) for row in rows])]
            lines += [f"  {row.verdict}" for row in rows if row.verdict]
            lines += [
                f"  {comparison.verdict}"
                for comparison in self.comparisons
                if (comparison.metric, comparison.protocol) == (rows[0].metric, rows[0].protocol)
            ]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)


def _cells(row: Row) -> list[str]:
    spec = measures.find(row.metric).spec
    cells = [f"  {row.method}", f"{show(row.mean.mean)} {spec.unit}".rstrip(), show_bounds(row.mean)]
    if row.difference is not None:
        cells.append(f"difference {row.difference.mean:+.4g} {show_bounds(row.difference, sign='+')}")
    else:
        cells.append(f"{row.pictures} pictures of {row.scenes} scenes" if row.pictures > 1 else "")
    return cells


def show(value: float, *, sign: str = "") -> str:
    """A number for people, with four digits."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:{sign}.4g}"


def show_bounds(bounds: Interval, *, sign: str = "") -> str:
    """The ends of an interval; nothing where there are too few scenes for one."""
    if bounds.low is None or bounds.high is None:
        return ""
    return f"[{show(bounds.low, sign=sign)}, {show(bounds.high, sign=sign)}]"


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    ]


def _grouped(rows: list[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each metric under each protocol, with what describes them."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.metric, row.protocol), []).append(row)
    return [(found[0].described, found) for found in groups.values()]


def _plain(value: Any) -> Any:
    """For JSON, which knows no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def worst_to_best(records: list[Record]) -> list[str]:
    """The pictures by the first metric and protocol, mean over the methods."""
    if not records:
        return []
    first = records[0]
    values: dict[str, list[float]] = {}
    for record in records:
        if (record.metric, record.protocol) == (first.metric, first.protocol):
            values.setdefault(record.picture, []).append(record.value)
    sign = 1.0 if measures.find(first.metric).spec.direction.value.startswith("higher") else -1.0
    return sorted(values, key=lambda picture: sign * sum(values[picture]) / len(values[picture]))
