"""docs/operators.md is what the script makes of specs and docstrings, and each operator has its picture."""

import runpy
from pathlib import Path

import pytest

from relume.operators.expand import OPERATORS as EXPANSIONS
from relume.operators.tonemap import OPERATORS as TONE_MAPPINGS

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images" / "operators"
OPERATORS = (*EXPANSIONS, *TONE_MAPPINGS)
MOST_BYTES = 2_500_000


def test_the_page_is_what_the_script_makes() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "operators_page.py"))["page"]()
    written = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    if made != written:
        pytest.fail("docs/operators.md is out of date: run `python scripts/operators_page.py`.")


def test_each_operator_has_a_picture_and_they_are_small() -> None:
    drawn = {path.stem: path.stat().st_size for path in PICTURES.iterdir()}
    names = {method.spec.name for method in OPERATORS}
    if names != set(drawn):
        pytest.fail(
            f"pictures missing {sorted(names - set(drawn))}, of no operator {sorted(set(drawn) - names)}: "
            "run `python scripts/operators_page.py --pictures NAME`."
        )
    assert sum(drawn.values()) < MOST_BYTES


@pytest.mark.parametrize("method", OPERATORS, ids=lambda method: method.spec.name)
def test_each_operator_says_how_near_it_is_and_what_one_sees(method: type) -> None:
    assert "Agreement: " in method.__doc__
    assert "Picture: " in method.__doc__
