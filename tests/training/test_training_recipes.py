"""What every recipe owes: it builds, runs two steps on a CPU, and its card can be written.

Variants and those in a paper's own size are built only: the same code runs under the names of the networks.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from training_toys import MACHINE

from relume.errors import UnreadableFile
from relume.models import MODELS
from relume.training.describe import describe
from relume.training.errors import TrainingError
from relume.training.export import export
from relume.training.loop import train
from relume.training.recipe import RecipeSettings
from relume.training.recipes import RECIPES, find_recipe


@pytest.mark.parametrize("name", [name for name in RECIPES if name in ("smoke", *MODELS)])
def test_it_runs_two_steps_and_exports(name: str, tmp_path: Path) -> None:
    recipe = find_recipe(name)(RecipeSettings(steps=2, batch=2))
    assert recipe.name == name
    assert json.dumps(describe(recipe))
    progress = train(replace(recipe, validation_pairs=1), tmp_path / "run", machine=MACHINE)
    assert progress.total == 2
    assert progress.skipped == 0
    assert export(tmp_path / "run", tmp_path / "w.safetensors").model == recipe.model


@pytest.mark.parametrize("name", RECIPES)
def test_settings_are_taken(name: str) -> None:
    recipe = find_recipe(name)(RecipeSettings(steps=7, batch=4, seed=9))
    assert sum(stage.steps for stage in recipe.stages) == 7
    assert all(stage.batch == 4 for stage in recipe.stages)
    assert recipe.seed == 9
    other = find_recipe(name)(RecipeSettings(seed=10))
    assert describe(other.stages[0].data) != describe(recipe.stages[0].data)


def test_data_that_are_missing_or_not_wanted_are_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="this recipe needs data; give --data"):
        RecipeSettings().required_data()
    with pytest.raises(UnreadableFile, match="is not there; expected the training data"):
        RecipeSettings(data=tmp_path / "gone").required_data()
    assert RecipeSettings(data=tmp_path).required_data() == tmp_path
    with pytest.raises(TrainingError, match="this recipe makes its own data; leave --data"):
        find_recipe("smoke")(RecipeSettings(data=tmp_path))


def test_weights_that_are_missing_are_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is not there; expected the weights to begin with"):
        RecipeSettings(start=tmp_path / "gone.safetensors")
    with pytest.raises(UnreadableFile, match="is not there; expected the weights to begin with"):
        RecipeSettings(start=tmp_path)


def test_validation_is_never_trained_on() -> None:
    for make in RECIPES.values():
        recipe = make(RecipeSettings())
        assert all(describe(stage.data) != describe(recipe.validation) for stage in recipe.stages)
