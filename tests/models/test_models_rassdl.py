"""RASSDL: the encoding and its root, the region's target, the network, colour, and adaptation."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.image import Image
from relume.inference.runner import run
from relume.inference.tiling import tiles
from relume.models import build
from relume.models.learned import RassdlToneMapping, load
from relume.models.rassdl import HALO, PRESETS, SPEC, Rassdl, RassdlConfig, encode, key, knee, measure
from relume.models.rassdl_supervision import (
    LAYERS,
    adapted,
    blend_weight,
    divergence,
    equalized,
    regions,
    supervision_loss,
    whole_lightness,
)
from relume.models.vgg16 import vgg16
from relume.models.weights import Card, save_weights

TINY = RassdlConfig(width=4, dense=2)


def tiny() -> Rassdl:
    torch.manual_seed(0)
    return Rassdl(TINY).eval()


def scene(generator: torch.Generator, *size: int) -> Tensor:
    return torch.exp2(3.0 * torch.randn(*size, generator=generator))


def test_parameter_counts() -> None:
    with torch.device("meta"):
        counts = {
            name: sum(parameter.numel() for parameter in build("rassdl", preset=name).parameters())
            for name in PRESETS
        }
    assert counts["paper"] == 1_075_841
    assert counts["compact"] < 100_000


def test_the_encoded_mean_is_the_key(generator: torch.Generator) -> None:
    image = scene(generator, 3, 3, 60, 80)
    image[1] **= 2.0
    light = image.mean(1, keepdim=True)
    light = light / light.mean((-2, -1), keepdim=True)
    light = light - light.amin((-2, -1), keepdim=True)
    statistics = measure(image)
    encoded = encode(image, statistics)
    luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    luma = luma / luma.mean((-2, -1), keepdim=True)
    wanted = key(luma - luma.amin((-2, -1), keepdim=True))
    assert torch.allclose(encoded.mean((-2, -1), keepdim=True), wanted, atol=1e-4)
    assert encoded.amin().item() == 0.0
    assert encoded.amax((-3, -2, -1)).tolist() == pytest.approx([1.0] * 3)


def test_the_root_is_that_of_the_published_formula(generator: torch.Generator) -> None:
    """τ of ln(Y + τ), by bisection in float64, where Y is the light above its darkest plus 1e-8."""
    light = scene(generator, 1, 1, 40, 50).double()
    light = light / light.mean()
    light = light - light.min()
    y = light.numpy() + 1e-8
    logarithms = np.log(y + 1e-8)
    k = 0.4 * 1.2 ** (
        (2.0 * logarithms.mean() - logarithms.min() - logarithms.max())
        / (logarithms.max() - logarithms.min())
    )
    low, high = math.log(1e-8), math.log(1e4)
    for _ in range(80):
        tau = math.exp(0.5 * (low + high))
        encoded = (np.log(y + tau) - np.log(y.min() + tau)) / (np.log(y.max() + tau) - np.log(y.min() + tau))
        low, high = (math.log(tau), high) if encoded.mean() > k else (low, math.log(tau))
    assert key(light).item() == pytest.approx(k, rel=1e-9)
    assert knee(light, key(light)).item() == pytest.approx(tau + 1e-8, rel=1e-6)


@pytest.mark.parametrize("mean", [0.02, 0.33, 0.48, 0.9])
def test_the_root_is_found_from_afar_or_the_nearest_end_is_taken(mean: float) -> None:
    light = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    light[..., :4, :] = torch.linspace(0.0, 2.0, 8)
    wanted = torch.full((1, 1, 1, 1), mean, dtype=torch.float64)
    c = knee(light, wanted)
    encoded = (light / c).log1p() / (light.max() / c).log1p()
    assert bool(c.isfinite())
    # Half of the pixels are black, so the mean lies between that of the linear picture and 1/2.
    assert encoded.mean().item() == pytest.approx(min(max(mean, 0.25), 0.42), abs=0.01)


def test_a_batch_is_searched_as_its_pictures_are(generator: torch.Generator) -> None:
    images = scene(generator, 2, 3, 30, 40)
    images[1] **= 3.0
    together, alone = measure(images)["knee"], [measure(image[None])["knee"] for image in images]
    assert torch.allclose(together, torch.cat(alone), rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.3, 1e4])
def test_a_picture_without_contrast_is_encoded_as_the_key(value: float) -> None:
    image = torch.full((1, 3, 8, 8), value)
    assert torch.equal(encode(image, measure(image)), torch.full((1, 1, 8, 8), 0.4))


@pytest.mark.parametrize(
    ("bins", "loss", "weight"),
    [
        (1, 12.804, 0.0286),
        (16, 11.898, 0.0996),
        (32, 11.006, 0.271),
        (43, 10.413, 0.424),
        (64, 9.310, 0.6226),
        (128, 6.091, 0.6993),
        (256, 0.0, 0.7),
    ],
)
def test_information_and_blend(bins: int, loss: float, weight: float) -> None:
    """Values computed from the layer of the published code, for equally full bins."""
    levels = torch.arange(bins).repeat_interleave(256 if bins == 43 else 4096 // bins)
    patch = ((levels + 0.5) / 256.0).view(1, 1, -1, 1)
    found = divergence(patch)
    assert found.item() == pytest.approx(loss, abs=2e-3)
    assert blend_weight(found).item() == pytest.approx(weight, abs=2e-4)


def test_equalization_by_hand() -> None:
    # Codes 51, 51, 102, 204: cumulated 2, 3, 4; the table is 255 (c − 2) / (4 − 2) = 0, 128, 255.
    patch = torch.tensor([0.2, 0.2, 0.4, 0.8]).view(1, 1, 2, 2) + 1e-4
    expected = torch.tensor([0.0, 0.0, 128.0, 255.0]).view(1, 1, 2, 2) / 255.0
    assert torch.equal(equalized(patch), expected)


def test_equalization_leaves_a_region_without_contrast() -> None:
    assert torch.allclose(equalized(torch.full((1, 1, 4, 4), 0.3)), torch.tensor(76.0 / 255.0))


def test_equalization_flattens_the_histogram(generator: torch.Generator) -> None:
    patch = (0.2 + 0.7 * torch.rand(2, 1, 64, 64, generator=generator)).square()
    share = (equalized(patch)[0] < 0.25).float().mean()
    assert share.item() == pytest.approx(0.25, abs=0.05)


def test_the_loss_is_a_sum_over_regions(generator: torch.Generator) -> None:
    features = vgg16(None)
    patches, output = torch.rand(2, 2, 1, 16, 16, generator=generator)
    together = supervision_loss(output, patches, features)
    alone = [supervision_loss(output[i : i + 1], patches[i : i + 1], features) for i in range(2)]
    assert together.item() == pytest.approx(float(sum(alone)), rel=1e-4)


def test_the_loss_blends_two_distances(generator: torch.Generator) -> None:
    features = vgg16(None)
    patch, output = torch.rand(2, 1, 1, 16, 16, generator=generator)
    weight = blend_weight(divergence(patch)).item()

    def distance(target: Tensor) -> float:
        ours, theirs = (features(x.expand(-1, 3, -1, -1), frozenset(LAYERS)) for x in (output, target))
        return sum(
            factor * (ours[layer] - theirs[layer]).square().mean().item()
            for layer, factor in (("relu1_2", 1 / 4.096), ("relu2_2", 1 / 16.384), ("relu3_3", 1 / 65.536))
        )

    expected = (1.0 - weight) * distance(patch) + weight * distance(equalized(patch))
    assert supervision_loss(output, patch, features).item() == pytest.approx(expected, rel=1e-4)


def test_regions_are_as_many_as_in_the_published_code() -> None:
    assert regions(torch.rand(1, 1, 768, 512)).shape == (23 * 15, 1, 64, 64)
    assert regions(torch.rand(1, 1, 40, 100)).shape == (2, 1, 40, 64)


def test_colours_keep_half_of_their_saturation() -> None:
    """C_out = (C / Y)^0.5 L."""
    image = torch.rand(1, 3, 12, 16) + 0.2
    network = tiny()
    with torch.no_grad():
        lightness = network.lightness(encode(image, measure(image)))
        luma = (image * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
        expected = ((image / luma).sqrt() * lightness).clamp(0.0, 1.0)
        assert torch.allclose(network(image), expected, atol=1e-5)


def test_exposure_does_not_matter(generator: torch.Generator) -> None:
    image, network = scene(generator, 1, 3, 24, 32), tiny()
    with torch.no_grad():
        assert torch.allclose(network(image), network(64.0 * image), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e9])
def test_pictures_without_contrast_go_through(value: float) -> None:
    result = tiny()(torch.full((1, 3, 8, 8), value))
    assert bool(result.isfinite().all())


def test_no_frame_is_drawn_around_a_picture() -> None:
    network = tiny()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 0.05)
    encoded = torch.full((1, 1, 40, 40), 0.5)
    with torch.no_grad():
        lightness = network.lightness(encoded)
    assert lightness.shape == encoded.shape
    assert torch.allclose(lightness, lightness[..., 20:21, 20:21].expand_as(lightness), atol=1e-6)


def test_it_looks_as_far_as_its_halo() -> None:
    """One pixel for each convolution of 3×3, of which the paper's network has ten and the tiny one six."""
    encoded = torch.rand(1, 1, 31, 31, requires_grad=True)
    network = tiny()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 0.05)
    network.lightness(encoded)[0, 0, 15, 15].backward()
    rows = (encoded.grad[0, 0].abs().amax(1) > 0).nonzero().flatten()
    convolutions = TINY.dense + 4
    assert (int(rows.min()), int(rows.max())) == (15 - convolutions, 15 + convolutions)
    assert max(preset.dense for preset in PRESETS.values()) + 4 == HALO


def test_tiles_equal_the_whole(generator: torch.Generator) -> None:
    image = scene(generator, 1, 3, 90, 70)
    network = tiny()
    with torch.no_grad():
        whole, statistics = network(image), network.measure(image)
        for tile in tiles(90, 70, (32, 32), halo=HALO, multiple=1):
            part = tile.crop(network(tile.outer(image), statistics))
            assert (part - tile.inner(whole)).abs().max() <= SPEC.tolerance * whole.max()


def test_lightness_by_strips_is_lightness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relume.models.rassdl_supervision._ROWS", 16)
    encoded, network = torch.rand(1, 1, 50, 20), tiny()
    with torch.no_grad():
        assert torch.allclose(whole_lightness(network, encoded), network.lightness(encoded), atol=1e-6)


def test_adaptation_lowers_the_loss_and_leaves_the_network(generator: torch.Generator) -> None:
    image = scene(generator, 1, 3, 40, 48)
    encoded, features, network = encode(image, measure(image)), vgg16(None), tiny()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    other = adapted(network, encoded, steps=6, features=features)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    losses = [
        supervision_loss(which.train().lightness(encoded), encoded, features).item()
        for which in (network, other)
    ]
    assert losses[1] < losses[0]


def test_a_picture_can_be_adapted_to(tmp_path, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    card = Card(model="rassdl", preset="compact", spec={}, recipe={})
    save_weights(tmp_path / "w.safetensors", build("rassdl", preset="compact"), card=card)
    image = Image(scene(generator, 3, 40, 48), LINEAR_SCENE)
    plain, changed, again = (
        run(RassdlToneMapping(weights=str(tmp_path / "w.safetensors"), adapt=steps), image)
        for steps in (0, 2, 2)
    )
    assert changed.encoding == SRGB
    assert not torch.equal(changed.pixels, plain.pixels)
    assert torch.equal(changed.pixels, again.pixels)


def test_it_overfits_four_crops(generator: torch.Generator) -> None:
    patches = torch.rand(4, 1, 8, 8, generator=generator).repeat_interleave(4, -1).repeat_interleave(4, -2)
    target = patches.sqrt()
    torch.manual_seed(0)
    network = Rassdl(TINY).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    errors = []
    for _ in range(120):
        optimizer.zero_grad()
        error = (network.lightness(patches) - target).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.05 * errors[0]


def test_strength_goes_from_the_encoded_light_to_what_the_network_makes_of_it(
    generator: torch.Generator,
) -> None:
    image = 10.0 * torch.rand(1, 3, 24, 24, generator=generator)
    statistics = measure(image)
    network = load("rassdl").network(image)
    ends = {
        0.0: network(image, statistics | {"lightness": encode(image, statistics)}),
        1.0: network(image, statistics),
    }
    for strength, expected in ends.items():
        torch.testing.assert_close(RassdlToneMapping(strength=strength)(image), expected)
    assert (ends[0.0] - ends[1.0]).abs().max() > 0.01
