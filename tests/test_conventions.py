"""The examples of docs/conventions.md do what the page says, and its table knows every curve."""

import doctest
import re
from pathlib import Path

import pytest

from relume.color.primaries import PRIMARIES
from relume.color.transfer import TRANSFERS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "conventions.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def examples(page):
    """The page with all lines blank but those of its examples, so that complaints name the right line."""
    inside, kept = False, []
    for line in page.splitlines():
        if line.startswith("```"):
            inside = line == "```python"
        kept.append("" if line.startswith("```") or not inside else line)
    return "\n".join(kept)


def test_the_examples_run(page):
    test = doctest.DocTestParser().get_doctest(examples(page), {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 20
    complaints = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=complaints.append)
    assert not complaints, "".join(complaints)


def test_no_example_is_outside_a_python_block(page):
    prose = re.sub(r"^```python\n.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    assert ">>>" not in prose
    assert "```" not in prose


def test_every_curve_and_all_primaries_are_on_the_page(page):
    for name in (*TRANSFERS, *PRIMARIES):
        assert f"`{name}`" in page
