"""Whatever the source cites stands in docs/references.bib, and each method cites something."""

import re
from pathlib import Path

from relume.catalog import METHODS

ROOT = Path(__file__).resolve().parents[1]
KEYS = set(
    re.findall(r"^@\w+\{(\w+),", (ROOT / "docs/references.bib").read_text(encoding="utf-8"), re.MULTILINE)
)


def test_keys_are_sorted_and_unique() -> None:
    listed = re.findall(
        r"^@\w+\{(\w+),", (ROOT / "docs/references.bib").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed == sorted(set(listed))


def test_cited_keys_exist() -> None:
    missing = {}
    for path in (ROOT / "src").rglob("*.py"):
        for paragraph in re.findall(r"References:(.*?)(?:\n\s*\n|\"{3})", path.read_text("utf-8"), re.DOTALL):
            for key in re.findall(r"\[(\w+)\]", paragraph):
                if key not in KEYS:
                    missing[key] = path.name
    assert not missing


def test_methods_cite() -> None:
    assert {method.spec.citation for method in METHODS.values()} <= KEYS
