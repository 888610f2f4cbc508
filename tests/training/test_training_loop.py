"""The loop: it learns, refuses, skips, stops and says why."""

import errno
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from training_toys import MACHINE, RECONSTRUCTION, Blobs, Game, game, losses, plain

from relume.errors import MemoryLimitError, UnreadableFile, UnwritableFile
from relume.models.weights import load_weights
from relume.training import loop, run
from relume.training.checkpoint import FILE, load_checkpoint
from relume.training.errors import TrainingError
from relume.training.export import export
from relume.training.log import read_log
from relume.training.loop import train
from relume.training.objective import Batch, Objective, Scores, Turn
from relume.training.optim import Adam, AdamW, RMSProp
from relume.training.recipe import Recipe, Stage
from relume.training.schedules import Steps

Samples = Dataset[dict[str, Tensor]]
SELDOM = replace(MACHINE, save_every=1e9)


@dataclass(frozen=True, kw_only=True)
class Disturbed(Dataset[dict[str, Tensor]]):
    """Blobs, of which some are not what they should be."""

    nan: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    terminating: int = -1

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index == self.terminating:
            os.kill(os.getpid(), signal.SIGTERM)
        if index in self.missing:
            raise UnreadableFile(f"scene{index}.exr", "is missing.")
        sample = Blobs()[index]
        return {"sdr": sample["sdr"] * torch.nan, "hdr": sample["hdr"]} if index in self.nan else sample


def with_stage(recipe: Recipe, **changes: object) -> Recipe:
    """The recipe with its first stage changed."""
    return replace(recipe, stages=(replace(recipe.stages[0], **changes), *recipe.stages[1:]))


def train_entries(folder: Path) -> list[dict]:
    return [entry for entry in read_log(folder) if entry["kind"] == "train"]


def test_it_learns_and_leaves_what_it_promises(tmp_path: Path) -> None:
    progress = train(plain(30), tmp_path / "run", machine=SELDOM)
    before, after = progress.results["before"], progress.results["after"]
    assert after["clipped_stops"] < 0.9 * before["clipped_stops"]
    assert before["pu_psnr"] == before["pu_psnr_input"] == after["pu_psnr_input"]
    assert after["pu_psnr"] > before["pu_psnr"]
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"recipe.json", FILE, "log.jsonl", "pictures", "tensorboard"}
    described = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert described["recipe"]["stages"][0]["batch"] == 4
    assert {"version", "commit", "machine", "predecessors"} == set(described["origin"])
    assert progress.total == 30
    assert progress.samples == 120


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    train(plain(2), tmp_path, machine=SELDOM)
    content = (tmp_path / FILE).read_bytes()
    assert train(plain(2), tmp_path, machine=SELDOM).total == 2
    assert (tmp_path / FILE).read_bytes() == content


def test_other_settings_are_refused_and_named(tmp_path: Path) -> None:
    train(plain(2), tmp_path, machine=SELDOM)
    with pytest.raises(TrainingError, match=r"other settings \(stages\[0\].batch: 4, now 8\)"):
        train(with_stage(plain(2), batch=8), tmp_path, machine=SELDOM)


def test_a_request_to_stop_saves_and_the_run_goes_on_from_there(tmp_path: Path) -> None:
    recipe = with_stage(plain(6), data=Disturbed())
    train(recipe, tmp_path / "whole", machine=SELDOM)
    # The request comes while the third batch is loaded.
    asking = with_stage(plain(6), data=Disturbed(terminating=9))
    with pytest.raises(KeyboardInterrupt):
        train(asking, tmp_path / "parts", machine=SELDOM)
    assert load_checkpoint(tmp_path / "parts").progress.step == 3
    train(asking, tmp_path / "parts", machine=SELDOM)
    assert losses(read_log(tmp_path / "parts")) == losses(read_log(tmp_path / "whole"))


def test_a_signal_to_the_whole_group_leaves_loading_processes_at_work(tmp_path: Path) -> None:
    recipe = with_stage(plain(4), data=Disturbed(terminating=5))
    assert train(recipe, tmp_path, machine=replace(SELDOM, workers=1)).total == 4


def test_steps_that_are_not_finite_are_skipped_and_do_no_harm(tmp_path: Path) -> None:
    # Sample 5 is in the second step of four samples; the critic's normalisation would never forget a NaN.
    recipe = replace(game(3), stages=(replace(game(3).stages[1], steps=4, data=Disturbed(nan=(5,))),))
    progress = train(recipe, tmp_path, machine=SELDOM)
    entries = train_entries(tmp_path)
    assert progress.skipped == 1
    assert [entry["model/loss"] is None for entry in entries] == [False, True, False, False]
    tensors = load_checkpoint(tmp_path).tensors
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_a_run_that_diverges_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MOST_SKIPPED_IN_A_ROW", 2)
    recipe = with_stage(plain(9), data=Disturbed(nan=(4, 8)))
    with pytest.raises(TrainingError, match="step 3: no finite loss and gradient in 2 steps in a row"):
        train(recipe, tmp_path, machine=SELDOM)


def test_bad_samples_are_named_counted_and_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = with_stage(plain(3), data=Disturbed(missing=(1, 6)))
    assert train(recipe, tmp_path / "some", machine=SELDOM).bad_samples == 2
    notices = [entry["text"] for entry in read_log(tmp_path / "some") if entry["kind"] == "notice"]
    assert notices == [f"a sample was replaced: sample {i}: scene{i}.exr: is missing." for i in (1, 6)]
    monkeypatch.setattr(run, "MOST_BAD_SAMPLES", 1)
    with pytest.raises(TrainingError, match="2 samples could not be had, the last because sample 6"):
        train(recipe, tmp_path / "many", machine=SELDOM)


def test_gradients_are_clipped_and_rates_follow_the_schedule(tmp_path: Path) -> None:
    optimizer = Adam(learning_rate=0.5, schedule=Steps(at=(1,)), clip=1e-12)
    recipe = with_stage(plain(3), optimizers={"model": replace(optimizer, betas=(0.0, 0.0))})
    train(recipe, tmp_path, machine=SELDOM)
    assert [entry["model/rate"] for entry in train_entries(tmp_path)] == pytest.approx([0.5, 0.05, 0.05])
    weights = load_checkpoint(tmp_path).under("networks.")
    fresh = recipe.networks().state_dict()
    # Far below Adam's epsilon of 1e-8 the step is rate · gradient / epsilon: at most 0.6 · 1e-12 / 1e-8.
    assert max((weights[name] - fresh[name]).abs().max() for name in fresh) < 1e-4


def test_a_rate_of_zero_moves_nothing(tmp_path: Path) -> None:
    still = {"model": Adam(learning_rate=1e-3, schedule=Steps(at=(0,), ratio=0.0))}
    recipe = with_stage(plain(2), optimizers=still)
    train(recipe, tmp_path, machine=SELDOM)
    weights, fresh = load_checkpoint(tmp_path).under("networks."), recipe.networks().state_dict()
    assert all(torch.equal(weights[name], fresh[name]) for name in fresh)


@pytest.mark.parametrize("optimizer", [Adam, AdamW, RMSProp])
def test_every_optimizer_learns(optimizer: type[Adam], tmp_path: Path) -> None:
    recipe = with_stage(plain(12), optimizers={"model": optimizer(learning_rate=1e-3)})
    results = train(recipe, tmp_path, machine=SELDOM).results
    assert results["after"]["clipped_stops"] < results["before"]["clipped_stops"]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precisions_learn(precision: str, tmp_path: Path) -> None:
    progress = train(plain(12), tmp_path, machine=replace(SELDOM, precision=precision))
    assert progress.results["after"]["clipped_stops"] < progress.results["before"]["clipped_stops"]
    assert progress.skipped < 4
    scaler = {"scale": 65536.0 / 2**progress.skipped} if precision == "float16" else {}
    assert scaler.items() <= load_checkpoint(tmp_path).scalers["model"].items()


def test_data_are_never_made_in_half_precision(tmp_path: Path) -> None:
    class Watching(Dataset[dict[str, Tensor]]):
        def __getitem__(self, index: int) -> dict[str, Tensor]:
            assert not torch.is_autocast_enabled("cpu")
            return Blobs()[index]

    recipe = replace(with_stage(plain(2), data=Watching()), validation=Watching())
    assert train(recipe, tmp_path, machine=replace(SELDOM, precision="bfloat16")).total == 2


def test_a_run_may_go_on_in_another_precision(tmp_path: Path) -> None:
    recipe = with_stage(plain(4), data=Disturbed(terminating=5))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path, machine=SELDOM)
    assert train(recipe, tmp_path, machine=replace(SELDOM, precision="float16")).total == 4


def test_the_second_turn_sees_what_the_first_has_done(tmp_path: Path) -> None:
    seen: list[tuple[float, float]] = []

    @dataclass(frozen=True, kw_only=True)
    class Watching(Objective):
        def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
            before = networks["model"].head.bias.sum().item()
            yield from RECONSTRUCTION.turns(networks, batch)
            seen.append((before, networks["model"].head.bias.sum().item()))

        def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
            assert not networks["model"].training
            return RECONSTRUCTION.validate(networks, batch)

    train(with_stage(plain(2), objective=Watching()), tmp_path, machine=SELDOM)
    (first, second), (third, fourth) = seen
    assert first == 0.0
    assert first != second == third != fourth


def test_each_turn_moves_only_what_its_optimizer_owns(tmp_path: Path) -> None:
    recipe = game(3)
    frozen = {
        "model": Adam(networks=("model.head",)),
        "critic": RMSProp(networks=("critic",), learning_rate=0.0),
    }
    recipe = replace(recipe, stages=(replace(recipe.stages[1], optimizers=frozen),))
    fresh = recipe.networks().state_dict()
    train(recipe, tmp_path, machine=SELDOM)
    weights = load_checkpoint(tmp_path).under("networks.")
    moved = {name for name in fresh if not torch.equal(weights[name], fresh[name])}
    statistics = {f"critic.norm.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
    assert moved == {"model.head.weight", "model.head.bias"} | statistics


def test_validation_and_export_use_the_average(tmp_path: Path) -> None:
    recipe = with_stage(plain(4), average=0.9)
    train(recipe, tmp_path, machine=SELDOM)
    checkpoint = load_checkpoint(tmp_path)
    average, last = checkpoint.under("averages.model."), checkpoint.under("networks.model.")
    assert not torch.equal(average["head.bias"], last["head.bias"])
    export(tmp_path, tmp_path / "w.safetensors")
    assert torch.equal(load_weights(tmp_path / "w.safetensors")[0].head.bias, average["head.bias"])
    network = recipe.networks()
    network["model"].load_state_dict(average)
    scores = [
        RECONSTRUCTION.validate(network, {k: v[None] for k, v in Blobs(seed=1)[i].items()}) for i in (0, 1)
    ]
    expected = sum(score.numbers["pu_psnr"].item() for score in scores) / 2
    assert checkpoint.progress.results["after"]["pu_psnr"] == pytest.approx(expected, rel=1e-5)


@dataclass(frozen=True, kw_only=True)
class Failing(Objective):
    """Does what it is told instead of computing a loss."""

    failure: str

    def turns(self, networks: nn.ModuleDict, batch: Batch) -> Iterator[Turn]:
        if self.failure == "memory":
            torch.empty(1 << 50)
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    def validate(self, networks: nn.ModuleDict, batch: Batch) -> Scores:
        return RECONSTRUCTION.validate(networks, batch)


def test_no_memory_and_no_room_are_told_in_sentences(tmp_path: Path) -> None:
    with pytest.raises(MemoryLimitError, match="give a smaller --batch"):
        train(with_stage(plain(2), objective=Failing(failure="memory")), tmp_path / "a", machine=SELDOM)
    with pytest.raises(UnwritableFile, match="the last checkpoint is still whole"):
        train(with_stage(plain(2), objective=Failing(failure="disk")), tmp_path / "b", machine=SELDOM)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFile, match="cannot be used for a run"):
        train(plain(2), tmp_path / "file", machine=SELDOM)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors import SafetensorError

    from relume.models import tensor_file

    save, saved = tensor_file.save_file, []

    def save_twice(*arguments: object) -> None:
        if len(saved) == 2:
            raise SafetensorError("I/O error: No space left on device (os error 28)")
        saved.append(save(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(tensor_file, "save_file", save_twice)
        with pytest.raises(UnwritableFile, match="No space left on device"):
            train(plain(6), tmp_path, machine=MACHINE)
    assert load_checkpoint(tmp_path).progress.step == 2
    train(plain(6), tmp_path, machine=SELDOM)
    train(plain(6), tmp_path / "whole", machine=SELDOM)
    assert losses(read_log(tmp_path)) == losses(read_log(tmp_path / "whole"))


def test_stages_of_nothing_are_refused() -> None:
    with pytest.raises(TrainingError, match="stage content has 0 steps"):
        game(2)
    with pytest.raises(TrainingError, match="0 samples"):
        Stage(name="s", steps=1, batch=0, objective=Game(), optimizers={}, data=Blobs())


def test_fine_tuning_starts_from_weights_of_the_same_network(tmp_path: Path) -> None:
    train(plain(3), tmp_path / "run", machine=SELDOM)
    export(tmp_path / "run", tmp_path / "w.safetensors")
    tuned = replace(plain(3), start=tmp_path / "w.safetensors").networks().state_dict()
    trained = load_checkpoint(tmp_path / "run").under("networks.")
    assert all(torch.equal(tuned[name], trained[name]) for name in trained)
    with pytest.raises(TrainingError, match=r"holds unet \(smoke\); recipe plain trains unet \(base\)"):
        replace(plain(3), preset="base", start=tmp_path / "w.safetensors").networks()


def test_parameters_without_a_part_in_the_loss_have_gradient_zero(tmp_path: Path) -> None:
    recipe = replace(
        with_stage(plain(2), optimizers={"model": Adam(networks=("model", "idle"))}),
        companions={"idle": partial(nn.Linear, 2, 2)},
    )
    fresh = recipe.networks().state_dict()
    train(recipe, tmp_path, machine=SELDOM)
    assert torch.equal(load_checkpoint(tmp_path).under("networks.")["idle.weight"], fresh["idle.weight"])
