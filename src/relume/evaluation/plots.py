"""Distributions as inline SVG: one line for each method, a dot for each scene, mean and interval."""

import math
from html import escape

from relume.evaluation.report import show
from relume.evaluation.simulate import UNPROCESSED
from relume.evaluation.summary import Row

_WIDTH = 900
_LEFT, _RIGHT = 190, 24
_LINE = 30
_AXIS = 34
_TICKS = 6


def distribution(rows: list[Row], values: dict[str, dict[str, float]], *, unit: str) -> str:
    """The values of each method, by scene; empty where there is nothing finite to draw.

    Args:
        rows: of one metric under one protocol.
        values: method → scene → value.
        unit: for the axis.
    """
    finite = [value for found in values.values() for value in found.values() if math.isfinite(value)]
    if len(finite) < 2 or max(finite) - min(finite) <= 0:
        return ""
    low, high, step = _axis(min(finite), max(finite))
    height = _LINE * len(rows) + _AXIS

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="Values of each scene, mean and interval of each method">'
    ]
    count = round((high - low) / step)
    for index in range(count + 1):
        value = low + index * step
        parts.append(
            f'<line class="grid" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="0" y2="{height - _AXIS}"/>'
            f'<text class="faint" text-anchor="middle" x="{x(value):.1f}" y="{height - _AXIS + 16}">'
            f"{_tick(value, step)}{' ' + escape(unit) if index == count and unit else ''}</text>"
        )
    for index, row in enumerate(rows):
        y = _LINE * (index + 0.5)
        parts.append(f'<g class="{"base" if row.method == UNPROCESSED else "method"}">')
        parts.append(f'<text x="0" y="{y + 4:.1f}">{escape(_short(row.method))}</text>')
        for scene, value in values[row.method].items():
            if math.isfinite(value):
                title = f"{escape(scene)}: {show(value)}"
                place = f'cx="{x(value):.1f}" cy="{y:.1f}"'
                parts.append(f'<circle class="dot" {place} r="5"><title>{title}</title></circle>')
        if row.mean.low is not None and row.mean.high is not None:
            ends = f'x1="{x(row.mean.low):.1f}" x2="{x(row.mean.high):.1f}"'
            parts.append(f'<line class="bar" {ends} y1="{y:.1f}" y2="{y:.1f}"/>')
        if math.isfinite(row.mean.mean):
            parts.append(f'<circle class="mean" cx="{x(row.mean.mean):.1f}" cy="{y:.1f}" r="5.5"/>')
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def _axis(low: float, high: float) -> tuple[float, float, float]:
    """Round ends and a round step between them."""
    rough = (high - low) / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1.0, 2.0, 5.0, 10.0) if factor * magnitude >= rough)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def _tick(value: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step)))
    return f"{value:.{digits}f}"


def _short(name: str) -> str:
    return name if len(name) <= 27 else f"{name[:12]}…{name[-13:]}"
