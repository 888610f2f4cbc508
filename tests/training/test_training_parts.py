"""The small parts of the loop: averages, precisions, devices, the log, interruption."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from relume.training.cores import share_cores
from relume.training.distributed import Place, join
from relume.training.errors import TrainingError
from relume.training.interruption import interruption
from relume.training.log import Log, read_log
from relume.training.moving_average import MovingAverage
from relume.training.optim import Adam, updaters
from relume.training.precision import choose_precision
from relume.training.running_statistics import RunningStatistics

CPU = torch.device("cpu")


def test_the_moving_average_by_hand() -> None:
    networks = nn.ModuleDict({"model": nn.Linear(1, 1, bias=False)})
    networks["model"].weight.data.fill_(1.0)
    average = MovingAverage(networks, decay=0.5)
    networks["model"].weight.data.fill_(3.0)
    average.update(networks, step=0)  # decay (1 + 0)/(10 + 0) = 0.1
    assert average.networks["model"].weight.item() == pytest.approx(0.1 * 1.0 + 0.9 * 3.0)
    average.update(networks, step=1000)  # decay 0.5
    assert average.networks["model"].weight.item() == pytest.approx(0.5 * 2.8 + 0.5 * 3.0)


def test_the_moving_average_averages_statistics_too() -> None:
    networks = nn.ModuleDict({"model": nn.BatchNorm1d(2)})
    average = MovingAverage(networks, decay=0.9)
    networks["model"].running_mean.fill_(5.0)
    networks["model"].num_batches_tracked.fill_(7)
    average.update(networks, step=1000)  # decay 0.9
    assert average.networks["model"].running_mean.tolist() == pytest.approx([0.5, 0.5])
    assert average.networks["model"].num_batches_tracked.item() == 7
    assert not average.networks.training


def test_running_statistics_can_be_put_back() -> None:
    networks = nn.ModuleDict({"model": nn.BatchNorm1d(2)})
    statistics = RunningStatistics(networks)
    networks["model"](torch.randn(8, 2))
    before = networks["model"].running_mean.clone()
    statistics.keep()
    networks["model"](torch.full((8, 2), torch.nan))
    statistics.put_back()
    assert torch.equal(networks["model"].running_mean, before)


def test_what_no_optimizer_names_is_frozen() -> None:
    networks = nn.ModuleDict(
        {"model": nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "other": nn.Linear(2, 2)}
    )
    running = updaters({"a": Adam(networks=("model.1",))}, networks, choose_precision("float32", CPU))
    assert [tuple(parameter.shape) for parameter in running["a"].parameters] == [(2,), (2,)]
    assert networks["model"][1].training
    assert not networks["model"][0].training
    assert not networks["other"].weight.requires_grad


def test_settled_networks_learn_and_keep_their_running_statistics() -> None:
    networks = nn.ModuleDict({"model": nn.BatchNorm1d(2)})
    running = updaters({"a": Adam(settled=True)}, networks, choose_precision("float32", CPU))
    values = torch.randn(8, 2) + 5.0
    torch.testing.assert_close(networks["model"](values), values, atol=1e-4, rtol=0)
    assert networks["model"].running_mean.tolist() == [0.0, 0.0]
    assert all(parameter.requires_grad for parameter in running["a"].parameters)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_precisions_of_the_forward_pass(name: str) -> None:
    precision = choose_precision(name, CPU)
    with precision.autocast():
        result = nn.Linear(4, 4)(torch.ones(1, 4))
    assert result.dtype == getattr(torch, name)
    assert precision.scaler().is_enabled() == (name == "float16")
    assert (precision.layout == torch.contiguous_format) == (name == "float32")


def test_wrong_precisions_and_devices_are_told_what_there_is() -> None:
    with pytest.raises(TrainingError, match="precision is 'int8'; expected auto, float32"):
        choose_precision("int8", CPU)
    with pytest.raises(TrainingError, match="device 'tpu'"), join("tpu"):
        pass


@pytest.mark.parametrize(
    ("cores", "here", "workers", "expected", "threads"),
    [(2, 1, None, 1, 1), (16, 1, None, 8, 8), (16, 4, None, 2, 2), (1, 1, None, 1, 1), (4, 1, 0, 0, 4)],
)
def test_training_and_loading_share_the_cores(
    cores: int, here: int, workers: int | None, expected: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relume.training.cores._cores", lambda: cores)
    place = Place(rank=0, processes=here, processes_here=here, device=CPU)
    assert share_cores(place, workers) == expected
    assert torch.get_num_threads() == threads


def test_alone_there_is_nothing_to_average() -> None:
    tensor = torch.ones(2)
    Place(rank=0, processes=1, processes_here=1, device=CPU).average([tensor])
    assert torch.equal(tensor, torch.ones(2))


def test_the_first_signal_asks_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruption() as asked:
        assert not asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_interrupted_log_forgets_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    with Log(tmp_path, title="t", steps=9, done=0, silent=False) as log:
        for step in (1, 2, 3):
            log.scalars("train", step, "main", {"loss": float(step)})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "sta')  # killed in the middle of a line
    with Log(tmp_path, title="t", steps=9, done=2, silent=False) as log:
        log.scalars("train", 3, "main", {"loss": 0.25})
    assert [(entry["step"], entry["loss"]) for entry in read_log(tmp_path)] == [(1, 1.0), (2, 2.0), (3, 0.25)]


def test_the_log_is_json_whatever_the_numbers(tmp_path: Path) -> None:
    with Log(tmp_path, title="t", steps=1, done=0, silent=False) as log:
        log.scalars("train", 1, "main", {"loss": float("nan"), "norm": float("inf")})
    entry = json.loads((tmp_path / "log.jsonl").read_text())
    assert entry["loss"] is None
    assert entry["norm"] is None


def test_the_log_keeps_pictures_and_says_notices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    with Log(tmp_path, title="t", steps=1, done=0, silent=False) as log:
        log.pictures(12, torch.ones(1, 3, 4, 6) * torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1))
        log.notice(12, "main", "a sample was replaced")
    with Image.open(tmp_path / "pictures" / "0000012-0.png") as picture:
        assert picture.size == (6, 4)
        assert picture.getpixel((0, 0)) == (255, 128, 0)
    assert "a sample was replaced" in capsys.readouterr().err
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_silent_log_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Log(tmp_path, title="t", steps=1, done=0, silent=True) as log:
        log.scalars("train", 1, "main", {"loss": 1.0})
        log.notice(1, "main", "quiet")
        log.pictures(1, torch.ones(1, 3, 4, 4))
        log.advance(1, "main")
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err == ""
