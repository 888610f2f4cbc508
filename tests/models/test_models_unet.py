"""The worked example of a network, and what every row of the table owes."""

import pytest
import torch

from relume.color.transfer import srgb
from relume.errors import MethodError
from relume.inference.tiling import tiles
from relume.models import MODELS, build, find
from relume.models.unet import HALO, HALVINGS, UNet


def network(seed: int = 0, preset: str = "smoke") -> UNet:
    """With a last layer that is not zero, so that it does something."""
    torch.manual_seed(seed)
    unet = build("unet", preset=preset)
    torch.nn.init.normal_(unet.head.weight, std=0.5)
    return unet.eval()


def test_parameter_counts() -> None:
    # Two 3×3 convolutions each at widths 8, 16, 32, 64, 64, the decoders after concatenation, and the head.
    widths = [8, 16, 32, 64, 64]

    def block(channels: int, width: int) -> int:
        return 9 * channels * width + width + 9 * width * width + width

    encoders = sum(block(*pair) for pair in zip([3, *widths], widths, strict=False))
    decoders = sum(block(widths[level] + widths[level + 1], widths[level]) for level in range(HALVINGS))
    count = sum(parameter.numel() for parameter in build("unet", preset="smoke").parameters())
    assert count == encoders + decoders + 8 * 3 + 3


def test_an_untrained_network_returns_the_unprocessed_input() -> None:
    sdr = torch.rand(2, 3, 32, 48)
    assert torch.equal(build("unet", preset="smoke")(sdr), srgb.eotf(sdr))


def test_only_clipped_channels_change() -> None:
    sdr = torch.rand(1, 3, 32, 32)
    sdr[:, 0, :16] = 1.0
    changed = network()(sdr) != srgb.eotf(sdr)
    assert not changed[sdr <= 0.95].any()
    assert changed[:, 0, :16].all()


def test_it_looks_as_far_as_its_halo() -> None:
    sdr = torch.ones(1, 3, 288, 288, requires_grad=True)
    network()(sdr)[0, :, 136, 136].sum().backward()
    rows = (sdr.grad[0].abs().amax(0) > 0).any(1).nonzero().flatten()
    reach = max(136 - int(rows.min()), int(rows.max()) - 136)
    # The halo holds for the worst position among those of one pixel in 16, which this need not be.
    assert HALO - 8 <= reach <= HALO


def test_tiles_equal_the_whole(generator: torch.Generator) -> None:
    sdr = (torch.rand(1, 3, 448, 304, generator=generator) * 1.5).clamp(max=1.0)
    unet = network()
    with torch.no_grad():
        whole = unet(sdr)
        for tile in list(tiles(448, 304, (96, 96), halo=HALO, multiple=2**HALVINGS))[5:9:3]:
            part = tile.crop(unet(tile.outer(sdr)))
            difference = (part - tile.inner(whole)).abs().max()
            assert difference <= find("unet").spec.tolerance * whole.max()


def test_it_overfits_four_crops() -> None:
    # Light sources of four brightnesses, each behind a clipped disc.
    steps = torch.linspace(-1.0, 1.0, 32)
    distance = steps[None].square() + steps[:, None].square()
    light = torch.stack([0.2 + 2.0**stops * (-distance / 0.3).exp() for stops in (1.0, 2.0, 3.0, 4.0)])
    hdr = light[:, None].expand(-1, 3, -1, -1)
    sdr = srgb.inverse_eotf(hdr.clamp(max=1.0))
    torch.manual_seed(0)
    unet = build("unet", preset="smoke")
    optimizer = torch.optim.Adam(unet.parameters(), lr=1e-3)
    errors = []
    for _ in range(120):
        optimizer.zero_grad()
        error = (unet(sdr).log2() - hdr.log2()).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.02 * errors[0]


def test_in_half_precision_the_light_stays_exact() -> None:
    sdr = torch.rand(1, 3, 32, 32) * 0.94
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = network()(sdr)
    assert result.dtype == torch.float32
    assert torch.equal(result, srgb.eotf(sdr))


@pytest.mark.parametrize("name", MODELS)
def test_the_specs_bear_the_names_of_their_rows(name: str) -> None:
    assert MODELS[name].spec.name == name


def test_wrong_names_are_told_what_there_is() -> None:
    with pytest.raises(MethodError, match=r"there is no network 'vnet'; expected one of .*unet"):
        build("vnet", preset="smoke")
    with pytest.raises(MethodError, match="unet has no preset 'huge'; expected one of smoke, base"):
        build("unet", preset="huge")
