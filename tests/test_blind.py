"""Sheets for blind comparison: what a judge wrote counts for the method that was under the letter."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

METHODS = ["hearth", "agx", "drago2003"]


@dataclass(frozen=True)
class View:
    picture: str


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("blind")


def test_the_letters_of_a_sheet_are_dealt_alike_each_time_and_differ_between_sheets(
    blind: ModuleType,
) -> None:
    orders = [tuple(blind.dealt(f"picture {index}", METHODS, 0).values()) for index in range(100)]
    assert orders == [
        tuple(blind.dealt(f"picture {index}", METHODS[::-1], 0).values()) for index in range(100)
    ]
    assert len(set(orders)) == 6


def test_an_answer_counts_for_the_methods_under_its_letters(blind: ModuleType, tmp_path: Path) -> None:
    views = [View(f"picture {index}") for index in range(4)]
    lines = []
    for number, view in enumerate(views):
        letter = {method: letter for letter, method in blind.dealt(view.picture, METHODS, 7).items()}
        lines.append(f"{number:03d} {letter['agx']}{letter['hearth']}{letter['drago2003']}")
    file = tmp_path / "answers.txt"
    file.write_text("\n".join(["# best first", "", *lines]))
    found = blind.places(blind.answers_in(file, METHODS, len(views)), views, METHODS, 7)
    assert found == {"hearth": [2] * 4, "agx": [1] * 4, "drago2003": [3] * 4}


@pytest.mark.parametrize("line", ["000 AB", "000 ABB", "004 ABC", "x ABC"])
def test_an_answer_that_does_not_fit_its_sheet_is_told(blind: ModuleType, tmp_path: Path, line: str) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(line)
    with pytest.raises(SystemExit, match="expected the number of one of 4 sheets and ABC"):
        blind.answers_in(file, METHODS, 4)


def test_answers_that_are_not_there_are_told(blind: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="cannot be read"):
        blind.answers_in(tmp_path / "missing.txt", METHODS, 4)
    (tmp_path / "empty.txt").write_text("# nobody looked\n")
    with pytest.raises(SystemExit, match="holds no answer"):
        blind.answers_in(tmp_path / "empty.txt", METHODS, 4)
