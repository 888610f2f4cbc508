"""Configurations as JSON, and where two of them differ."""

import json
from functools import partial
from pathlib import Path

import torch
from training_toys import compressed_l1, game, plain

from relume.training.describe import describe, differences
from relume.training.losses.distance import l1
from relume.training.losses.perceptual import Perceptual, vgg16
from relume.training.schedules import Cosine


def test_a_whole_recipe_becomes_json_and_says_what_it_is() -> None:
    described = describe(game(9))
    assert json.loads(json.dumps(described)) == described
    assert described["is"] == "relume.training.recipe.Recipe"
    model = described["stages"][0]["optimizers"]["model"]
    assert model["is"] == "relume.training.optim.Adam"
    assert model["schedule"] == {"is": "relume.training.schedules.Cosine", "floor": 0.1, "every": 1}
    assert described["stages"][0]["objective"]["losses"]["l1"] == [
        1.0,
        f"{compressed_l1.__module__}.compressed_l1",
    ]


def test_single_values() -> None:
    assert describe(Path("/data")) == "/data"
    assert describe(partial(l1, weight=None)) == {"is": "relume.training.losses.distance.l1", "weight": None}
    assert describe(torch.zeros(2, 3)) == "tensor (2, 3)"
    assert describe((torch.zeros(1), torch.zeros(1))) == "2 tensors"
    assert describe(torch.nn.Linear(2, 3))["about"].startswith("in_features=2")


def test_the_card_says_which_features_were_used() -> None:
    loss = Perceptual(features=vgg16(None), layers={"relu1_2": 1.0})
    assert "random weights" in describe(loss)["features"]["about"]


def test_differences_are_named_by_their_place() -> None:
    assert differences(describe(plain(5)), describe(plain(5))) == []
    assert differences(describe(plain(5)), describe(plain(6))) == [
        "stages[0].steps: 5, now 6",
        "stages[0].validate_every: 5, now 6",
    ]
    assert differences({"a": 1}, {"b": 2}) == ["a: 1, now None", "b: None, now 2"]
    assert differences(describe(Cosine()), describe(Cosine(floor=0.5))) == ["floor: 0.0, now 0.5"]
