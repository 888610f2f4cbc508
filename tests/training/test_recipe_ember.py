"""Ember's objective against numbers worked out another way, and its gallery."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from relume.color.transfer import srgb
from relume.data.scenes import PanoramaScenes, SyntheticScenes
from relume.metrics import pu21
from relume.metrics.tone_curve import correct_tone_curve
from relume.models.cleaner import CleanerConfig
from relume.models.ember import Ember, EmberConfig
from relume.models.learned import SHIPPED_WEIGHTS
from relume.models.weights import load_weights
from relume.response.curve import sample_points
from relume.training.cameras import portions
from relume.training.code_cleaning import CodeCleaning
from relume.training.lost_light import LostLight
from relume.training.optim import Adam
from relume.training.recipe import RecipeSettings
from relume.training.recipes.ember import ember, ember_cleaner, ember_curve
from relume.training.supply import Gallery, supply

TINY = EmberConfig(widths=(8, 12), blocks=(1, 1), coefficients=4, side=64)


def networks() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"model": Ember(TINY)})


def batch(count: int = 2) -> dict[str, torch.Tensor]:
    """Pictures of an sRGB camera with a patch that is four times brighter than white."""
    torch.manual_seed(1)
    hdr = 0.05 + 0.8 * torch.rand(count, 3, 32, 32)
    hdr[..., 8:16, 8:24] = 4.0
    response = srgb.inverse_eotf(sample_points().float()).expand(count, -1)
    sdr = srgb.inverse_eotf(hdr.clamp(max=1.0))
    return {"sdr": sdr, "hdr": hdr, "response": response, "white": torch.ones(count)}


def test_terms_of_fresh_weights_are_those_of_the_unprocessed_input() -> None:
    terms = next(LostLight().turns(networks(), batch())).terms
    share = 8 * 16 / 32**2
    for peak in (1000.0, 10_000.0):
        shown = [pu21.encode(torch.tensor(203.0 * light)).item() for light in (1.0, min(4.0, peak / 203.0))]
        expected = math.log10(share * (shown[0] - shown[1]) ** 2 + 1.5)
        assert terms[f"light_{peak:g}"].item() == pytest.approx(expected, abs=1e-4)
    assert terms["stops"].item() == pytest.approx(2.0, abs=1e-5)
    assert terms["curve"].item() == pytest.approx(math.log10(2.5), abs=0.01)


def test_right_stops_leave_nothing_but_the_noise_floor() -> None:
    held = networks()
    with torch.no_grad():
        held["model"].head.bias.fill_(10.0 * math.atanh(0.2))
    terms = next(LostLight().turns(held, batch())).terms
    assert terms["stops"].item() == pytest.approx(0.0, abs=1e-4)
    assert terms["light_10000"].item() == pytest.approx(math.log10(1.5), abs=1e-3)


def test_curve_and_stops_do_not_disturb_one_another() -> None:
    """A wrong curve costs the curve's term only."""
    held, given = networks(), batch()
    before = next(LostLight().turns(held, given)).terms
    with torch.no_grad():
        held["model"].overview[-1].bias[-8:-4] = 1.0
    after = next(LostLight().turns(held, given)).terms
    assert after["curve"] > before["curve"] + 0.5
    assert torch.equal(after["light_1000"], before["light_1000"])


def test_the_whole_is_scored_after_the_tone_curve_correction() -> None:
    given = batch()
    for position, (light, response) in enumerate([(1.0, 1.0), (2.0, 1.2)]):
        given["hdr"][position] *= light
        given["sdr"][position] = given["sdr"][position].pow(response)
    terms = next(LostLight(peaks=(1000.0,)).turns(networks(), given)).terms
    errors = []
    for sdr, hdr in zip(given["sdr"], given["hdr"], strict=True):
        shown = 203.0 * hdr[:, ::2, ::2]
        corrected = correct_tone_curve(203.0 * srgb.eotf(sdr)[:, ::2, ::2], shown)
        units = pu21.encode(corrected.clamp(max=1000.0)) - pu21.encode(shown.clamp(max=1000.0))
        errors.append(math.log10(units.square().mean().item() + 0.3))
    assert errors[0] != pytest.approx(errors[1], abs=0.01)
    assert terms["corrected"].item() == pytest.approx(sum(errors) / 2, abs=1e-3)


def test_tone_mapped_pictures_count_only_as_a_whole_in_the_unit_of_an_exposure() -> None:
    held, given = networks(), batch(3)
    given["sdr"][1] = given["sdr"][1].pow(1.2)
    given["hdr"][1, :, 8:16, 8:24] = 8.0
    before = next(LostLight().turns(held, given)).terms
    mapped = {name: values.clone() for name, values in given.items()}
    mapped["hdr"][1] /= 50.0
    mapped["white"][1] = 50.0
    others = {name: values[[0, 2]] for name, values in given.items()}
    terms, expected = next(LostLight().turns(held, mapped)).terms, next(LostLight().turns(held, others)).terms
    assert terms["corrected"].item() == pytest.approx(before["corrected"].item(), abs=1e-4)
    for name in ("curve", "light_1000", "light_10000", "stops"):
        assert terms[name].item() == pytest.approx(expected[name].item(), abs=1e-5)
        assert before[name] > expected[name] + 0.01


def test_a_batch_of_tone_mapped_pictures_has_a_gradient() -> None:
    held, given = networks(), batch()
    turn = next(LostLight().turns(held, given | {"white": torch.tensor([0.5, 3.0])}))
    assert turn.terms["curve"] == turn.terms["stops"] == turn.terms["light_1000"] == 0.0
    turn.loss.backward()
    assert held["model"].overview[-1].bias.grad.abs().max() > 0.0


def test_most_of_a_wrong_curve_is_forgiven_after_the_correction() -> None:
    held, given = networks(), batch()
    with torch.no_grad():
        held["model"].head.bias.fill_(10.0 * math.atanh(0.2))
        right = next(LostLight().turns(held, given)).terms
        held["model"].overview[-1].bias[-8] = 0.2
        wrong = next(LostLight().turns(held, given)).terms
    assert right["corrected"].item() == pytest.approx(math.log10(0.3), abs=0.05)
    assert right["corrected"] + 1.0 < wrong["corrected"] < wrong["curve"] - 0.5


def test_weights_to_start_with_keep_their_cleaner() -> None:
    recipe = ember(RecipeSettings(start=SHIPPED_WEIGHTS / "ember.safetensors"))
    networks = recipe.networks()
    optimizer = recipe.stages[0].optimizers["model"]
    trained = {
        id(weight) for path in optimizer.networks for weight in networks.get_submodule(path).parameters()
    }
    left = [name for name, weight in networks.named_parameters() if id(weight) not in trained]
    assert left
    assert all(name.startswith("model.cleaner.") for name in left)


def test_it_learns_four_pictures_by_heart() -> None:
    held, given = networks(), batch(4)
    given["hdr"][1::2, :, 8:16, 8:24] *= 2.0
    given["sdr"][1::2, :, :8] *= 0.5
    given["hdr"][1::2, :, :8] = srgb.eotf(given["sdr"][1::2, :, :8])
    optimizer = Adam(learning_rate=3e-3).build(list(held.parameters()))
    losses = []
    for _ in range(120):
        turn = next(LostLight().turns(held, given))
        optimizer.zero_grad()
        turn.loss.backward()
        optimizer.step()
        losses.append(turn.terms["stops"].item())
    assert losses[0] > 2.0
    assert losses[-1] < 0.3


def test_the_cleaner_learns_what_noise_did() -> None:
    torch.manual_seed(2)
    held = nn.ModuleDict({"model": Ember(replace(TINY, cleaner=CleanerConfig(width=8)))})
    ramp = torch.linspace(0.2, 0.6, 32)
    hdr = srgb.eotf((ramp[:, None] + 0.5 * ramp).expand(4, 3, 32, 32).contiguous())
    codes = srgb.inverse_eotf(hdr) + torch.randn(hdr.shape) / 255.0
    given = {"sdr": codes, "clean": srgb.inverse_eotf(hdr)}
    fixed = {name: value.clone() for name, value in held.state_dict().items() if "cleaner" not in name}
    optimizer = Adam(learning_rate=1e-2).build(list(held["model"].cleaner.parameters()))
    terms = []
    for _ in range(200):
        turn = next(CodeCleaning().turns(held, given))
        optimizer.zero_grad()
        turn.loss.backward()
        optimizer.step()
        terms.append({name: value.item() for name, value in turn.terms.items()})
    # Noise of one code: a mean squared error of 1, and the floor.
    assert terms[0]["all"] == terms[0]["little"] == pytest.approx(math.log10(1.02), abs=0.03)
    assert terms[-1]["all"] < math.log10(0.4)
    assert terms[-1]["all"] < terms[-1]["little"] < math.log10(0.6)
    assert all(torch.equal(held.state_dict()[name], value) for name, value in fixed.items())


def test_the_cleaner_does_not_learn_from_what_is_clipped() -> None:
    held, given = nn.ModuleDict({"model": Ember(replace(TINY, cleaner=CleanerConfig()))}), batch()
    given["clean"] = given["sdr"] + 1.0 / 255.0
    before = next(CodeCleaning().turns(held, given)).terms
    given["clean"][..., 8:16, 8:24] = 0.5
    after = next(CodeCleaning().turns(held, given)).terms
    assert after == before


def test_the_cleaner_begins_with_ember_as_it_is() -> None:
    recipe = ember_cleaner(RecipeSettings(start=SHIPPED_WEIGHTS / "ember.safetensors"))
    state = recipe.networks()["model"].state_dict()
    shipped = load_weights(SHIPPED_WEIGHTS / "ember.safetensors")[0].state_dict()
    assert {name for name in state if not name.startswith("cleaner.")} == {
        name for name in shipped if not name.startswith("cleaner.")
    }
    assert all(torch.equal(state[name], value) for name, value in shipped.items() if "cleaner" not in name)


def test_the_cleaner_sees_every_camera_and_what_it_is_to_come_to() -> None:
    pairs = ember_cleaner(RecipeSettings()).stages[0].data
    assert [share for _, share in pairs.parts] == [part.share for part in portions()]
    assert all("clean" in part[0] for part, _ in pairs.parts)


def test_the_curve_is_learnt_alone_half_of_it_from_tone_mapped_pictures() -> None:
    recipe = ember_curve(RecipeSettings(start=SHIPPED_WEIGHTS / "ember.safetensors"))
    stage = recipe.stages[0]
    assert stage.optimizers["model"].networks == ("model.overview",)
    assert sum(share for pairs, share in stage.data.parts if pairs.fitted) == pytest.approx(0.5)
    started = load_weights(SHIPPED_WEIGHTS / "ember.safetensors")[0].state_dict()
    begun = recipe.networks()["model"].state_dict()
    assert all(torch.equal(begun[name], value) for name, value in started.items())


@pytest.mark.parametrize("tone_mapped", [0.2, 0.5])
def test_shares_of_the_cameras_are_the_whole(tone_mapped: float) -> None:
    mapped = [part.share for part in portions(tone_mapped) if part.fitted]
    assert sum(mapped) == pytest.approx(tone_mapped)
    assert sum(part.share for part in portions(tone_mapped)) == pytest.approx(1.0)


def test_cameras_are_all_of_them() -> None:
    assert len(ember(RecipeSettings()).stages[0].data.parts) == len(portions())


def test_a_gallery_hangs_views_once() -> None:
    scenes = Gallery(views=5, size=(24, 32)).of(SyntheticScenes(("day", "night")))
    again = Gallery(views=5, size=(24, 32)).of(SyntheticScenes(("day", "night")))
    assert len(scenes.photographs) == 5
    for left, right in zip(scenes.photographs, again.photographs, strict=True):
        assert left.shape == (3, 24, 32)
        assert left.dtype == torch.float16
        assert torch.equal(left, right)
        assert left.float().quantile(0.99).item() == pytest.approx(1.0, abs=0.15)


def test_related_views_are_of_one_panorama() -> None:
    panoramas = [torch.full((3, 16, 32), float(level)) for level in (1, 2, 3)]
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(12):
        views = PanoramaScenes(panoramas).draw_related(4, size=(6, 8), generator=generator)
        assert views.shape == (4, 3, 6, 8)
        assert views.max() - views.min() < 1e-4
        seen.add(round(views.mean().item()))
    assert seen == {1, 2, 3}


def test_recipes_of_one_process_share_what_they_train_on() -> None:
    first = supply(None)
    assert supply(None) is first
    assert supply(None, gallery=Gallery(views=8, size=(16, 16))) is not first
