"""The losses and stages of DuHDR: each equation worked by hand, and two steps of every stage."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from training_toys import MACHINE

from relume.camera.presets import find
from relume.camera.truncation import Clip
from relume.filters.base_detail import truncate_base
from relume.models import build
from relume.models.duhdr.inverse_truncation import clipping_mask
from relume.models.duhdr.network import DuHDR
from relume.models.learned import SHIPPED_WEIGHTS
from relume.models.vgg16 import vgg16
from relume.models.weights import load_weights
from relume.response.curve import inverse_curve, lookup, sample_points
from relume.training.best import Best
from relume.training.cameras import portions
from relume.training.checkpoint import Progress, load_checkpoint
from relume.training.distributed import Place
from relume.training.dual_learning import (
    Curves,
    Dequantization,
    DualCurves,
    InverseTruncation,
    Overall,
    UnpairedOverall,
    UnpairedPath,
    iterated,
    normal_area_loss,
    quantized,
    targets,
    usable,
)
from relume.training.errors import TrainingError
from relume.training.loop import train
from relume.training.losses.corrected import corrected_error
from relume.training.losses.perceptual import Perceptual
from relume.training.objective import Batch, Objective
from relume.training.recipe import Recipe, RecipeSettings
from relume.training.recipes.duhdr import (
    duhdr,
    duhdr_innet,
    duhdr_innet_nnet,
    duhdr_innet_nnet_dnet,
    duhdr_itnet,
    duhdr_paired,
    duhdr_paper,
    duhdr_rfb,
    duhdr_unet,
)

ALONE = Place(rank=0, processes=1, processes_here=1, device=torch.device("cpu"))


@dataclass(frozen=True, kw_only=True)
class Shots(Dataset[dict[str, Tensor]]):
    """A bright blob in front of a ramp, through a square root and 8 bits."""

    seed: int = 0
    size: int = 64

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(self.seed * 7919 + index)
        x, y, stops = torch.rand(3, generator=generator).tolist()
        steps = torch.linspace(0.0, 1.0, self.size)
        distance = (steps[None] - x).square() + (steps[:, None] - y).square()
        light = 0.1 + 0.3 * steps[None] + 2 ** (3 * stops) * (-distance / 0.05).exp()
        hdr = light.expand(3, -1, -1) * torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1)
        sdr = (255 * hdr.clamp(0.0, 1.0).sqrt()).round() / 255
        return {"sdr": sdr, "hdr": hdr, "response": sample_points().float().sqrt()}


class Scaled(nn.Module):
    """Stands for a network: its input times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image: Tensor) -> Tensor:
        return image * self.factor


def batch() -> Batch:
    shots = [Shots()[index] for index in range(2)]
    return {name: torch.stack([shot[name] for shot in shots]) for name in shots[0]}


def networks(**parts: nn.Module) -> nn.ModuleDict:
    """A small DuHDR, parts of which are replaced."""
    torch.manual_seed(0)
    model = build("duhdr", preset="smoke").eval()
    for name, part in parts.items():
        owner = model.imaging if name == "nnet" else model
        setattr(owner, name, part)
    return nn.ModuleDict({"model": model})


def only_turn(objective: Objective, nets: nn.ModuleDict, data: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    (turn,) = objective.turns(nets, data)
    return turn.loss, turn.terms


def mean_square(difference: Tensor) -> Tensor:
    return difference.square().mean()


def test_targets_are_truncated_light_and_its_code() -> None:
    data = batch()
    found = targets(networks()["model"].imaging, data)
    assert torch.equal(found.truncated, truncate_base(data["hdr"]))
    torch.testing.assert_close(found.nonlinear, found.truncated.clamp(max=1.0).sqrt(), atol=2e-3, rtol=0)


def test_pictures_that_are_mostly_white_or_black_do_not_count() -> None:
    pictures = torch.full((4, 3, 4, 4), 0.5)
    pictures[0, :, :3] = 1.0
    pictures[1, :, :2] = 1.0  # just half
    pictures[2, :, 1:] = 6 / 255
    pictures[3, 0] = 1.0  # red alone is not white
    assert usable(pictures).flatten().tolist() == [0.0, 1.0, 0.0, 1.0]


def test_equation_3_rounds_and_passes_gradients() -> None:
    codes = torch.tensor([0.1001, 0.4999, 1.0]).view(1, 3, 1, 1).requires_grad_()
    result = quantized(codes)
    assert (255 * result).flatten().tolist() == pytest.approx([26.0, 127.0, 255.0])
    result.sum().backward()
    assert codes.grad.flatten().tolist() == [1.0, 1.0, 1.0]


def test_equations_4_and_5_dnet() -> None:
    data = batch()
    nets = networks(dnet=Scaled(0.9))
    found = targets(nets["model"].imaging, data)
    restored = 0.9 * data["sdr"]
    primary = mean_square(restored - found.nonlinear)
    loss, _ = only_turn(Dequantization(), nets, data)
    torch.testing.assert_close(loss, primary)
    loss, terms = only_turn(Dequantization(dual=10.0), nets, data)
    dual = mean_square((255 * restored + 0.5).floor() / 255 - data["sdr"])
    torch.testing.assert_close(terms["requantized"], dual)
    torch.testing.assert_close(loss, primary + 10.0 * dual)


def test_the_dual_term_of_dnet_has_a_gradient_through_rounding() -> None:
    nets = networks(dnet=Scaled(0.9))
    _, terms = only_turn(Dequantization(dual=10.0), nets, batch())
    (slope,) = torch.autograd.grad(terms["requantized"], nets["model"].dnet.factor)
    assert slope < -0.01  # brighter is better


def test_dnets_target_is_the_clean_picture_where_there_is_one() -> None:
    data = batch()
    clean = data["sdr"].square()
    found = targets(networks()["model"].imaging, data | {"clean": clean})
    assert torch.equal(found.nonlinear, clean)
    assert torch.equal(found.truncated, targets(networks()["model"].imaging, data).truncated)


def test_the_narrow_recipe_sees_every_camera_and_the_papers_one() -> None:
    narrow, wide = (make(RecipeSettings()).stages[0].data.parts for make in (duhdr, duhdr_paper))
    assert [share for _, share in narrow] == [part.share for part in portions()]
    assert all(pairs.clean for pairs, _ in narrow)
    assert any(pairs.fitted for pairs, _ in narrow)
    ((pairs, share),) = wide
    assert (share, pairs.clean, pairs.fitted) == (1.0, False, False)
    assert pairs.camera == replace(find("duhdr"), truncation=Clip())


def test_equations_11_and_12_curves_from_true_inputs() -> None:
    data = batch()
    nets = networks()
    model = nets["model"]
    found = targets(model.imaging, data)
    linearized = mean_square(model.innet(found.nonlinear) - found.truncated)
    encoded = mean_square(model.imaging.nnet(found.truncated) - found.nonlinear)
    assert linearized > 1e-4
    assert encoded > 1e-4
    torch.testing.assert_close(only_turn(Curves(), nets, data)[0], linearized + encoded)
    torch.testing.assert_close(only_turn(Curves(response=False), nets, data)[0], linearized)
    loss, terms = only_turn(Curves(response=False, curve=0.1), nets, data)
    error = mean_square(model.innet.curve(found.nonlinear) - inverse_curve(data["response"]))
    torch.testing.assert_close(loss, linearized + 0.1 * error)
    torch.testing.assert_close(terms["curve"], error)
    loss, _ = only_turn(Curves(curve=0.1), nets, data)
    back = mean_square(model.imaging.nnet.curve(found.truncated) - data["response"])
    torch.testing.assert_close(loss, linearized + encoded + 0.1 * (error + back))


@pytest.mark.parametrize(
    "objective", [Curves(curve=1.0), DualCurves(curve=1.0)], ids=["by themselves", "together"]
)
def test_curves_that_have_run_away_come_back(objective: Objective) -> None:
    nets, data = networks(), batch()
    model = nets["model"]
    heads = [model.innet.head.bias, model.imaging.nnet.head.bias]
    with torch.no_grad():
        heads[0][0] = heads[1][0] = -300.0  # what the repair leaves of such a curve hardly depends on it
    loss, _ = only_turn(objective, nets, data)
    assert all(slope[0] < -0.1 for slope in torch.autograd.grad(loss, heads))


def test_narrow_networks_learn_their_curves_from_log_light() -> None:
    data = batch()
    nets = networks()
    model = nets["model"]
    truth = targets(model.imaging, data)
    for objective, linearized in (
        (Curves(response=False, squared=False), model.innet(truth.nonlinear)),
        (DualCurves(response=0.0, dequantization=0.0, squared=False), model.innet(data["sdr"])),
    ):
        expected = ((linearized + 1 / 255).log() - (truth.truncated + 1 / 255).log()).abs().mean()
        torch.testing.assert_close(only_turn(objective, nets, data)[0], expected)


def test_equation_13_curves_follow_dnet_and_each_other() -> None:
    data = batch()
    nets = networks(dnet=Scaled(0.95))
    model = nets["model"]
    found = targets(model.imaging, data)
    restored = 0.95 * data["sdr"]
    linearized = model.innet(restored)
    primary = mean_square(linearized - found.truncated)
    secondary = mean_square(model.imaging.nnet(linearized) - found.nonlinear)
    dnet, _ = only_turn(Dequantization(dual=10.0), nets, data)
    loss, _ = only_turn(DualCurves(), nets, data)
    torch.testing.assert_close(loss, primary + 0.01 * secondary + 0.005 * dnet)
    loss, _ = only_turn(DualCurves(response=0.0, dequantization=0.0), nets, data)
    torch.testing.assert_close(loss, primary)


def test_equations_16_and_17_itnet() -> None:
    data = batch()
    nets = networks()
    model = nets["model"]
    found = targets(model.imaging, data)
    light = model.itnet(found.truncated)
    log = mean_square((light + 1 / 255).log() - (data["hdr"] + 1 / 255).log())
    loss, _ = only_turn(InverseTruncation(), nets, data)
    torch.testing.assert_close(loss, log)
    perceptual = Perceptual(features=vgg16(None), layers={"relu1_2": 1.0})
    loss, terms = only_turn(InverseTruncation(perceptual=perceptual), nets, data)
    torch.testing.assert_close(loss, log + 0.001 * terms["perceptual"])
    assert terms["perceptual"] > 0
    loss, terms = only_turn(InverseTruncation(normal=10.0), nets, data)
    torch.testing.assert_close(loss, log + 10.0 * terms["normal"])


def test_the_perceptual_loss_sees_what_the_mask_shows() -> None:
    perceptual = Perceptual(features=vgg16(None), layers={"relu2_2": 1.0})
    target = torch.rand(1, 3, 32, 32)
    changed = target.clone()
    changed[..., 24:] += 0.5
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :12] = 1.0
    assert perceptual(changed, target, mask=mask) == 0.0
    ones = torch.ones_like(mask)
    torch.testing.assert_close(perceptual(changed, target, mask=ones), perceptual(changed, target))
    torch.testing.assert_close(
        perceptual(changed, target, mask=0.5 * ones), 0.25 * perceptual(changed, target)
    )


def test_the_normal_area_loss_worked_by_hand() -> None:
    truncated = torch.tensor([0.5, 0.7]).expand(1, 3, 1, 2)
    hdr = torch.tensor([0.4, 8.0]).expand(1, 3, 1, 2)
    mask = torch.tensor([0.0, 0.5]).view(1, 1, 1, 2)
    one = torch.ones(1, 1, 1, 1)
    # (0.5 - 0.4)² and ((0.7 - 1)·(1 - 0.5))², over two pixels.
    loss = normal_area_loss(truncated, hdr, mask=mask, weight=one)
    assert float(loss) == pytest.approx((0.01 + 0.0225) / 2)
    assert normal_area_loss(truncated, hdr, mask=mask, weight=0 * one) == 0


def test_equations_18_and_19_go_round_three_times() -> None:
    model = networks()["model"]
    truncated = truncate_base(batch()["hdr"])
    mask = clipping_mask(truncated, threshold=0.95)
    seen, light = truncated, truncated
    for _ in range(3):
        light = truncated + mask * model.itnet.hallucinated(seen)
        seen = truncate_base(light)
    result = iterated(model.itnet, model.imaging, truncated, iterations=3)
    torch.testing.assert_close(result, light)
    once = iterated(model.itnet, model.imaging, truncated, iterations=1)
    torch.testing.assert_close(once, model.itnet(truncated))
    assert not torch.allclose(once, result)


def test_equation_24_the_whole_against_the_light() -> None:
    data, nets = batch(), networks()
    light = nets["model"](data["sdr"])
    torch.testing.assert_close(only_turn(Overall(), nets, data)[0], mean_square(light - data["hdr"]))
    logs = [(x + 1 / 255).log() for x in (light, data["hdr"])]
    loss, _ = only_turn(Overall(squared=False), nets, data)
    torch.testing.assert_close(loss, (logs[0] - logs[1]).abs().mean())
    both, terms = only_turn(Overall(squared=False, corrected=0.5), nets, data)
    torch.testing.assert_close(both, loss + 0.5 * corrected_error(light, data["hdr"]).mean())
    assert terms["corrected"] > 0


def test_equations_6_14_and_20_close_each_circle() -> None:
    sdr = batch()["sdr"]
    nets = networks(dnet=Scaled(0.99))
    model = nets["model"]
    first, second, third = UnpairedPath().turns(nets, {"sdr": sdr})
    assert [turn.optimizer for turn in (first, second, third)] == ["dnet", "curves", "itnet"]
    restored = 0.99 * sdr
    torch.testing.assert_close(first.loss, mean_square((255 * restored + 0.5).floor() / 255 - sdr))
    truncated = model.innet(restored)
    torch.testing.assert_close(second.loss, mean_square(model.imaging.nnet(truncated) - restored))
    light = iterated(model.itnet, model.imaging, truncated, iterations=3)
    torch.testing.assert_close(third.loss, mean_square(truncate_base(light) - truncated))
    assert all(turn.loss > 0 for turn in (first, second, third))


def test_equation_25_closes_the_whole_circle_with_a_gradient() -> None:
    sdr, nets = batch()["sdr"], networks()
    model = nets["model"]
    loss, _ = only_turn(UnpairedOverall(), nets, {"sdr": sdr})
    picture = model.imaging.nnet(truncate_base(model(sdr)))
    torch.testing.assert_close(loss, mean_square((255 * picture + 0.5).floor() / 255 - sdr))
    (slope,) = torch.autograd.grad(loss, model.oonet.head.weight)
    assert slope.abs().max() > 0


OBJECTIVES: dict[str, tuple[Callable[[], Objective], bool]] = {
    "dnet": (lambda: Dequantization(dual=10.0), True),
    "curves": (Curves, True),
    "dual curves": (DualCurves, True),
    "itnet": (lambda: InverseTruncation(normal=10.0, iterations=3), True),
    "whole": (Overall, True),
    "whole after the correction": (lambda: Overall(corrected=0.5), True),
    "unpaired": (UnpairedPath, False),
    "unpaired whole": (UnpairedOverall, False),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_pictures_that_do_not_count_have_no_loss(name: str) -> None:
    make, paired = OBJECTIVES[name]
    data = batch()
    data["sdr"] = torch.ones_like(data["sdr"])
    if not paired:
        data = {"sdr": data["sdr"]}
    assert all(turn.loss == 0 for turn in make().turns(networks(), data))


def small(settings: RecipeSettings, make: Callable[[RecipeSettings], object] = duhdr) -> object:
    recipe = make(settings)
    stages = tuple(replace(stage, data=Shots()) for stage in recipe.stages)
    return replace(recipe, preset="smoke", stages=stages, validation=Shots(seed=1), validation_pairs=1)


def test_two_steps_of_every_stage(tmp_path: Path) -> None:
    recipe = small(RecipeSettings(batch=2))
    assert [stage.name for stage in recipe.stages] == [
        "dnet", "dnet_dual", "curves", "curves_dual", "itnet", "itnet_dual", "oonet", "whole", "unpaired",
        "unpaired_oonet",
    ]  # fmt: skip
    stages = tuple(replace(stage, steps=2) for stage in recipe.stages)
    progress = train(replace(recipe, stages=stages), tmp_path, machine=MACHINE)
    assert (progress.total, progress.skipped) == (20, 0)
    assert progress.best is None
    assert {"pu_psnr", "clipped_stops", "restored", "truncated", "curve", "cycle"} <= set(
        progress.results["after"]
    )


def test_validation_of_exact_parts_is_exact() -> None:
    data = {name: tensor[:1] for name, tensor in batch().items()}
    nets = networks()
    model = nets["model"]
    assert isinstance(model, DuHDR)
    scores = Overall().validate(nets, data).numbers
    found = targets(model.imaging, data)
    error = (data["sdr"] - found.nonlinear).square().mean().sqrt()  # Dnet starts at the picture
    torch.testing.assert_close(scores["restored"][0], error)
    linearized = lookup(data["sdr"], model.innet.curve(data["sdr"]))
    torch.testing.assert_close(scores["truncated"][0], (linearized - found.truncated).square().mean().sqrt())


@pytest.mark.parametrize(
    ("make", "preset", "stages", "trained"),
    [
        (duhdr_innet, "compact_itnet_clip", 6, ("model.innet",)),
        (duhdr_innet_nnet, "compact_itnet_clip", 6, ("model.innet", "model.imaging.nnet")),
        (
            duhdr_innet_nnet_dnet,
            "compact_itnet_clip",
            6,
            ("model.innet", "model.imaging.nnet", "model.dnet"),
        ),
        (duhdr_itnet, "compact_itnet", 6, ("model.innet", "model.imaging.nnet", "model.dnet")),
        (duhdr_unet, "compact_unet", 8, ("model.innet", "model.imaging.nnet", "model.dnet")),
        (duhdr_rfb, "compact_rfb", 8, ("model.innet", "model.imaging.nnet", "model.dnet")),
        (duhdr_paired, "compact", 8, ("model.innet", "model.imaging.nnet", "model.dnet")),
        (duhdr_paper, "paper", 10, ("model.innet", "model.imaging.nnet", "model.dnet")),
    ],
)
def test_ablations_leave_out_what_they_say(
    make: Callable[[RecipeSettings], object], preset: str, stages: int, trained: tuple[str, ...]
) -> None:
    recipe = make(RecipeSettings())
    assert recipe.name == make.__name__
    assert recipe.preset == preset
    assert len(recipe.stages) == stages
    by_name = {stage.name: stage for stage in recipe.stages}
    curves = by_name["curves_dual"]
    assert curves.optimizers["model"].networks == trained
    assert (curves.objective.response > 0) == ("model.imaging.nnet" in trained)
    assert (curves.objective.dequantization > 0) == ("model.dnet" in trained)
    unpaired = [stage.keep_best for stage in recipe.stages if stage.name.startswith("unpaired")]
    assert unpaired in ([], ["pu_psnr"] * 2)


@pytest.mark.parametrize(
    ("make", "stages"),
    [
        (duhdr_itnet, ["itnet", "itnet_dual"]),
        (duhdr_unet, ["oonet", "whole"]),
        (duhdr_rfb, ["oonet", "whole"]),
        (duhdr_paired, ["oonet", "whole"]),
    ],
)
def test_ablations_of_oonet_can_go_on_where_another_duhdr_is(
    make: Callable[[RecipeSettings], Recipe], stages: list[str]
) -> None:
    start = SHIPPED_WEIGHTS / "duhdr.safetensors"
    recipe = make(RecipeSettings(steps=8, start=start))
    assert [stage.name for stage in recipe.stages] == stages
    assert sum(stage.steps for stage in recipe.stages) == 8
    assert not any(stage.optimizers["model"].settled for stage in recipe.stages)
    model, fresh = recipe.networks()["model"], replace(recipe, start=None).networks()["model"]
    trained, _ = load_weights(start)
    for part in ("dnet", "innet", "itnet", "imaging"):
        theirs = trained.get_submodule(part).state_dict()
        assert all(
            torch.equal(value, theirs[name]) for name, value in getattr(model, part).state_dict().items()
        )
    if model.oonet is not None:
        state = fresh.oonet.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in model.oonet.state_dict().items())
    with pytest.raises(TrainingError, match="whose dnet has other sizes than that of recipe"):
        replace(recipe, preset="smoke").networks()


def test_a_duhdr_can_go_on() -> None:
    start = SHIPPED_WEIGHTS / "duhdr.safetensors"
    recipe = duhdr(RecipeSettings(start=start))
    (whole,) = recipe.stages
    assert whole.name == "whole"
    assert whole.optimizers["model"].settled
    assert whole.optimizers["model"].networks == ("model.dnet", "model.itnet", "model.oonet")
    assert whole.average is not None
    assert isinstance(whole.objective, Overall)
    assert whole.objective.corrected > 0.0
    state = load_weights(start)[0].state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in recipe.networks()["model"].state_dict().items()
    )
    with pytest.raises(TrainingError, match="recipe duhdr trains duhdr"):
        replace(recipe, preset="smoke").networks()


def test_the_paper_trains_with_its_own_numbers() -> None:
    stages = {stage.name: stage for stage in duhdr_paper(RecipeSettings()).stages}
    assert stages["curves"].objective.squared
    assert stages["curves_dual"].objective.squared
    assert sum(stage.steps for stage in stages.values()) == 1_480_000
    assert {stage.batch for stage in stages.values()} == {8}
    assert stages["dnet_dual"].objective.dual == 10.0
    joint = stages["curves_dual"].objective
    assert (joint.response, joint.dequantization, joint.curve) == (0.01, 0.005, 0.0)
    joint = stages["itnet_dual"].objective
    assert (joint.perceptual_weight, joint.normal, joint.iterations) == (0.001, 10.0, 3)
    assert stages["whole"].objective.squared
    rates = {
        name: stage.optimizers["model"].learning_rate for name, stage in stages.items() if "un" not in name
    }
    assert (rates["dnet"], rates["itnet"], rates["itnet_dual"]) == (1e-4, 1e-4, 1e-5)


@pytest.mark.parametrize("steps", [1, 2, 7, 10, 999, 5000])
def test_steps_are_shared_out_exactly(steps: int) -> None:
    stages = duhdr(RecipeSettings(steps=steps)).stages
    assert sum(stage.steps for stage in stages) == steps
    planned = [stage.name for stage in duhdr(RecipeSettings()).stages]
    assert [stage.name for stage in stages] == planned[: len(stages)]


def test_the_best_is_kept_and_the_worse_is_not() -> None:
    nets, progress = nn.ModuleDict({"model": Scaled(1.0)}), Progress()
    best = Best(nets, score="pu_psnr")
    for factor, score in ((1.0, 20.0), (2.0, 21.0), (3.0, 19.0)):
        nets["model"].factor.data.fill_(factor)
        best.consider(nets, {"pu_psnr": score}, progress=progress, place=ALONE)
    assert progress.best == 21.0
    assert best.networks["model"].factor == 2.0
    with pytest.raises(TrainingError, match="keeps what has the best 'pu_psnr'; its objective scores other"):
        best.consider(nets, {"other": 1.0}, progress=progress, place=ALONE)


def test_a_stage_that_makes_it_worse_ends_where_it_began(tmp_path: Path) -> None:
    recipe = small(RecipeSettings(batch=2))
    stage = replace(recipe.stages[-2], steps=3, validate_every=2)
    rates = {
        name: replace(optimizer, learning_rate=0.3, clip=None) for name, optimizer in stage.optimizers.items()
    }
    recipe = replace(recipe, stages=(replace(stage, optimizers=rates),))
    progress = train(recipe, tmp_path, machine=MACHINE)
    assert progress.results["after"] == pytest.approx(progress.results["before"])
    with pytest.raises(TrainingError, match="keeps an average and its best"):
        replace(stage, average=0.9)


class Interrupted(Exception):
    pass


class Interrupting(Shots):
    """Fails once, at the fifth sample."""

    failed: list[int] = []  # noqa: RUF012

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if index == 4 and not self.failed:
            self.failed.append(index)
            raise Interrupted
        return super().__getitem__(index)


def test_what_is_best_survives_an_interruption(tmp_path: Path) -> None:
    recipe = small(RecipeSettings(batch=2))
    adam = replace(recipe.stages[-1].optimizers["model"], learning_rate=0.3, clip=None)
    stage = replace(
        recipe.stages[-1],
        steps=4,
        validate_every=1,
        data=Interrupting(),
        optimizers={"model": adam},
    )
    recipe = replace(recipe, stages=(stage,))
    Interrupting.failed.clear()
    with pytest.raises(Interrupted):
        train(recipe, tmp_path, machine=MACHINE)
    held = load_checkpoint(tmp_path)
    assert held.progress.step == 2
    assert held.progress.best == held.progress.results["before"]["pu_psnr"]
    progress = train(recipe, tmp_path, machine=MACHINE)
    assert progress.results["after"] == pytest.approx(progress.results["before"])
