"""Ember: begins at the unprocessed input, never falls, leaves alone what is not clipped, at any size."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from relume.color.encoding import SRGB
from relume.color.transfer import srgb
from relume.image import Image
from relume.inference.runner import run
from relume.models import build
from relume.models.ember import MOST_CODES, Ember, measured_curves
from relume.models.learned import EmberExpansion
from relume.models.weights import Card, save_weights
from relume.response.curve import sample_points
from relume.response.joint import joint_codes


@pytest.fixture
def fresh() -> Ember:
    torch.manual_seed(0)
    network = build("ember", preset="smoke")
    assert isinstance(network, Ember)
    return network.eval()


@pytest.fixture
def restless(fresh: Ember) -> Ember:
    """With weights that do something everywhere."""
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return fresh


def _picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Smooth, with a clipped patch where it is large enough."""
    noise = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    picture = functional.interpolate(noise, size=(height, width), mode="bilinear") * 0.9
    picture[..., : height // 3, : width // 3] = 1.0
    return picture


def test_parameters() -> None:
    assert sum(p.numel() for p in build("ember", preset="base").parameters()) == 5_007_748
    assert sum(p.numel() for p in build("ember", preset="full").parameters()) == 5_007_748 + 3_456


@pytest.mark.parametrize("size", [(1, 1), (3, 130), (48, 64), (75, 101), (200, 300)])
def test_fresh_weights_give_the_unprocessed_input(fresh: Ember, size: tuple[int, int]) -> None:
    picture = _picture(*size)
    torch.testing.assert_close(fresh(picture), srgb.eotf(picture), rtol=2e-3, atol=2e-5)


def test_curves_rise_from_0_to_1_whatever_the_weights(restless: Ember) -> None:
    torch.manual_seed(1)
    greys, channels = 3.0 * torch.randn(2, 5, 4)
    curves = restless._curves(torch.cat([greys, channels - greys], dim=1))
    assert curves.shape[:2] == (5, 2)
    assert (curves[..., 0] == 0).all()
    assert (curves[..., -1] == 1).all()
    assert (curves.diff(dim=-1) >= 0).all()
    assert (curves.diff(dim=-1) > 0).float().mean() > 0.95


def test_channels_go_through_the_curve_of_greys_until_told_otherwise(restless: Ember) -> None:
    coefficients = torch.randn(2, 4)
    silent = restless._curves(torch.cat([coefficients, torch.zeros(2, 4)], dim=1))
    assert torch.equal(silent[:, 0], silent[:, 1])
    told = restless._curves(torch.cat([coefficients, -coefficients], dim=1))
    assert torch.equal(told[:, 0], silent[:, 0])
    nodes = sample_points(told.shape[-1]).float()
    torch.testing.assert_close(told[:, 1], srgb.eotf(nodes).expand(2, -1), rtol=1e-4, atol=1e-6)


def test_what_is_not_clipped_goes_through_the_curve_and_stays_within_a_code(restless: Ember) -> None:
    picture = _picture(60, 80)
    statistics = restless.measure(picture)
    with torch.no_grad():
        light = restless(picture, statistics)
    again = joint_codes(light, measured_curves(statistics))
    unclipped, cleaned = picture <= restless.config.threshold, restless.cleaned(picture)
    assert (again - cleaned)[unclipped].abs().max() < 0.5 / 255.0
    assert 0.0 < (cleaned - picture).abs().max() < 1.0 / 255.0
    assert (light - again)[~unclipped].abs().max() > 0.01


def test_large_pictures_are_looked_at_on_a_small_copy(restless: Ember) -> None:
    """A picture made of 4×4 equal pixels is understood as its quarter."""
    quarter = _picture(48, 64)
    picture = quarter.repeat_interleave(4, -1).repeat_interleave(4, -2)
    small, large = restless.measure(quarter), restless.measure(picture)
    torch.testing.assert_close(large["curves"], small["curves"])
    torch.testing.assert_close(large["stops"], small["stops"])
    assert large["stops"].shape == (1, 3, 48, 64)


def test_gradients_reach_every_weight(restless: Ember) -> None:
    stops, curves = restless.estimate(_picture(64, 64))
    cleaned = restless.cleaned(_picture(64, 64))
    (stops.square().mean() + curves.square().mean() + cleaned.square().mean()).backward()
    for name, parameter in restless.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_method_and_its_parameters(restless: Ember, tmp_path: Path) -> None:
    path = tmp_path / "ember.safetensors"
    save_weights(path, restless, card=Card(model="ember", preset="smoke", spec={}, recipe={}))
    image = Image(_picture(60, 80)[0], SRGB)

    def result(**parameters: object) -> torch.Tensor:
        return run(EmberExpansion(weights=str(path), **parameters), image).pixels

    screen = result(response="srgb")
    below = image.pixels <= restless.config.threshold
    torch.testing.assert_close(screen[below], srgb.eotf(image.pixels)[below])
    torch.testing.assert_close(result(response="srgb", highlights=0.0), srgb.eotf(image.pixels))
    torch.testing.assert_close(result(), result(), rtol=0.0, atol=0.0)
    free, bound = result(response="srgb"), result(response="srgb", peak=250.0)
    assert free.max() > 250.0 / 203.0
    assert bound.max() <= 250.0 / 203.0
    whole = (free.amax(0) <= 1.0).expand_as(free)
    torch.testing.assert_close(bound[whole], free[whole])
    hues = [picture / picture.amax(0, keepdim=True) for picture in (free, bound)]
    torch.testing.assert_close(hues[0], hues[1])


@pytest.fixture
def weights(restless: Ember, tmp_path: Path) -> str:
    path = tmp_path / "ember.safetensors"
    save_weights(path, restless, card=Card(model="ember", preset="smoke", spec={}, recipe={}))
    return str(path)


@pytest.mark.parametrize("panorama", [False, True])
def test_strips_give_what_the_whole_gives(weights: str, panorama: bool) -> None:
    picture = _picture(400, 300)
    method = EmberExpansion(weights=weights, panorama=panorama, cleaning=0.0)
    with torch.no_grad():
        whole, masks = method(picture)[0], method.mask(picture)[0]
    result = run(method, Image(picture[0], SRGB), masks=True)
    assert torch.equal(result.pixels, whole)
    for name, mask in zip(method.spec.masks, masks, strict=True):
        assert torch.equal(result.masks[name], ((mask * 255).round() / 255).half())


def test_tiles_give_what_the_whole_gives(weights: str) -> None:
    picture = _picture(601, 1103)
    method = EmberExpansion(weights=weights)
    with torch.no_grad():
        whole = method(picture)[0]
    result = run(method, Image(picture[0], SRGB)).pixels
    torch.testing.assert_close(result, whole, rtol=0.0, atol=method.spec.tolerance)


def test_cleaning_can_be_asked_for(weights: str) -> None:
    picture = Image(_picture(60, 90)[0], SRGB)

    def cleaned(codes: float) -> torch.Tensor:
        return run(EmberExpansion(weights=weights, cleaning=codes), picture).pixels

    little, more = ((cleaned(codes) - cleaned(0.0)).abs().max() for codes in (0.1, 4.0))
    assert 0.0 < little < more
    assert torch.equal(cleaned(MOST_CODES), run(EmberExpansion(weights=weights), picture).pixels)
    large = Image(picture.pixels.repeat(1, 40, 30), SRGB)  # 6.5 megapixels
    pair = [run(EmberExpansion(weights=weights, cleaning=codes), large).pixels for codes in (None, 0.0, 0.95)]
    assert torch.equal(pair[0], pair[1])
    assert not torch.equal(pair[0], pair[2])
    for unchanged in ({"panorama": True}, {"response": "srgb"}):
        pair = [
            run(EmberExpansion(weights=weights, cleaning=codes, **unchanged), picture).pixels
            for codes in (0.0, 4.0)
        ]
        assert torch.equal(*pair)


def test_what_is_measured_does_not_grow_with_the_picture(weights: str) -> None:
    statistics = EmberExpansion(weights=weights).measure(_picture(600, 800))
    assert max(value.numel() for value in statistics.values()) <= 3 * 64 * 64


def test_masks_tell_what_was_clipped_and_what_was_invented(weights: str) -> None:
    picture = Image(_picture(60, 90)[0], SRGB)
    result = run(EmberExpansion(weights=weights), picture, masks=True)
    clipped, confidence = (result.masks[name].float() for name in ("clipped", "confidence"))
    own = (picture.pixels <= 0.94).all(0)
    assert (clipped[own] == 0.0).all()
    assert (confidence[own] == 1.0).all()
    assert (clipped[:20, :30] == 1.0).all()
    assert (confidence[:20, :30] < 0.51).all()
    assert (confidence > 0.0).all()
    none = run(EmberExpansion(weights=weights, highlights=0.0), picture, masks=True).masks["confidence"]
    assert ((none[:20, :30] - 0.5).abs() < 0.01).all()
    assert run(EmberExpansion(weights=weights), picture).masks == {}


@pytest.mark.parametrize(("width", "panorama"), [(60, False), (61, False), (60, True)])
def test_the_mirrored_picture_gives_the_mirrored_result(weights: str, width: int, panorama: bool) -> None:
    picture = _picture(40, width)[0]
    method = EmberExpansion(weights=weights, panorama=panorama, cleaning=0.0)
    result = run(method, Image(picture, SRGB)).pixels
    mirrored = run(method, Image(picture.flip(-1), SRGB)).pixels
    torch.testing.assert_close(mirrored.flip(-1), result)
    assert not torch.allclose(result.flip(-1), result, rtol=1e-2)


def test_a_panorama_turned_by_half_gives_the_result_turned_by_half(weights: str) -> None:
    panorama = _picture(128, 256)[0]
    method = EmberExpansion(weights=weights, panorama=True)
    result = run(method, Image(panorama, SRGB)).pixels
    turned = run(method, Image(panorama.roll(128, -1), SRGB)).pixels
    torch.testing.assert_close(turned.roll(-128, -1), result)
    flat = run(EmberExpansion(weights=weights), Image(panorama.roll(128, -1), SRGB)).pixels
    assert not torch.allclose(flat.roll(-128, -1), result, rtol=1e-3)


def test_a_panorama_has_no_seam(weights: str) -> None:
    """Above what is not clipped, at the left alone: across the seam the light steps less than elsewhere."""
    white = Image(torch.ones(3, 128, 256), SRGB)
    white.pixels[:, 64:, :32] = 0.2
    steps = {}
    for panorama in (False, True):
        light = run(EmberExpansion(weights=weights, panorama=panorama), white).pixels[:, :48].log2()
        seam = (light[..., 0] - light[..., -1]).abs()
        steps[panorama] = float(seam.mean() / light.diff(dim=-1).abs().mean())
    assert 2.0 * steps[True] < steps[False] < 1.0
