import base64
import csv
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE
from relume.data.synthetic import synthetic_scene
from relume.errors import UnwritableFile
from relume.evaluation import papers
from relume.evaluation.page import html_page, write_html
from relume.evaluation.panels import ERROR_COLOURS, LUMINANCE_COLOURS, luminance_legend, palette
from relume.evaluation.report import Report, worst_to_best
from relume.evaluation.run import Failure, Outcome, Record, Settings, run
from relume.evaluation.simulate import UNPROCESSED, SimulatedView, Simulation, find_views
from relume.evaluation.summary import compare_methods, summarise
from relume.image import Image
from relume.io.write import write

SETTINGS = Settings(metrics=("pu_psnr",), protocols=("none",), workers=1)


def record(scene: str, method: str, value: float, *, picture: str = "", metric: str = "pu_psnr") -> Record:
    return Record(
        scene=scene,
        picture=picture or scene,
        method=method,
        metric=metric,
        protocol="none",
        value=value,
        described=f"{metric}, peak 1000 cd/m², alignment: none",
    )


@pytest.fixture
def records() -> list[Record]:
    found = []
    for index in range(8):
        found.append(record(f"s{index}", UNPROCESSED, 20.0 + index))
        found.append(record(f"s{index}", "better", 25.0 + index + 0.1 * (index % 3)))
        found.append(record(f"s{index}", "similar", 20.5 + index + 0.1 * (index % 3)))
    return found


@pytest.fixture
def report(records: list[Record]) -> Report:
    failure = Failure(picture="x", message="<x.exr>: is broken.")
    return Report(
        settings=SETTINGS,
        outcome=Outcome(records=records, failures=[failure]),
        notes=("y.exr: has no partner of that name and is left out.",),
        command=("evaluate", "a b", "c"),
    )


@pytest.fixture
def view(tmp_path: Path) -> SimulatedView:
    light = synthetic_scene(size=(48, 64), generator=torch.Generator().manual_seed(4))
    write(tmp_path / "scene.exr", Image(light, LINEAR_SCENE))
    simulation = Simulation(methods=("banterle2006",), camera="sihdr-clip95", longest_side=64)
    return find_views(tmp_path, simulation)[0][0]


def test_the_table_has_means_differences_and_verdicts(records: list[Record]) -> None:
    base, better, similar = summarise(records)
    assert (base.method, base.scenes, base.pictures) == (UNPROCESSED, 8, 8)
    assert base.mean.mean == pytest.approx(23.5)
    assert base.difference is None
    assert base.verdict is None
    assert better.difference is not None
    assert better.difference.mean == pytest.approx(5.0 + 0.1 * 7 / 8)
    assert better.verdict is not None
    assert better.verdict.startswith("better is 5.09 dB better than unprocessed [+5")
    assert similar.verdict is not None
    assert similar.verdict.startswith("Too small to claim: similar is 0.58")


def test_methods_are_compared_without_the_unprocessed_picture(records: list[Record]) -> None:
    (found,) = compare_methods(records)
    assert (found.left, found.right) == ("better", "similar")
    assert found.difference.mean == pytest.approx(4.5)


def test_views_of_one_scene_count_once() -> None:
    views = [record("s", "m", value, picture=f"v{value}") for value in (1.0, 2.0, 6.0)]
    (row,) = summarise([*views, record("t", "m", 5.0)])
    assert (row.scenes, row.pictures) == (2, 4)
    assert row.mean.mean == pytest.approx(4.0)


def test_json_holds_everything_and_no_infinity(report: Report, records: list[Record]) -> None:
    records.append(record("s9", "better", math.inf))
    content = json.loads(report.as_json(), parse_constant=lambda name: pytest.fail(name))
    assert content["command"] == ["relume", "evaluate", "a b", "c"]
    assert content["records"][0]["value"] == 20.0
    assert content["records"][-1]["value"] is None
    assert content["records"][0]["described"].endswith("alignment: none")
    assert [row["method"] for row in content["summary"]] == [UNPROCESSED, "better", "similar"]
    assert content["failures"] == [{"picture": "x", "message": "<x.exr>: is broken."}]
    assert content["settings"]["viewing"]["peak"] == 1000.0


def test_csv_has_a_line_for_each_number(report: Report, records: list[Record]) -> None:
    lines = list(csv.DictReader(io.StringIO(report.as_csv())))
    assert len(lines) == len(records)
    assert lines[1]["method"] == "better"
    assert float(lines[1]["value"]) == records[1].value


def test_text_says_what_the_numbers_are(report: Report) -> None:
    lines = report.as_text().splitlines()
    assert lines[0] == "pu_psnr, peak 1000 cd/m², alignment: none"
    assert lines[1].split()[:3] == [UNPROCESSED, "23.5", "dB"]
    assert any(line.strip().startswith("better is 5.09 dB better than unprocessed") for line in lines)


def test_pictures_are_ranked_by_what_is_good(records: list[Record]) -> None:
    assert worst_to_best(records)[0] == "s0"
    assert worst_to_best(
        [record("a", "m", 1.0, metric="pu_piqe"), record("b", "m", 2.0, metric="pu_piqe")]
    ) == [
        "b",
        "a",
    ]


class Strict(HTMLParser):
    """Tags in balance, every picture with a text, nothing loaded from elsewhere."""

    VOID = ("meta", "img", "line", "circle")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        assert tag not in ("script", "link", "iframe", "object")
        for key in ("src", "href"):
            assert (found.get(key) or "data:").startswith("data:")
        if tag == "img":
            assert found["alt"]
            self.pictures.append(found["src"] or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def parsed(page: str) -> Strict:
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_stands_alone_and_holds_table_plot_and_failures(report: Report, view: SimulatedView) -> None:
    page = html_page(report, [view], pictures=0)
    parsed(page)
    assert "url(" not in page
    assert "better is 5.09 dB better than unprocessed" in page
    assert page.count('class="dot"') == 24
    assert "&lt;x.exr&gt;: is broken." in page
    assert "<x.exr>" not in page
    assert "y.exr: has no partner" in page
    assert "relume evaluate &#x27;a b&#x27; c" in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_shows_pictures_of_bounded_size(view: SimulatedView) -> None:
    outcome = run([view], SETTINGS)
    page = html_page(Report(settings=SETTINGS, outcome=outcome), [view])
    pictures = parsed(page).pictures
    for kind in ("As displayed", "3 stops darker", "Luminance in false colours", "Error in stops"):
        assert kind in page
    # Reference and two methods in three rows, two methods in the rows of errors and of visibility.
    assert len(pictures) == 13
    for uri in pictures:
        data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
        assert Pillow.open(io.BytesIO(data)).size == (64, 48)
    assert re.search(r"1000 cd/m²</span>", page)


def test_the_page_shows_tone_mapped_pictures(view: SimulatedView, tmp_path: Path) -> None:
    simulation = Simulation(methods=("drago2003",), longest_side=200)
    light = synthetic_scene(size=(190, 200), generator=torch.Generator().manual_seed(4))
    write(tmp_path / "scene.exr", Image(light, LINEAR_NITS), overwrite=True)
    cases, _ = find_views(tmp_path, simulation)
    settings = Settings(metrics=("tmqi",), workers=1)
    page = html_page(Report(settings=settings, outcome=run(cases, settings)), cases)
    assert len(parsed(page).pictures) == 3


def test_a_report_is_not_overwritten_unasked(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    write_html(path, report, [], pictures=0)
    with pytest.raises(UnwritableFile, match="exists already"):
        write_html(path, report, [], pictures=0)
    write_html(path, report, [], pictures=0, overwrite=True)


def test_false_colours_rise_in_lightness_and_errors_are_neutral_in_the_middle() -> None:
    lightness = palette(LUMINANCE_COLOURS) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.5).all()
    assert np.ptp(palette(ERROR_COLOURS)[127].astype(int)) < 5


def test_the_legend_ends_at_the_peak() -> None:
    assert luminance_legend(1000.0)[-1] == (1.0, "1000")
    assert luminance_legend(600.0)[-1] == (1.0, "600")
    assert luminance_legend(1000.0)[0] == (0.0, "0.1")


@pytest.mark.parametrize("name", papers.PAPERS)
def test_the_settings_of_papers_can_be_run(name: str) -> None:
    row = papers.find(name)
    Settings(metrics=row.metrics, protocols=row.protocols)
    assert row.stated
    assert row.uncertain


def test_what_papers_and_protocols_cite_is_in_the_bibliography() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE))
    assert {row.citation for row in papers.PAPERS.values()} <= keys
