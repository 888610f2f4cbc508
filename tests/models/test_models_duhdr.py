"""DuHDR's networks: the sizes of the paper, each equation, and pictures of any size."""

import pytest
import torch
from torch.nn import functional

from relume.camera.truncation import BaseDetail, Clip
from relume.filters.base_detail import truncate_base
from relume.inference.tiling import tiles
from relume.models import build
from relume.models.duhdr import imaging as secondary
from relume.models.duhdr.dequantization import Dnet
from relume.models.duhdr.imaging import Imaging, ImagingConfig
from relume.models.duhdr.inverse_truncation import ITnet, clipping_mask, fusion
from relume.models.duhdr.measuring_copy import LARGEST, measuring_copy
from relume.models.duhdr.network import HALO, SPEC, DuHDR
from relume.models.duhdr.optimization import (
    MultiScaleAttention,
    OOnet,
    OOnetConfig,
    ReceptiveFieldBlock,
)
from relume.models.duhdr.response_curve import CurveNet, described, sobel, soft_histogram
from relume.models.vgg16 import vgg16
from relume.response.basis import own_basis
from relume.response.curve import lookup, monotone


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shaken(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """With last layers that are not zero and statistics that are not trivial, so that all of it acts."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if "head" in name and parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.02, generator=generator)
    for name, buffer in network.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def duhdr(preset: str = "smoke") -> DuHDR:
    torch.manual_seed(0)
    return shaken(build("duhdr", preset=preset))


@pytest.mark.parametrize(("preset", "oonet", "total"), [
    ("paper", 2_553_479, 30_323_347),
    ("paper_plain", 3_046_659, 30_816_527),
])  # fmt: skip
def test_the_paper_size_has_the_parameters_of_the_paper(preset: str, oonet: int, total: int) -> None:
    with torch.device("meta"):
        parts = [Dnet(16), ITnet(64, 0.95), OOnet(OOnetConfig(rfb=preset == "paper"))]
    parts.insert(1, CurveNet(64, own_basis(inverse=True), momentum=0.001))
    counts = [count(part) for part in parts]
    assert counts == [1_999_779, 1_200_971, 24_569_118, oonet]
    assert sum(counts) == total
    network = build("duhdr", preset=preset)
    assert [count(network.get_submodule(n)) for n in ("dnet", "innet", "itnet", "oonet")] == counts


def test_receptive_field_blocks_have_the_weights_of_the_published_code() -> None:
    sizes = [(16, 32), (32, 64), (64, 128), (128, 128)]
    weights = [
        sum(p.numel() for p in ReceptiveFieldBlock(*size).parameters() if p.ndim == 4) for size in sizes
    ]
    assert weights == [1_690, 6_760, 27_040, 79_488]
    assert count(MultiScaleAttention(128)) == 1_779_712


def test_dnet_starts_at_the_picture_and_stays_in_range() -> None:
    sdr = torch.rand(1, 3, 32, 48)
    assert torch.equal(Dnet(4)(sdr), sdr)
    result = shaken(Dnet(4))(sdr)
    assert not torch.equal(result, sdr)
    assert 0.0 <= result.min() <= result.max() <= 1.0


def test_curves_start_at_the_mean_of_their_basis() -> None:
    basis = own_basis(inverse=True)
    net = CurveNet(8, basis, momentum=0.1).eval()
    image = torch.rand(2, 3, 32, 32)
    expected = monotone(basis.mean.float()[None])[0]
    torch.testing.assert_close(net.curve(image)[1], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(net(image), lookup(image, net.curve(image)))


def test_a_curve_is_mean_and_coefficients_times_basis_repaired() -> None:
    basis = own_basis()
    net = CurveNet(8, basis, momentum=0.1).eval()
    torch.nn.init.normal_(net.head.bias, std=0.05)
    curve = net.curve(torch.rand(1, 3, 32, 32))
    raw = basis.mean + net.head.bias.detach().double() @ basis.vectors[:11]
    torch.testing.assert_close(curve, monotone(raw[None]).float(), atol=1e-5, rtol=0)
    steep = net.head.bias.data.normal_(std=3.0)
    assert steep.abs().max() > 1.0
    curve = net.curve(torch.rand(1, 3, 32, 32))
    assert (curve.diff() >= 0.0).all()
    assert curve[0, 0] == 0.0
    assert curve[0, -1] == 1.0


def test_the_description_has_102_channels_that_are_what_they_say() -> None:
    image = torch.rand(1, 3, 8, 8)
    features = described(image)
    assert features.shape[1] == 102
    torch.testing.assert_close(features[:, :3], image)
    histogram = soft_histogram(image, bins=4).view(1, 3, 5, 8, 8)
    torch.testing.assert_close(histogram.sum(2), torch.ones(1, 3, 8, 8))
    worked = soft_histogram(torch.full((1, 3, 1, 1), 0.3), bins=4).flatten()[:5]
    torch.testing.assert_close(worked, torch.tensor([0.0, 0.8, 0.2, 0.0, 0.0]))


def test_sobel_of_a_ramp_is_eight_times_its_slope() -> None:
    along = torch.arange(8.0).expand(1, 3, 8, 8)
    edges = sobel(along)
    assert (edges[:, 0::2] == 0).all()
    assert (edges[:, 1::2, :, 1:-1] == 8).all()
    assert (edges[:, 1::2, :, 0] == 0).all()  # mirrored
    torch.testing.assert_close(sobel(along.mT)[:, 0::2].mT, edges[:, 1::2])


def test_the_mask_is_that_of_the_largest_channel() -> None:
    light = torch.tensor([0.2, 0.975, 0.5]).view(1, 3, 1, 1)
    torch.testing.assert_close(clipping_mask(light, threshold=0.95), torch.full((1, 1, 1, 1), 0.5))
    assert clipping_mask(2 * light, threshold=0.95) == 1.0
    assert clipping_mask(0.9 * light, threshold=0.95) == 0.0


def test_itnet_changes_truncated_places_only_and_never_darkens() -> None:
    truncated = 0.9 * torch.rand(1, 3, 64, 64)
    truncated[:, 0, :32] = 1.0
    light = shaken(ITnet(4, 0.95))(truncated)
    assert torch.equal(light[..., 32:, :], truncated[..., 32:, :])
    assert (light >= truncated).all()
    assert (light[..., :32, :] > truncated[..., :32, :]).any()


def test_a_refined_result_keeps_the_first_light_and_mask() -> None:
    net = shaken(ITnet(4, 0.95))
    truncated, again = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    truncated[..., :8] = 1.0
    expected = truncated + clipping_mask(truncated, threshold=0.95) * net.hallucinated(again)
    torch.testing.assert_close(net.refined(truncated, again), expected)
    torch.testing.assert_close(net.refined(truncated, truncated), net(truncated))


def test_fusion_starts_as_a_sum() -> None:
    first, second = torch.rand(2, 1, 5, 4, 4)
    torch.testing.assert_close(fusion(5)(torch.cat([first, second], dim=1)), first + second)


def test_the_encoder_takes_the_weights_of_vgg16_and_is_vgg16() -> None:
    vgg, encoder = vgg16(None), ITnet(64, 0.95).encoder
    encoder.load_state_dict(vgg.state_dict())
    image = torch.rand(1, 3, 32, 32)
    _, skips = encoder(image)
    theirs = vgg(image, frozenset({"relu1_2", "relu3_3", "relu5_3"}))
    for skip, name in ((0, "relu1_2"), (2, "relu3_3"), (4, "relu5_3")):
        torch.testing.assert_close(skips[skip], theirs[name])


def test_receptive_field_blocks_add_a_tenth_of_their_scales() -> None:
    block = shaken(ReceptiveFieldBlock(16, 8))
    features = torch.rand(1, 16, 24, 24)
    scales = torch.cat([branch(features) for branch in block.branches], dim=1)
    expected = functional.relu(0.1 * block.join(scales) + block.shortcut(features))
    torch.testing.assert_close(block(features), expected)
    features.requires_grad_()
    block(features)[0, :, 12, 12].sum().backward()
    seen = features.grad[0].abs().amax(0).amax(0).nonzero()
    assert seen.min() >= 12 - 5
    assert seen.max() <= 12 + 5


def test_gates_of_the_whole_serve_its_parts() -> None:
    attention = shaken(MultiScaleAttention(8))
    features = torch.rand(2, 8, 64, 64)
    whole, gates = attention(features, None)
    assert [tuple(gate.shape) for gate in gates] == [(2, 16, 1, 1)] * 3
    assert all(((gate > 0) & (gate < 1)).all() for gate in gates)
    assert torch.equal(attention(features, gates)[0], whole)
    part = attention(features[..., :48, :], gates)[0][..., :16, :]
    torch.testing.assert_close(part, whole[..., :16, :])  # 48 rows reach the units' 1 + 3·3 pixels at 1/2
    assert not torch.allclose(attention(features[..., :48, :], None)[0][..., :16, :], whole[..., :16, :])


def test_oonet_starts_at_the_light_and_is_not_negative() -> None:
    light, truncated, nonlinear = (
        3 * torch.rand(1, 3, 32, 32),
        torch.rand(1, 3, 32, 32),
        torch.rand(1, 3, 32, 32),
    )
    assert torch.equal(OOnet(OOnetConfig(width=8))(light, truncated, nonlinear), light)
    result = shaken(OOnet(OOnetConfig(width=8)))(0 * light, truncated, nonlinear)
    assert result.min() == 0.0
    assert result.max() > 0.0


def test_networks_follow_each_other_as_in_the_paper() -> None:
    network = duhdr()
    sdr = torch.rand(2, 3, 64, 64)
    nonlinear = network.dnet(sdr)
    truncated = network.innet(nonlinear)
    light = network.itnet(truncated)
    torch.testing.assert_close(network(sdr), network.oonet(light, truncated, nonlinear))
    without = duhdr("compact_itnet")
    torch.testing.assert_close(without(sdr), without.itnet(without.innet(without.dnet(sdr))))


def test_truncation_is_that_of_the_cameras() -> None:
    light = 4.0 * torch.rand(1, 3, 16, 16)
    imaging = Imaging(ImagingConfig(width=8))
    assert torch.equal(imaging.truncated(light), BaseDetail().apply(light)[0])
    assert torch.equal(imaging.truncated(light), truncate_base(light))
    clipping = Imaging(ImagingConfig(width=8, truncation="clip"))
    assert torch.equal(clipping.truncated(light), Clip().apply(light)[0])


def test_imaging_does_not_depend_on_the_unit_of_light() -> None:
    imaging = duhdr().imaging
    light = 2.0 * torch.rand(1, 3, 64, 64)
    picture = imaging(light)
    torch.testing.assert_close(imaging(256.0 * light), picture, atol=1e-4, rtol=0)
    exposed = light * (0.5 / light.mean())
    torch.testing.assert_close(imaging.picture(exposed), picture, atol=1e-4, rtol=0)
    assert 0.0 <= picture.min() <= picture.max() <= 1.0


def test_measuring_copies_are_small_and_even_and_pictures_of_the_right_size_stay() -> None:
    fitting = torch.rand(1, 3, 128, 64)
    assert measuring_copy(fitting) is fitting
    assert measuring_copy(torch.rand(1, 1, 65, 200)).shape[-2:] == (64, 192)
    assert measuring_copy(torch.rand(1, 1, 5, 100)).shape[-2:] == (64, 128)
    large = measuring_copy(torch.full((1, 1, 3000, 2000), 0.25))
    assert large.shape[-2] % 64 == large.shape[-1] % 64 == 0
    assert large.shape[-2] * large.shape[-1] < 1.1 * LARGEST
    torch.testing.assert_close(large, torch.full_like(large, 0.25))


@torch.no_grad()
def test_measured_statistics_change_nothing_where_the_whole_is_given() -> None:
    network, sdr = duhdr(), torch.rand(2, 3, 64, 128)
    torch.testing.assert_close(network(sdr, network.measure(sdr)), network(sdr))
    light = network(sdr)
    torch.testing.assert_close(network.imaging(light, network.imaging.measure(light)), network.imaging(light))


@torch.no_grad()
@pytest.mark.parametrize("direction", ["expand", "tonemap"])
def test_tiles_equal_the_whole(direction: str, generator: torch.Generator) -> None:
    network = duhdr()
    spec, halo = (SPEC, HALO)
    if direction == "tonemap":
        network, spec, halo = network.imaging, secondary.SPEC, secondary.HALO
    light = torch.rand(1, 3, 40, 8, generator=generator)
    light = functional.interpolate(light, size=(1280, 256), mode="bicubic").clamp(0.0, 1.0)
    light = (light + 0.1 * torch.rand(light.shape, generator=generator)).clamp(max=1.0)
    statistics, whole = network.measure(light), network(light)
    pieces = list(tiles(1280, 256, (256, 256), halo=halo, multiple=spec.size_multiple))
    assert len(pieces) == 5
    for tile in pieces[1:4]:
        part = tile.crop(network(tile.outer(light), statistics))
        difference = (part - tile.inner(whole)).abs().max()
        assert difference <= spec.tolerance * whole.max()


@torch.no_grad()
def test_in_half_precision_curves_and_light_keep_theirs() -> None:
    network, sdr = duhdr(), torch.rand(1, 3, 64, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = network(sdr)
        curve = network.innet.curve(sdr)
    assert half.dtype == curve.dtype == torch.float32
    torch.testing.assert_close(half, network(sdr), atol=0.05, rtol=0.05)
    assert len(curve.unique()) > 900  # bfloat16 has 256 numbers between 0.5 and 1


def test_it_overfits_four_crops() -> None:
    steps = torch.linspace(-1.0, 1.0, 64)
    distance = steps[None].square() + steps[:, None].square()
    light = torch.stack([0.2 + 2.0**stops * (-distance / 0.3).exp() for stops in (1.0, 2.0, 3.0, 4.0)])
    hdr = light[:, None].expand(-1, 3, -1, -1)
    sdr = truncate_base(hdr).clamp(max=1.0) ** (1.0 / 2.2)
    torch.manual_seed(0)
    network = build("duhdr", preset="smoke").train()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    errors = []
    for _ in range(25):
        optimizer.zero_grad()
        error = ((network(sdr) + 0.01).log() - (hdr + 0.01).log()).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert min(errors[-5:]) < 0.35 * errors[0]
