"""Region maps, the curve, SParam-Net and ConvLSTM-Net: equations, sizes, tiles, learning."""

import math

import pytest
import torch
from torch import Tensor

from relume.inference.tiling import tiles
from relume.models import build
from relume.models.region_maps import band_thresholds, region_maps
from relume.models.s_curve import inverse_s_curve
from relume.models.sparam_convlstm import (
    PAPER,
    SPEC,
    ConvLstmCell,
    ConvLstmNet,
    SparamConvLstm,
    SparamConvLstmConfig,
    SparamNet,
    halo,
)

TINY = SparamConvLstmConfig(
    trunk=(4, 4, 4, 4, 4), nodes=16, side=16, peak=2.0, hidden=4, features=6, shrunk=4
)


def tiny() -> SparamConvLstm:
    torch.manual_seed(0)
    return SparamConvLstm(TINY).eval()


def maps_of(image: Tensor, bands: int = 5) -> Tensor:
    return torch.stack(region_maps(image, band_thresholds(image, bands=bands)))


def codes(generator: torch.Generator, height: int = 20, width: int = 30) -> Tensor:
    """An 8-bit picture with a blown sky and a black corner."""
    image = torch.rand(1, 3, height, width, generator=generator).pow(2.0)
    image[..., :8, :] = 1.0
    image[..., -3:, :5] = 0.0
    return (image * 255.0).round() / 255.0


@pytest.mark.parametrize("bands", [3, 4, 5, 6, 7])
def test_bands_are_those_of_the_cumulated_histogram(bands: int, generator: torch.Generator) -> None:
    image = codes(generator)
    maps, pixels = maps_of(image, bands), image[0, 0].numel()
    for channel in range(3):
        values = image[0, channel]
        for value in values.unique():
            count = int((values <= value).sum())
            band = bands + 1 - math.ceil(bands * count / pixels)
            place = values == value
            assert torch.equal(maps[band - 1, 0, channel][place], values[place])


@pytest.mark.parametrize("bands", [3, 5, 7])
def test_bands_are_disjoint_and_add_up(bands: int, generator: torch.Generator) -> None:
    image = codes(generator)
    maps = maps_of(image, bands)
    assert torch.equal(maps.sum(0), image)
    assert int((maps != 0).sum(0).max()) == 1


@pytest.mark.parametrize("bands", [3, 4, 5, 7])
def test_bands_hold_equally_many_pixels_where_no_value_is_twice(
    bands: int, generator: torch.Generator
) -> None:
    image = (torch.randperm(600, generator=generator).float() + 1.0).view(1, 1, 20, 30).expand(1, 3, 20, 30)
    for region in maps_of(image, bands):
        assert abs(int((region[0, 0] > 0).sum()) - 600 / bands) <= 1


def test_the_lightest_value_is_in_the_first_band(generator: torch.Generator) -> None:
    image = codes(generator)
    first = maps_of(image)[0]
    assert torch.equal(first[image == 1.0], image[image == 1.0])


def test_bands_do_not_depend_on_exposure_or_response(generator: torch.Generator) -> None:
    image = codes(generator).double()
    for change in (lambda x: 0.5 * x, lambda x: (3.0 * x).expm1(), torch.sqrt):
        assert torch.equal(maps_of(image) > 0, maps_of(change(image)) > 0)


def test_the_channels_have_bands_of_their_own(generator: torch.Generator) -> None:
    image = codes(generator)
    other = image.clone()
    other[:, 1] = other[:, 1].square()
    assert torch.equal(maps_of(image)[:, :, [0, 2]], maps_of(other)[:, :, [0, 2]])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_picture_of_one_value_is_one_band(value: float) -> None:
    maps = maps_of(torch.full((1, 3, 4, 4), value))
    assert torch.equal(maps[0], torch.full((1, 3, 4, 4), value))
    assert not maps[1:].any()


def curve(sdr: Tensor, peak: float, white: float) -> Tensor:
    picture = sdr.view(1, 1, 1, -1).expand(1, 3, 1, -1)
    result = inverse_s_curve(
        picture, peak=sdr.new_full((1, 1, 1, 1), peak), white=sdr.new_full((1, 3, 1, 1), white)
    )
    return result[0, 0, 0]


@pytest.mark.parametrize(("peak", "white"), [(3.6, 22.0), (1.0, 0.4), (50.0, 100.0), (2.0, 1.0)])
def test_the_curve_inverts_reinhards_extended_operator(peak: float, white: float) -> None:
    """L = a Lw / Lmean with a / Lmean = Lwhite / L′max; Ld = L (1 + L / Lwhite²) / (1 + L)."""
    sdr = torch.linspace(0.0, 1.0, 256, dtype=torch.float64)
    scaled = curve(sdr, peak, white) * white / peak
    forward = scaled * (1.0 + scaled / white**2) / (1.0 + scaled)
    assert torch.allclose(forward, sdr, atol=1e-12)


def test_the_curve_is_the_closed_form_of_the_paper() -> None:
    sdr = torch.linspace(0.0, 1.0, 256, dtype=torch.float64)
    peak, white = 3.6, 22.0
    expected = 0.5 * peak * white * (sdr - 1.0 + ((1.0 - sdr).square() + 4.0 * sdr / white**2).sqrt())
    assert torch.allclose(curve(sdr, peak, white), expected, atol=1e-12)
    assert curve(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64), 3.6, 22.0).tolist() == pytest.approx(
        [0.0182, 0.163, 1.2693], rel=5e-3
    )


def test_a_white_of_1_is_a_straight_line_and_white_becomes_the_peak() -> None:
    sdr = torch.linspace(0.0, 1.0, 11)
    assert torch.allclose(curve(sdr, 3.0, 1.0), 3.0 * sdr)
    for white in (0.1, 1.0, 5.0, 100.0):
        assert curve(sdr, 3.0, white)[[0, -1]].tolist() == pytest.approx([0.0, 3.0])


def test_the_darkest_code_is_exact_in_float32() -> None:
    """Where the closed form of the paper is 1.6 % off."""
    sdr = torch.tensor([1.0 / 255.0])
    exact = curve(sdr.double(), 3.6, 100.0).item()
    assert curve(sdr, 3.6, 100.0).item() == pytest.approx(exact, rel=1e-6)


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count(ConvLstmNet(PAPER)) == 208_931
    assert count(ConvLstmCell(6, 64)) == 161_536
    assert count(ConvLstmCell(64, 6)) == 15_144
    layers = [(18, 64), (64, 64), (64, 128), (128, 128), (128, 256), *[(256, 256)] * 2]
    layers += [(256, 512), *[(512, 512)] * 5]
    expected = sum(9 * i * o + o for i, o in layers) + 102_764_544 + 16_781_312 + 16_388
    assert expected == 134_285_572
    with torch.device("meta"):
        monkeypatch.setattr(Tensor, "copy_", lambda self, other: self)
        assert count(SparamNet(PAPER)) == expected


def test_sparam_net_has_four_poolings_and_starts_at_its_peak() -> None:
    network = tiny().sparam
    assert sum(isinstance(layer, torch.nn.MaxPool2d) for layer in network.modules()) == 4
    peak, white = network(torch.rand(2, 18, 16, 16))
    assert (peak.shape, white.shape) == ((2, 1, 1, 1), (2, 3, 1, 1))
    assert peak.flatten().tolist() == pytest.approx([2.0, 2.0], rel=0.05)
    assert white.flatten().tolist() == pytest.approx([5.0] * 6, rel=0.05)


def test_a_recurrent_step_by_hand() -> None:
    cell = ConvLstmCell(1, 1)
    torch.nn.init.zeros_(cell.gates.weight)
    torch.nn.init.zeros_(cell.gates.bias)
    # The entrance, forget and exit gates stand at 1/2; the candidate is tanh of the input's centre.
    cell.gates.weight.data[3, 0, 1, 1] = 1.0
    picture = torch.full((1, 1, 3, 3), 0.7)
    first, second = (state.detach()[0, 0, 1, 1].item() for state in cell([picture, picture]))
    memory = 0.5 * math.tanh(0.7)
    assert first == pytest.approx(0.5 * math.tanh(memory))
    assert second == pytest.approx(0.5 * math.tanh(1.5 * memory))


def test_bands_are_read_from_bright_to_dark(generator: torch.Generator) -> None:
    network, image, seen = tiny(), codes(generator), []
    network.convlstm.first.register_forward_hook(lambda _, given, __: seen.extend(given[0]))
    network(image)
    statistics = network.measure(image)
    pseudo = network.pseudo_hdr(image, statistics)
    assert len(seen) == 5
    for picture, region in zip(seen, maps_of(image), strict=True):
        assert torch.equal(picture, torch.cat([pseudo, region], dim=1))


def test_gradients_reach_sparam_net_through_the_pseudo_hdr(generator: torch.Generator) -> None:
    network = tiny()
    network(codes(generator)).mean().backward()
    assert all(parameter.grad is not None for parameter in network.sparam.parameters())
    assert float(network.sparam.estimate[-1].bias.grad.abs().max()) > 0.0


def test_the_first_weights_make_about_the_pseudo_hdr_picture(generator: torch.Generator) -> None:
    network, image = build("sparam_convlstm", preset="compact").eval(), codes(generator)
    with torch.no_grad():
        statistics = network.measure(image)
        pseudo = network.pseudo_hdr(image, statistics)
        result = network.reconstruct(image, pseudo, statistics)
    # Two tangents lower the highlights; the order of values and the colours' places stay.
    ratio = result[pseudo > 0.0] / pseudo[pseudo > 0.0]
    assert 0.7 < float(ratio.min()) < float(ratio.max()) < 1.01
    assert torch.equal(result.flatten(2).argsort(stable=True), pseudo.flatten(2).argsort(stable=True))


def test_it_looks_as_far_as_its_halo() -> None:
    network = tiny().double()
    for parameter in network.convlstm.parameters():
        torch.nn.init.constant_(parameter, 0.05)
    image = torch.rand(1, 3, 41, 41, dtype=torch.float64)
    statistics = network.measure(image)
    image.requires_grad_()
    pseudo = network.pseudo_hdr(image, statistics)
    network.reconstruct(image, pseudo, statistics)[0, :, 20, 20].sum().backward(inputs=[image])
    rows = (image.grad[0].abs().amax((0, 1)) > 0).nonzero().flatten()
    assert (int(rows.min()), int(rows.max())) == (20 - 16, 20 + 16)
    assert halo(5) == 16


def test_tiles_equal_the_whole(generator: torch.Generator) -> None:
    image, network = codes(generator, 90, 80), tiny()
    with torch.no_grad():
        whole, statistics = network(image), network.measure(image)
        for tile in tiles(90, 80, (32, 32), halo=halo(5), multiple=1):
            part = tile.crop(network(tile.outer(image), statistics))
            assert (part - tile.inner(whole)).abs().max() <= SPEC.tolerance * whole.max()


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (50, 200)])
def test_any_size_is_measured(size: tuple[int, int]) -> None:
    statistics = tiny().measure(torch.rand(1, 3, *size))
    assert bool(torch.stack([value.isfinite().all() for value in statistics.values()]).all())


def test_the_number_of_bands_is_that_of_the_preset() -> None:
    network = build("sparam_convlstm", preset="compact_n3")
    assert network.bands == 3
    assert network.sparam.trunk[0].in_channels == 12


def test_it_overfits_four_crops(generator: torch.Generator) -> None:
    steps = torch.linspace(-1.0, 1.0, 16)
    distance = steps[None].square() + steps[:, None].square()
    light = torch.stack([0.1 + height * (-distance / 0.3).exp() for height in (0.5, 1.0, 2.0, 4.0)])
    hdr = light[:, None].expand(-1, 3, -1, -1)
    sdr = hdr.clamp(max=1.0).sqrt()
    network = tiny()
    # The rate of the recipe: ten times more drives the last rectifier below 0 everywhere, where it stays.
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4)
    errors = []
    for _ in range(400):
        optimizer.zero_grad()
        error = (network(sdr) - hdr).abs().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert min(errors[-5:]) < 0.15 * errors[0]
