"""The default of expand, with the weights that relume ships, does no harm to what a person may give it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from relume.color.encoding import SRGB
from relume.color.transfer import srgb
from relume.filters.enlarge import enlarged
from relume.image import Image
from relume.inference.runner import run
from relume.io.read import read
from relume.io.write import write
from relume.models.ember import measured_curves
from relume.models.learned import EmberExpansion
from relume.response.joint import joint_codes

SIZES = [(1, 1), (1, 7), (7, 1), (2, 3), (33, 500), (48, 64)]


def _expanded(pixels: Tensor, **parameters: object) -> Image:
    return run(EmberExpansion(**parameters), Image(pixels, SRGB), masks=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("response", ["estimated", "srgb"])
@pytest.mark.parametrize("panorama", [False, True])
@pytest.mark.parametrize("code", [0.0, 0.18, 0.5, 0.9, 1.0])
def test_constant_pictures(size: tuple[int, int], response: str, panorama: bool, code: float) -> None:
    result = _expanded(torch.full((3, *size), code), response=response, panorama=panorama)
    light = result.pixels
    assert light.isfinite().all()
    assert all(((mask >= 0.0) & (mask <= 1.0)).all() for mask in result.masks.values())
    if code == 0.0:
        assert (light == 0.0).all()
    elif code < 1.0:  # the photograph's own: one value, between black and white, without colour
        assert ((light > 0.0) & (light < 1.0)).all()
        assert light.amax() == light.amin()
    else:
        assert ((light > 0.5) & (light < 100.0)).all()


@pytest.mark.parametrize("size", SIZES)
def test_noise_and_single_pixels(size: tuple[int, int], generator: torch.Generator) -> None:
    noise = torch.rand(3, *size, generator=generator)
    spot = torch.zeros(3, *size)
    spot[:, size[0] // 2, size[1] // 2] = 1.0
    for pixels in (noise, noise.round(), spot):
        light = _expanded(pixels).pixels
        assert light.isfinite().all()
        assert (light >= 0.0).all()
        assert (light[pixels == 0.0] == 0.0).all()


def test_a_picture_without_clipped_channels_stays_what_the_screen_shows(generator: torch.Generator) -> None:
    pixels = 0.94 * torch.rand(3, 60, 90, generator=generator)
    result = _expanded(pixels, response="srgb")
    torch.testing.assert_close(result.pixels, srgb.eotf(pixels))
    assert (result.masks["clipped"] == 0.0).all()
    assert (result.masks["confidence"] == 1.0).all()


@pytest.mark.parametrize("response", ["estimated", "srgb"])
def test_what_is_written_gives_the_codes_again_where_nothing_was_clipped(
    response: str, shared: Path, tmp_path: Path
) -> None:
    """The light of the half-float file, through the response, on photographs."""
    for name in ("photo_002.png", "photo_006.png"):
        photograph = read(shared / "data" / "sdr" / name)
        method = EmberExpansion(response=response)
        write(tmp_path / "a.exr", run(method, photograph), overwrite=True)
        light = read(tmp_path / "a.exr").pixels
        if response == "srgb":
            codes = srgb.inverse_eotf(light.clamp(max=1.0))
        else:
            pictures = photograph.pixels[None]
            network, statistics = method.network(pictures), method.measure(pictures)
            stops = enlarged(statistics["stops"], size=pictures.shape[-2:])
            # Channels share curves: what was added to one that is clipped hides what the others were.
            own_light = light / network.rekindled(torch.ones_like(pictures), pictures, stops)
            codes = joint_codes(own_light, measured_curves(statistics))[0]
        own = photograph.pixels <= 0.94
        assert own.float().mean() > 0.5
        assert (codes - photograph.pixels)[own].abs().max() < 1.0 / 255.0


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.rand(3, 120, 400, generator=generator) * 1.2
    for name in "ab":
        torch.rand(7)  # what the machine drew before does not matter
        write(tmp_path / f"{name}.exr", _expanded(pixels.clamp(max=1.0)))
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_no_seam_where_a_panorama_closes(shared: Path) -> None:
    """A photograph and its mirror image close seamlessly, with light cut in two by the edge."""
    photograph = read(shared / "data" / "sdr" / "photo_003.png").pixels[:, ::4, ::4]
    panorama = torch.cat([photograph, photograph.flip(-1)], dim=-1)
    half = panorama.shape[-1] // 2
    result = _expanded(panorama, panorama=True).pixels
    turned = _expanded(panorama.roll(half, -1), panorama=True).pixels.roll(-half, -1)
    torch.testing.assert_close(turned, result, rtol=1e-4, atol=1e-5)
