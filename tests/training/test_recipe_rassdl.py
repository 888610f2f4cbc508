"""RASSDL's regions, its objective, and the recipes."""

import pytest
import torch
from torch import nn

from relume.data.scenes import SyntheticScenes
from relume.models.rassdl import Rassdl, RassdlConfig
from relume.models.rassdl_supervision import supervision_loss
from relume.models.vgg16 import vgg16
from relume.training.recipe import RecipeSettings
from relume.training.recipes.rassdl import Regions, SelfSupervision, rassdl_paper


def test_regions_are_parts_of_encoded_scenes_and_functions_of_their_index() -> None:
    data = Regions(scenes=SyntheticScenes(), count=3)
    sample, again = data[5], data[5]
    assert sample["hdr"].shape == (3, 256, 256)
    assert sample["regions"].shape == (3, 1, 64, 64)
    assert torch.equal(sample["regions"], again["regions"])
    assert not torch.equal(sample["regions"], data[6]["regions"])
    assert float(sample["regions"].min()) >= 0.0
    assert float(sample["regions"].max()) <= 1.0


def test_the_loss_is_that_of_all_regions_of_the_batch() -> None:
    torch.manual_seed(0)
    networks = nn.ModuleDict({"model": Rassdl(RassdlConfig(width=4, dense=1)).eval()})
    regions, features = torch.rand(2, 3, 1, 16, 16), vgg16(None)
    (turn,) = SelfSupervision(features=features).turns(networks, {"regions": regions})
    flat = regions.view(6, 1, 16, 16)
    expected = supervision_loss(networks["model"].lightness(flat), flat, features)
    assert turn.loss.item() == pytest.approx(expected.item())


def test_validation_scores_whole_scenes() -> None:
    torch.manual_seed(0)
    networks = nn.ModuleDict({"model": Rassdl(RassdlConfig(width=4, dense=1)).eval()})
    objective = SelfSupervision(features=vgg16(None))
    batch = {"hdr": Regions(scenes=SyntheticScenes(), count=1)[0]["hdr"][None]}
    with torch.no_grad():
        scores = objective.validate(networks, batch)
    assert 0.0 < scores.numbers["tmqi"].item() < 1.0
    assert 0.7 < scores.numbers["tmqi_drago2003"].item() < 1.0
    assert scores.pictures.shape == (1, 3, 256, 512)


def test_the_setting_of_the_published_code() -> None:
    recipe = rassdl_paper(RecipeSettings())
    (stage,) = recipe.stages
    assert stage.batch * stage.data.count == 64
    rates = [stage.optimizers["model"].rate(step, stage.steps) for step in (0, 499, 500, stage.steps - 1)]
    assert rates[:2] == [1e-4, 1e-4]
    assert rates[2] < 1e-4
    assert rates[3] == pytest.approx(1e-6, rel=0.3)
