"""Batches: who gets which sample, and what becomes of bad ones."""

import os
import signal
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset
from training_toys import Blobs

from relume.errors import UnreadableFile
from relume.training.distributed import Place
from relume.training.errors import TrainingError
from relume.training.loader import Loaded, batches

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Numbers(Dataset[dict[str, Tensor]]):
    """Sample i is i, unless it is among the bad ones."""

    bad: tuple[int, ...] = ()

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index in self.bad:
            raise UnreadableFile(f"scene{index}.exr", "is cut off.")
        return {"value": torch.tensor(index)}


@dataclass(frozen=True)
class Hopeless(Dataset[dict[str, Tensor]]):
    deadly: bool = False

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        raise UnreadableFile(f"scene{index}.exr", "is cut off.")


def load(
    samples: Dataset[dict[str, Tensor]],
    *,
    first: int = 0,
    steps: int = 3,
    rank: int = 0,
    processes: int = 1,
    workers: int = 0,
    layout: torch.memory_format = torch.contiguous_format,
) -> list[Loaded]:
    place = Place(rank=rank, processes=processes, processes_here=1, device=CPU)
    return list(
        batches(samples, first=first, steps=steps, batch=4, place=place, workers=workers, layout=layout)
    )


def values(loaded: list[Loaded]) -> list[list[int]]:
    return [part.batch["value"].tolist() for part in loaded]


def test_two_processes_see_together_what_one_sees() -> None:
    alone = values(load(Numbers(), first=100))
    assert alone == [[100, 101, 102, 103], [104, 105, 106, 107], [108, 109, 110, 111]]
    parts = [values(load(Numbers(), first=100, rank=rank, processes=2)) for rank in (0, 1)]
    assert [left + right for left, right in zip(*parts, strict=True)] == alone


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(TrainingError, match="a batch of 4 cannot be shared out among 3 processes"):
        load(Numbers(), processes=3)


def test_loading_processes_change_nothing() -> None:
    alone, helped = load(Blobs(), steps=2), load(Blobs(), steps=2, workers=2)
    for left, right in zip(alone, helped, strict=True):
        assert torch.equal(left.batch["hdr"], right.batch["hdr"])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pictures_come_in_the_layout_that_was_asked_for(layout: torch.memory_format) -> None:
    assert load(Blobs(), steps=1, layout=layout)[0].batch["sdr"].is_contiguous(memory_format=layout)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_sample_is_named_and_replaced_by_the_same_one_everywhere(workers: int) -> None:
    first, second, _ = load(Numbers(bad=(1, 6)), workers=workers)
    assert first.problems == ("sample 1: scene1.exr: is cut off.",)
    assert second.problems == ("sample 6: scene6.exr: is cut off.",)
    substitute = first.batch["value"][1].item()
    assert substitute >= 1 << 32
    assert first.batch["value"].tolist() == [0, substitute, 2, 3]
    place = Place(rank=0, processes=2, processes_here=1, device=CPU)
    again = next(iter(batches(Numbers(bad=(1,)), first=0, steps=1, batch=4, place=place, workers=0)))
    assert again.batch["value"].tolist() == [0, substitute]


@pytest.mark.parametrize("workers", [0, 1])
def test_data_that_are_bad_throughout_end_the_run(workers: int) -> None:
    with pytest.raises(
        TrainingError, match=r"and its 3 substitutes are bad \(sample \d+: scene\d+.exr: is cut off"
    ):
        load(Hopeless(), workers=workers)


def test_a_loading_process_that_dies_is_told_in_a_sentence() -> None:
    with pytest.raises(TrainingError, match="a loading process died"):
        load(Hopeless(deadly=True), workers=1)
