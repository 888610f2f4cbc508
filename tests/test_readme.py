"""The README keeps its promises: code on the first screen, the lines that CI runs, the table of methods."""

import re
import subprocess
from pathlib import Path

import pytest

from relume.catalog import DEFAULTS, METHODS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_first_code_is_on_the_first_screen() -> None:
    assert README[: README.index("```")].count("\n") < 25


@pytest.mark.parametrize("name", ["demo", "test"])
def test_ci_finds_the_lines(name: str) -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = next(line for line in script.splitlines() if line.startswith("line()"))
    done = subprocess.run(
        ["bash", "-c", f"{function}\nline {name}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("python3 -m venv .venv && .venv/bin/pip install -c constraints.txt")
    assert done.stdout.count("\n") == 1


def test_every_method_is_listed_and_the_defaults_marked() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` (\(default\))? ?\|", README, flags=re.MULTILINE))
    assert set(rows) == set(METHODS)
    assert {name for name, mark in rows.items() if mark} == set(DEFAULTS.values())


def test_links_inside_the_project_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        prose = re.sub(
            r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
