"""Work on all cores: all of it done, errors told, torch left as it was."""

import threading
from collections.abc import Iterator

import pytest
import torch

from relume.parallel import for_each


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_piece_is_done_once_and_threads_are_left_as_they_were(threads: int) -> None:
    done: list[int] = []
    inside: set[int] = set()

    def work(item: int) -> None:
        inside.add(torch.get_num_threads())
        done.append(item)

    for_each(work, range(100))
    assert sorted(done) == list(range(100))
    assert inside == {1}
    assert torch.get_num_threads() == threads


def test_the_first_error_is_raised(threads: int) -> None:
    def work(item: int) -> None:
        if item == 7:
            raise ValueError(item)

    with pytest.raises(ValueError, match="7"):
        for_each(work, range(20))
    assert torch.get_num_threads() == threads


def test_items_are_asked_for_as_they_are_needed(threads: int) -> None:
    given, done, ahead = [], [], []

    def items() -> Iterator[int]:
        for item in range(100):
            ahead.append(len(given) - len(done))
            given.append(item)
            yield item

    for_each(done.append, items())
    assert sorted(done) == list(range(100))
    assert max(ahead) <= 4 * threads


def test_several_pieces_run_at_once() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    meeting = threading.Barrier(2, timeout=30)
    try:
        for_each(lambda item: meeting.wait() and None, range(2))
    finally:
        torch.set_num_threads(before)
    assert not meeting.broken


def test_later_threads_get_all_of_torchs_threads(threads: int) -> None:
    for_each(lambda item: None, range(8))
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [threads]
