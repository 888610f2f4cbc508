"""From a run to weights with a card, and the command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_toys import MACHINE, plain

from relume.cli.main import main
from relume.errors import MethodError, UnreadableFile
from relume.models.weights import load_weights
from relume.training import recipes
from relume.training.checkpoint import load_checkpoint
from relume.training.export import export
from relume.training.loop import train
from relume.training.recipe import Recipe, RecipeSettings


def toy(settings: RecipeSettings) -> Recipe:
    """A toy for the tests of the command."""
    return plain(settings.steps or 5)


def relume(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code)


def test_the_card_tells_where_weights_come_from(tmp_path: Path) -> None:
    train(plain(2), tmp_path / "run", machine=MACHINE)
    export(tmp_path / "run", tmp_path / "w.safetensors")
    network, card = load_weights(tmp_path / "w.safetensors")
    assert (card.model, card.preset, card.steps) == ("unet", "smoke", 2)
    assert card.spec["direction"] == "expand"
    assert card.recipe["stages"][0]["steps"] == 2
    assert card.data["main"]["is"].endswith("Blobs")
    assert card.results.keys() == {"before", "after"}
    assert card.hours >= 0.0
    assert "CPU cores" in card.machine
    trained = load_checkpoint(tmp_path / "run").under("networks.model.")
    assert torch.equal(network.head.bias, trained["head.bias"])


def test_the_card_lists_the_trainings_before(tmp_path: Path) -> None:
    start, trained = None, tmp_path / "w.safetensors"
    for steps in (3, 2, 1):
        train(replace(plain(steps), seed=steps, start=start), tmp_path / str(steps), machine=MACHINE)
        export(tmp_path / str(steps), trained)
        start = trained
    card = load_weights(trained)[1]
    assert card.steps == 1
    assert [(before["recipe"], before["seed"], before["steps"]) for before in card.predecessors] == [
        ("plain", 3, 3),
        ("plain", 2, 2),
    ]
    assert all({"hours", "commit"} < before.keys() for before in card.predecessors)


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="expected the --out folder"):
        export(tmp_path, tmp_path / "w.safetensors")


def test_from_a_recipe_to_weights_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(recipes.RECIPES, "toy", toy)
    run, weights = tmp_path / "run", tmp_path / "toy.safetensors"
    assert relume("train", "toy", "--out", run, "--steps", 3, "--device", "cpu", "--workers", 0) == 0
    shown = capsys.readouterr()
    assert "before  pu_psnr" in shown.out
    assert "plain, step 3 (main): pu_psnr" in shown.err
    assert relume("train", "export", run, "-o", weights, "--dtype", "float16") == 0
    assert json.loads(weights.with_suffix(".json").read_text())["steps"] == 3
    assert relume("train", "toy", "--out", run, "--steps", 4, "--workers", 0) == 1
    assert "continue with the settings it began with" in capsys.readouterr().err


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert relume("train", "--list") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in recipes.RECIPES)


def test_wrong_usage_is_told_with_the_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert relume("train") == 1
    assert "needs a recipe and --out" in capsys.readouterr().err
    assert relume("train", "nothing", "--out", tmp_path) == 1
    assert "there is no recipe 'nothing'" in capsys.readouterr().err
    with pytest.raises(MethodError):
        recipes.find_recipe("nothing")
    assert relume("train", "export", tmp_path, "-o", tmp_path / "w.safetensors") == 1
    assert relume("train", "--help") == 0
