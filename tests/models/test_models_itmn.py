"""iTMN: sizes of the paper's networks, the shape of the U-Net, and that it learns."""

import math
from dataclasses import replace

import pytest
import torch

from relume.color.encoding import PQ_BT2020, REFERENCE_WHITE
from relume.image import convert
from relume.inference.tiling import tiles
from relume.models import build
from relume.models.itmn import COMPACT, HALO, PAPER, SPEC, Discriminator, Itmn, ItmnConfig

TINY = ItmnConfig(widths=(8, 12, 16, 16, 16), nodes=8)


def tiny() -> Itmn:
    torch.manual_seed(0)
    return Itmn(TINY).eval()


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts() -> None:
    with torch.device("meta"):
        assert count(build("itmn", preset="paper")) == 16_662_659
        assert count(Discriminator(PAPER)) == 15_344_961
        assert count(build("itmn", preset="compact")) < 0.26 * 16_662_659


def test_it_returns_codes_of_the_same_size() -> None:
    result = tiny()(torch.rand(2, 3, 64, 96)).detach()
    assert result.shape == (2, 3, 64, 96)
    assert 0.0 < float(result.min()) < float(result.max()) < 1.0


def test_training_begins_with_the_light_that_is_shown(generator: torch.Generator) -> None:
    network = build("itmn", preset="compact").eval()
    sdr = 0.02 + 0.98 * torch.rand(1, 3, 64, 96, generator=generator)
    codes = convert(sdr, replace(SPEC.input, white=REFERENCE_WHITE), PQ_BT2020)
    with torch.no_grad():
        result = network(sdr)
    assert float((result - codes).square().mean().sqrt()) < 0.0025
    assert float((result - codes).abs().amax()) < 0.01
    assert torch.equal(network(sdr[..., :32, :32]), network(sdr)[..., :32, :32])


def test_ten_layers_with_normalisation_in_all_but_the_last() -> None:
    network = tiny()
    assert len(network.encoders) == len(network.decoders) == 5
    assert sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules()) == 9
    assert isinstance(network.decoders[-1], torch.nn.ConvTranspose2d)


def test_each_skip_is_used() -> None:
    """A change of one encoder's output alone reaches the result through its skip."""
    network, sdr = tiny(), torch.rand(1, 3, 64, 64)
    skips = []
    for encoder in network.encoders:
        encoder.register_forward_hook(lambda _, __, output: skips.append(output) or output.requires_grad_())
    network(sdr).sum().backward(inputs=skips)
    widths = [decoder[0].in_channels for decoder in network.decoders[:-1]] + [
        network.decoders[-1].in_channels
    ]
    assert [skip.shape[1] for skip in skips] == list(TINY.widths)
    assert widths == [16, 32, 32, 24, 16]


def test_it_looks_as_far_as_its_halo() -> None:
    """With weights that cannot cancel, over all positions of a pixel within a block of 32."""
    network = tiny()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    reached = 0
    for position in range(160, 192):
        sdr = torch.rand(1, 3, 32, 352, requires_grad=True)
        network.double()(sdr.double())[0, :, 16, position].sum().backward()
        columns = (sdr.grad[0].abs().amax((0, 1)) > 0).nonzero().flatten()
        reached = max(reached, position - int(columns.min()), int(columns.max()) - position)
    assert reached == HALO


def test_tiles_equal_the_whole(generator: torch.Generator) -> None:
    sdr = torch.rand(1, 3, 320, 288, generator=generator)
    network = tiny()
    with torch.no_grad():
        whole = network(sdr)
        for tile in tiles(320, 288, (96, 96), halo=HALO, multiple=32):
            part = tile.crop(network(tile.outer(sdr)))
            assert (part - tile.inner(whole)).abs().max() <= SPEC.tolerance * whole.max()


def test_the_discriminator_takes_any_size() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(COMPACT).eval()
    for size in ((32, 32), (128, 96)):
        assert discriminator(torch.rand(2, 3, *size)).shape == (2,)


def test_it_overfits_four_crops(generator: torch.Generator) -> None:
    sdr = torch.rand(4, 3, 4, 4, generator=generator).repeat_interleave(8, -1).repeat_interleave(8, -2)
    codes = 0.2 + 0.6 * sdr.square()
    torch.manual_seed(0)
    network = Itmn(TINY)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=2e-3)
    errors = []
    for _ in range(100):
        optimizer.zero_grad()
        error = (network(sdr) - codes).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.05 * errors[0]


def test_in_half_precision_codes_stay_in_full_precision() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = tiny()(torch.rand(1, 3, 32, 32))
    assert result.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_follows_the_network(dtype: torch.dtype) -> None:
    result = tiny().to(dtype)(torch.rand(1, 3, 32, 32, dtype=dtype))
    assert result.dtype == dtype
    assert math.isfinite(float(result.detach().sum()))
