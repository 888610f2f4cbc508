"""The report as one HTML file that needs no network: tables, distributions, pictures."""

import datetime
import shlex
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template

from relume import __version__
from relume.errors import RelumeError
from relume.evaluation import measures, panels, protocols
from relume.evaluation.bootstrap import scene_means
from relume.evaluation.cases import Case
from relume.evaluation.panels import Panel, panels_of
from relume.evaluation.plots import distribution
from relume.evaluation.report import Report, show, show_bounds, worst_to_best
from relume.evaluation.simulate import UNPROCESSED
from relume.evaluation.summary import Row
from relume.io.atomic import replacing


def write_html(
    path: Path, report: Report, cases: Sequence[Case], *, pictures: int = 6, overwrite: bool = False
) -> None:
    """Write the report.

    Args:
        path: of the file, which appears whole or not at all.
        cases: those that were measured, to be drawn again.
        pictures: how many of them, evenly from the worst to the best by the first metric.

    Raises:
        UnwritableFile: the file exists, or cannot be written.
    """
    page = html_page(report, cases, pictures=pictures)
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(page, encoding="utf-8")


def html_page(report: Report, cases: Sequence[Case], *, pictures: int = 6) -> str:
    """The report as text; see `write_html`."""
    template = Template((files("relume.evaluation") / "page.html").read_text(encoding="utf-8"))
    records = report.outcome.records
    scenes, names = len({r.scene for r in records}), len({r.picture for r in records})
    methods = list(dict.fromkeys(record.method for record in records))
    return template.substitute(
        title=escape(f"Evaluation of {', '.join(name for name in methods if name != UNPROCESSED)}"),
        subtitle=escape(
            f"{names} pictures of {scenes} scenes · display of {report.settings.viewing.peak:g} cd/m², "
            f"{report.settings.viewing.pixels_per_degree:g} pixels/degree · "
            f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
        ),
        notes=_listed(report.notes),
        results="\n".join(_results(report)),
        pictures=_pictures(report, cases, pictures),
        failures=_failures(report),
        command=escape(shlex.join(["relume", *report.command])),
        versions=escape(f"relume {__version__}"),
    )


def _listed(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="faint">{items}</ul>' if items else ""


def _failures(report: Report) -> str:
    if not report.outcome.failures:
        return ""
    told = _listed([failure.message for failure in report.outcome.failures])
    return f"<h2>What could not be measured</h2><div class='card'>{told}</div>"


def _results(report: Report) -> list[str]:
    cards = []
    for (metric, protocol), grouped in groupby(report.rows, key=lambda row: (row.metric, row.protocol)):
        rows = list(grouped)
        spec = measures.find(metric).spec
        chosen = [r for r in report.outcome.records if (r.metric, r.protocol) == (metric, protocol)]
        values = {
            row.method: scene_means([(r.scene, r.value) for r in chosen if r.method == row.method])
            for row in rows
        }
        others = [c.verdict for c in report.comparisons if (c.metric, c.protocol) == (metric, protocol)]
        between = f"<details><summary>Methods against each other</summary>{_listed(others)}</details>"
        cards.append(
            f'<section class="card"><h3>{escape(spec.title)}</h3>'
            f'<p class="faint">{escape(protocols.find(protocol).title)}; {escape(spec.direction.value)}</p>'
            f"{_table(rows, spec.unit)}{distribution(rows, values, unit=spec.unit)}"
            f"{between if others else ''}" + "</section>"
        )
    return cards or ['<p class="card">Nothing could be measured.</p>']


def _table(rows: list[Row], unit: str) -> str:
    compared = any(row.difference for row in rows)
    head = ["Method", f"Mean{', ' + unit if unit else ''}", "95 % interval", "Scenes"]
    head += ["Difference to unprocessed", "95 % interval"] if compared else []
    cells = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    cells += '<th scope="col" class="verdict">Verdict</th>' if compared else ""
    body = "".join(_line(row, compared) for row in rows)
    return (
        f'<div class="scroll"><table><caption><code>{escape(rows[0].described)}</code></caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _line(row: Row, compared: bool) -> str:
    values = [show(row.mean.mean), show_bounds(row.mean), str(row.scenes)]
    if compared:
        difference = row.difference
        values += (
            [show(difference.mean, sign="+"), show_bounds(difference, sign="+")] if difference else ["", ""]
        )
    cells = "".join(f"<td>{escape(value)}</td>" for value in values)
    cells += f'<td class="verdict">{escape(row.verdict or "")}</td>' if compared else ""
    base = ' class="base"' if row.method == UNPROCESSED else ""
    return f'<tr{base}><th scope="row">{escape(row.method)}</th>{cells}</tr>'


def _pictures(report: Report, cases: Sequence[Case], count: int) -> str:
    ranked = worst_to_best(report.outcome.records)
    chosen = ranked if len(ranked) <= count else _spread(ranked, count)
    by_name = {case.picture: case for case in cases}
    sections = [_picture(report, by_name[name]) for name in chosen]
    if not sections:
        return ""
    first = report.outcome.records[0]
    told = f"From the worst to the best by {first.metric}; aligned by the first protocol that allows it."
    return f'<h2>Pictures</h2><p class="faint">{escape(told)}</p>' + "".join(sections)


def _spread(names: list[str], count: int) -> list[str]:
    """So many of the names, evenly, with both ends."""
    if count <= 1:
        return names[:count]
    return [names[round(index * (len(names) - 1) / (count - 1))] for index in range(count)]


def _picture(report: Report, case: Case) -> str:
    try:
        found = panels_of(case, report.settings)
    except RelumeError as error:
        return f'<section class="card"><h3>{escape(case.picture)}</h3><p>{escape(str(error))}</p></section>'
    kinds = list(dict.fromkeys(panel.kind for panel in found))
    rows = "".join(
        f'<p class="kind">{escape(kind[0].upper() + kind[1:])}</p>'
        f"{_legend(kind, report.settings.viewing.peak)}"
        f'<div class="row">{"".join(_figure(panel, case) for panel in found if panel.kind == kind)}</div>'
        for kind in kinds
    )
    values = [
        f"{record.method}: {show(record.value)}"
        for record in report.outcome.records
        if record.picture == case.picture
        and (record.metric, record.protocol)
        == (report.outcome.records[0].metric, report.outcome.records[0].protocol)
    ]
    return (
        f'<section class="card"><h3>{escape(case.picture)}</h3>'
        f'<p class="faint">{escape(" · ".join(values))}</p>{rows}</section>'
    )


def _figure(panel: Panel, case: Case) -> str:
    text = escape(f"{case.picture}, {panel.label}: {panel.kind}", quote=True)
    return (
        f'<figure><img src="{panel.uri}" alt="{text}" width="{panel.width}" height="{panel.height}" '
        f'loading="lazy"><figcaption>{escape(panel.label)}</figcaption></figure>'
    )


def _legend(kind: str, peak: float) -> str:
    if kind == panels.LUMINANCE:
        colours, ticks, unit = panels.LUMINANCE_COLOURS, panels.luminance_legend(peak), " cd/m²"
    elif kind == panels.ERROR:
        colours, ticks, unit = panels.ERROR_COLOURS, panels.stops_legend(), " stops"
    elif kind == panels.VISIBILITY:
        colours, ticks, unit = (
            panels.PROBABILITY_COLOURS,
            [(0.0, "0"), (0.5, "0.5"), (1.0, "1")],
            " probability",
        )
    else:
        return ""
    ramp = ", ".join(f"rgb{colour}" for colour in colours)
    last = len(ticks) - 1
    labels = "".join(
        f'<span style="left: {100 * position:.1f}%">{escape(label)}{unit if index == last else ""}</span>'
        for index, (position, label) in enumerate(ticks)
    )
    return (
        f'<div class="legend" role="img" aria-label="scale from {escape(ticks[0][1])} to '
        f'{escape(ticks[-1][1])}{unit}">'
        f'<div class="ramp" style="background: linear-gradient(to right, {ramp})"></div>'
        f'<div class="ticks">{labels}</div></div>'
    )
