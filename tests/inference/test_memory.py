"""Amounts of memory in words, and refusals before anything is decoded."""

from dataclasses import replace

import pytest

from relume.errors import MemoryLimitError
from relume.inference.memory import check_memory, needed_bytes, parse_memory, show_memory
from relume.models.learned import EmberExpansion


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2 << 30), ("800M", 800 << 20), ("1.5 gb", 3 << 29), ("1000", 1000), ("2e9", 2_000_000_000)],
)
def test_parse_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1G", "0", "2 GiBs", "1.2.3M"])
def test_not_an_amount(text: str) -> None:
    with pytest.raises(MemoryLimitError, match="expected for example 2GiB"):
        parse_memory(text)


def test_show_memory() -> None:
    assert [show_memory(s) for s in (12, 3 << 20, 5 << 29)] == ["12 bytes", "3 MiB", "2.5 GiB"]


def test_needed_grows_with_the_picture() -> None:
    small, large = needed_bytes(None, 1000, 1000), needed_bytes(None, 2000, 1000)
    assert large - small == 7 * 4 * 1000 * 1000


def test_needed_grows_with_what_is_held() -> None:
    spec = replace(EmberExpansion.spec, memory=1.0)

    def planes(**held: bool) -> float:
        sizes = (needed_bytes(spec, side, 1000, **held) for side in (1000, 2000))
        return -float(next(sizes) - next(sizes)) / 4e6

    assert planes() == 3 + 3 + 3 + 1 + 1
    assert planes(converted=False, alpha=False) == 3 + 3 + 1
    assert planes(converted=False, consumed=True, alpha=False) == 3 + 3


def test_refusal_tells_size_limit_and_remedy() -> None:
    with pytest.raises(
        MemoryLimitError, match=r"^x\.jpg \(9 × 9\) needs about 3 MiB .* 1 MiB are allowed; raise --max"
    ):
        check_memory(3 << 20, 1 << 20, what="x.jpg (9 × 9)")
    check_memory(1 << 20, 1 << 20, what="x.jpg")


def test_refusal_of_what_the_machine_has_not() -> None:
    with pytest.raises(MemoryLimitError, match="are free; close other programs"):
        check_memory(1 << 60, None, what="x.jpg")
