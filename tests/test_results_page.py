"""docs/results.md has a place for what each benchmark writes, and nothing else is touched."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def results_page() -> ModuleType:
    found = importlib.util.spec_from_file_location("results_page", ROOT / "benchmarks" / "results_page.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


SECTIONS = ["expansion", "default", "confidence", "gain-maps", "tone-mapping", "blind"]
ABLATIONS = ["alpha", "bands", "duhdr-parts", "duhdr-oonet", "itmn", "ember"]


@pytest.mark.parametrize("section", [*SECTIONS, *(f"ablation-{name}" for name in ABLATIONS)])
def test_a_section_can_be_written_again_and_again(results_page: ModuleType, section: str) -> None:
    page = results_page.PAGE.read_text(encoding="utf-8")
    once = results_page.replaced(page, section, "new lines")
    assert "new lines" in once
    assert results_page.replaced(once, section, "new lines") == once
    # What stands before and after the section is as it was.
    begin = page.index(f"<!-- {section}: begin -->")
    assert once[:begin] == page[:begin]
    assert once.endswith(page[page.index(f"<!-- {section}: end -->") :])


def test_an_unknown_section_is_told(results_page: ModuleType) -> None:
    with pytest.raises(ValueError, match="no section 'other'"):
        results_page.replaced("a page", "other", "new lines")
