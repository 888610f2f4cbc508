"""The loss of both pictures, which stage trains what, and the recipes."""

import pytest
import torch
from torch import nn

from relume.metrics.tone_curve import correct_tone_curve
from relume.models.sparam_convlstm import SparamConvLstm, SparamConvLstmConfig
from relume.training.cameras import portions
from relume.training.losses.corrected import corrected_error
from relume.training.losses.distance import l1
from relume.training.losses.encoding import compressed
from relume.training.losses.ssim import ssim_loss
from relume.training.optim import updaters
from relume.training.precision import choose_precision
from relume.training.recipe import RecipeSettings
from relume.training.recipes import RECIPES
from relume.training.recipes.sparam_convlstm import (
    CurveAndRegions,
    sparam_convlstm,
    sparam_convlstm_alpha30,
    sparam_convlstm_paper,
)

TINY = SparamConvLstmConfig(trunk=(4, 4, 4, 4, 4), nodes=8, side=16, peak=2.0, hidden=4, features=6, shrunk=4)


def networks() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"model": SparamConvLstm(TINY).eval()})


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"sdr": torch.rand(2, 3, 16, 16), "hdr": 3.0 * torch.rand(2, 3, 16, 16)}


def test_the_loss_is_that_of_both_pictures() -> None:
    held, given = networks(), batch()
    (turn,) = CurveAndRegions(alpha=0.7, beta=0.3).turns(held, given)
    target = 0.5 * given["hdr"] / (given["hdr"].mean((1, 2, 3), keepdim=True) + 1e-6)
    statistics = held["model"].measure(given["sdr"])
    pictures = held["model"](given["sdr"]), held["model"].pseudo_hdr(given["sdr"], statistics)
    losses = [0.83 * ssim_loss(picture, target) + 0.17 * l1(picture, target) for picture in pictures]
    assert turn.loss.item() == pytest.approx((0.7 * losses[0] + 0.3 * losses[1]).item(), rel=1e-4)
    assert set(turn.terms) == {"curve", "regions"}


def test_our_domain_is_the_logarithm_of_light_as_the_camera_saw_it() -> None:
    held, given = networks(), batch()
    objective = CurveAndRegions(alpha=1.0, beta=0.0, normalised=False, logarithmic=True)
    (turn,) = objective.turns(held, given)
    picture, target = compressed(held["model"](given["sdr"])), compressed(given["hdr"])
    expected = 0.83 * ssim_loss(picture, target) + 0.17 * l1(picture, target)
    assert turn.loss.item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_share_of_the_loss_comes_after_the_tone_curve_correction() -> None:
    held, given = networks(), batch()
    result = held["model"](given["sdr"]).detach()
    # The same but for a curve, mostly.
    target = given["hdr"] = 3.0 * result.square() + 0.1 * given["hdr"]
    after = correct_tone_curve(result * 203.0, target * 203.0) / 203.0
    losses = [0.83 * ssim_loss(picture, target) + 0.17 * l1(picture, target) for picture in (result, after)]
    assert losses[1] < 0.8 * losses[0]
    for share in (0.0, 0.25, 1.0):
        objective = CurveAndRegions(alpha=1.0, beta=0.0, normalised=False, corrected=share)
        (turn,) = objective.turns(held, given)
        expected = (1.0 - share) * losses[0] + share * losses[1]
        assert turn.terms["regions"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_bels_after_the_correction_count_for_both_pictures() -> None:
    held, given = networks(), batch()
    (plain,), (turn,) = (
        CurveAndRegions(alpha=0.7, beta=0.3, normalised=False, bels=weight).turns(held, given)
        for weight in (0.0, 0.25)
    )
    statistics = held["model"].measure(given["sdr"])
    pictures = held["model"](given["sdr"]), held["model"].pseudo_hdr(given["sdr"], statistics)
    bels = [corrected_error(picture, given["hdr"]).mean() for picture in pictures]
    added = 0.25 * (0.7 * bels[0] + 0.3 * bels[1])
    assert added > 0.1
    assert turn.loss.item() == pytest.approx((plain.loss + added).item(), rel=1e-4)


def test_the_first_stage_trains_the_curve_alone() -> None:
    first, second = sparam_convlstm(RecipeSettings(steps=60)).stages
    assert (first.steps, second.steps) == (10, 50)
    held = networks()
    (updater,) = updaters(first.optimizers, held, choose_precision("float32", torch.device("cpu"))).values()
    assert len(updater.parameters) == len(list(held["model"].sparam.parameters()))
    (turn,) = first.objective.turns(held, batch())
    assert set(turn.terms) == {"curve"}
    turn.loss.backward()
    assert all(parameter.grad is not None for parameter in held["model"].sparam.parameters())
    assert all(parameter.grad is None for parameter in held["model"].convlstm.parameters())


def test_validation_is_in_units_of_the_level_that_clips() -> None:
    """A curve that is straight, of light whose mean the objective knows."""
    held, given = networks(), batch()
    last = held["model"].sparam.estimate[-1]
    nn.init.zeros_(last.weight)
    last.bias.data.copy_(torch.tensor([1.0, 1.0, 1.0, 1.0]).sub(1e-3).expm1().log())
    given["hdr"] = 6.0 * given["sdr"]
    factor = 2.0 * given["hdr"].mean((1, 2, 3))
    scores = CurveAndRegions(alpha=0.0, beta=1.0).validate(held, given)
    # The straight curve gives the codes themselves, times twice the mean of the light.
    error = (factor.view(-1, 1, 1, 1) * given["sdr"] / given["hdr"]).log2()
    clipped = given["hdr"] > 1.0
    expected = [e[c].square().mean().sqrt().item() for e, c in zip(error, clipped, strict=True)]
    assert scores.numbers["clipped_stops"].tolist() == pytest.approx(expected, rel=1e-3)


def test_the_papers_setting() -> None:
    first, second = sparam_convlstm_paper(RecipeSettings()).stages
    assert (first.steps, second.steps) == (50 * 2559, 50 * 2559)
    ((pairs, _),) = second.data.parts
    assert (second.batch, pairs.size) == (4, (256, 256))
    assert (second.objective.alpha, second.objective.beta) == (0.7, 0.3)
    assert (second.objective.corrected, second.objective.bels) == (0.0, 0.0)
    assert [second.optimizers["model"].rate(step, second.steps) for step in (0, 100_000)] == [7e-5, 7e-5]


def test_the_narrow_recipe_leaves_the_curve_to_sparam_net() -> None:
    for stage in sparam_convlstm(RecipeSettings()).stages:
        assert 0.5 < stage.objective.corrected < 1.0
        assert stage.objective.bels > 0.0


def test_the_narrow_recipe_sees_the_cameras_of_the_others() -> None:
    recipe = sparam_convlstm(RecipeSettings())
    for data in (*(stage.data for stage in recipe.stages), recipe.validation):
        assert [pairs.camera for pairs, _ in data.parts] == [part.camera for part in portions()]
        assert [share for _, share in data.parts] == [part.share for part in portions()]


@pytest.mark.parametrize("bands", [3, 4, 6, 7])
def test_variants_differ_in_their_bands(bands: int) -> None:
    recipe = RECIPES[f"sparam_convlstm_n{bands}"](RecipeSettings())
    assert recipe.name == f"sparam_convlstm_n{bands}"
    assert recipe.networks()["model"].bands == bands


def test_variants_differ_in_their_weights() -> None:
    objective = sparam_convlstm_alpha30(RecipeSettings()).stages[1].objective
    assert (objective.alpha, objective.beta) == pytest.approx((0.3, 0.7))
