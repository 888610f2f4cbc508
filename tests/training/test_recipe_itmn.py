"""iTMN's objective: each term by hand, who learns in which turn, and the recipes of its ablations."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from relume.color.encoding import LINEAR_SCENE, PQ_BT2020, SRGB
from relume.color.transfer import pq
from relume.image import convert
from relume.models.itmn import SPEC, Discriminator, Itmn, ItmnConfig
from relume.training.losses.corrected import corrected_error
from relume.training.losses.distance import l2
from relume.training.losses.gradient import gradient_l2
from relume.training.optim import updaters
from relume.training.precision import choose_precision
from relume.training.recipe import RecipeSettings
from relume.training.recipes.itmn import CAMERA, ItmnObjective, itmn, itmn_paper

TINY = ItmnConfig(widths=(4, 4, 4, 4, 4), nodes=4)


def networks() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"model": Itmn(TINY), "discriminator": Discriminator(TINY)})


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"sdr": torch.rand(2, 3, 32, 32), "hdr": 4.0 * torch.rand(2, 3, 32, 32)}


def test_targets_are_pq_codes_cut_at_the_peak() -> None:
    light = torch.tensor([0.0, 1.0, 1000.0 / 203.0, 50.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    codes = ItmnObjective().codes(light)[0, 0, 0]
    expected = pq.inverse_eotf(torch.tensor([0.0, 203.0, 1000.0, 1000.0]))
    assert torch.allclose(codes, expected, atol=1e-4)
    assert codes[2].item() == pytest.approx(0.7518, abs=1e-4)  # the code of 1000 cd/m²


def test_the_loss_is_the_sum_of_the_paper() -> None:
    turn = next(ItmnObjective().turns(networks(), batch()))
    terms = turn.terms
    expected = 1e4 * (terms["mse"] + 1e5 * terms["dmse"]) + terms["regularizer"]
    assert turn.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_large_errors_of_a_picture_can_be_tamed() -> None:
    held, given = networks(), batch()
    # The second picture is nearly dark, and so is what is made of it: a smaller error.
    given["hdr"][1] *= 0.1
    objective = ItmnObjective(edges=2.0, adversarial=False, tame=1e-3)
    (turn,) = objective.turns(held, given)
    prediction = held["model"](convert(given["sdr"], SRGB, SPEC.input))
    target = objective.codes(given["hdr"])
    errors = torch.stack([l2(prediction[[i]], target[[i]]) for i in range(2)])
    errors += 2.0 * torch.stack([gradient_l2(prediction[[i]], target[[i]]) for i in range(2)])
    expected = 1e4 * 1e-3 * (1.0 + errors / 1e-3).log().mean()
    assert turn.loss.item() == pytest.approx(expected.item(), rel=1e-4)
    (untamed,) = ItmnObjective(edges=2.0, adversarial=False, tame=1e6).turns(held, given)
    assert untamed.loss.item() == pytest.approx(1e4 * errors.mean().item(), rel=1e-3)


def test_bels_after_the_correction_can_be_added() -> None:
    held, given = networks(), batch()
    (plain,), (turn,) = (
        ItmnObjective(edges=0.0, adversarial=False, bels=weight).turns(held, given) for weight in (0.0, 20.0)
    )
    codes = held["model"](convert(given["sdr"], SRGB, SPEC.input)).detach()
    light = convert(codes, PQ_BT2020, replace(LINEAR_SCENE, white=203.0)).clamp(min=0.0)
    bels = corrected_error(light, given["hdr"]).mean().item()
    assert turn.terms["corrected"].item() == pytest.approx(bels, rel=1e-3)
    assert (turn.loss - plain.loss).item() == pytest.approx(20.0 * bels, rel=1e-3)
    (slope,) = torch.autograd.grad(turn.terms["corrected"], held["model"].decoders[-1].weight)
    assert slope.isfinite().all()
    assert slope.abs().max() > 0.0


def test_the_generator_lowers_and_the_discriminator_raises_the_regularizer() -> None:
    held, given = networks(), batch()
    first, second = ItmnObjective(content=0.0).turns(held, given)
    codes = ItmnObjective().codes(given["hdr"])
    sdr = convert(given["sdr"], SRGB, SPEC.input)
    real, fake = held["discriminator"](codes), held["discriminator"](held["model"](sdr))
    log_not_fake, log_found_out = (1.0 - real.sigmoid()).log().mean(), fake.sigmoid().log().mean()
    assert first.loss.item() == pytest.approx(log_found_out.item(), rel=1e-3)
    assert second.loss.item() == pytest.approx(-(log_not_fake + log_found_out).item(), rel=1e-3)


def test_the_discriminators_turn_does_not_reach_the_generator() -> None:
    held = networks()
    *_, second = ItmnObjective().turns(held, batch())
    second.loss.backward()
    assert all(parameter.grad is None for parameter in held["model"].parameters())
    assert all(parameter.grad is not None for parameter in held["discriminator"].parameters())


def test_without_the_regularizer_there_is_one_turn() -> None:
    (turn,) = ItmnObjective(adversarial=False).turns(networks(), batch())
    assert turn.optimizer == "model"
    assert set(turn.terms) == {"mse", "dmse"}


def test_validation_decodes_the_codes() -> None:
    held, given = networks().eval(), batch()
    scores = ItmnObjective().validate(held, given).numbers
    assert set(scores) >= {"pu_psnr", "clipped_stops", "pu_psnr_input"}
    assert all(bool(values.isfinite().all()) for values in scores.values())


def test_the_camera_leaves_the_light_that_it_maps() -> None:
    scene = torch.rand(1, 3, 64, 64).pow(4.0) * 100.0
    shot = CAMERA(scene, generator=torch.Generator().manual_seed(0))
    assert (shot.sensor > 1.0).any(1).float().mean().item() == pytest.approx(0.05, abs=0.02)
    assert torch.allclose(shot.sensor, scene * shot.exposure.view(-1, 1, 1, 1))


def test_the_papers_setting() -> None:
    recipe = itmn_paper(RecipeSettings())
    (stage,) = recipe.stages
    optimizer = stage.optimizers["discriminator"]
    ((pairs, share),) = stage.data.parts
    assert not stage.optimizers["model"].settled
    assert (stage.steps, stage.batch, pairs.size, share) == (80_000, 6, (512, 512), 1.0)
    assert pairs.camera.tone_mapping is not None
    assert not pairs.shown
    assert stage.objective.bels == 0.0
    assert (stage.objective.content, stage.objective.edges, stage.objective.tame) == (1e4, 1e5, None)
    assert [optimizer.rate(step, stage.steps) for step in (0, 40_000, 60_000)] == pytest.approx(
        [1e-4, 1e-5, 1e-6]
    )


def test_the_narrow_network_sees_photographs_too() -> None:
    (stage,) = itmn(RecipeSettings()).stages
    shares = [(pairs.camera.tone_mapping is not None, share) for pairs, share in stage.data.parts]
    assert sum(share for _, share in shares) == pytest.approx(1.0)
    assert {name: optimizer.settled for name, optimizer in stage.optimizers.items()} == {
        "model": True,
        "discriminator": False,
    }
    assert sum(share for tone_mapped, share in shares if tone_mapped) == pytest.approx(0.25)
    assert stage.objective.bels > 0.0
    assert all(pairs.shown for pairs, _ in stage.data.parts)
    assert all(pairs.fitted == (pairs.camera.tone_mapping is not None) for pairs, _ in stage.data.parts)


def test_the_narrow_recipe_lowers_its_rate_late() -> None:
    (stage,) = itmn(RecipeSettings(steps=1050)).stages
    for optimizer in stage.optimizers.values():
        rates = [optimizer.rate(step, stage.steps) for step in (0, 49, 836, 837, 994, 995)]
        assert rates == pytest.approx([6e-7, 3e-5, 3e-5, 3e-6, 3e-6, 3e-7])


def test_the_narrow_recipe_leaves_the_first_convolution_as_it_is() -> None:
    recipe = itmn(RecipeSettings())
    held = recipe.networks()
    running = updaters(recipe.stages[0].optimizers, held, choose_precision("float32", torch.device("cpu")))
    frozen = {name for name, weights in held["model"].named_parameters() if not weights.requires_grad}
    assert frozen == {f"encoders.0.{name}" for name in ("0.weight", "0.bias", "1.weight", "1.bias")}
    assert len(running["model"].parameters) == len(list(held["model"].parameters())) - len(frozen)


def test_the_discriminator_is_a_companion_where_it_plays() -> None:
    assert set(itmn(RecipeSettings()).networks()) == {"model", "discriminator"}
