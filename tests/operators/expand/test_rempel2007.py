"""Rempel 2007: the map against the toolbox, the growth of regions by their properties."""

from pathlib import Path

import numpy as np
import pytest
import torch

from relume.operators.expand.rempel2007 import Rempel2007

# The toolbox takes 250 of 255 for photographs; its edges of encoded input are found in another unit.
PHOTOGRAPH = {"threshold": (250 / 255) ** 2.2}
VIDEO = {"threshold": 230 / 255, "edge": 0.05 ** (1 / 2.2)}


def _grey(image: torch.Tensor) -> torch.Tensor:
    """With the luminance of that revision of the toolbox, whose weights have three digits."""
    red, green, blue = image.chunk(3, dim=1)
    return (0.213 * red + 0.715 * green + 0.072 * blue).expand(1, 3, *image.shape[-2:]).contiguous()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "removed", "case"), [(PHOTOGRAPH, 2.2, "image_gr22"), (VIDEO, 1.0, "video_lin")]
)
def test_the_map_is_that_of_the_toolbox(
    shared: Path, parameters: dict[str, float], removed: float, case: str, dtype: torch.dtype, toolbox_input
) -> None:
    golden = np.load(shared / "conformance/operators/golden/RempelExpandMap.npz")[f"{case}__eo_b"]
    image = _grey(toolbox_input("eo_b").pow(removed)).to(dtype)
    result = Rempel2007(**parameters, sigma=30.0, window="toolbox").measure(image)["brightening"][0, 0]
    np.testing.assert_allclose(result.double().numpy(), golden, rtol=0, atol=1e-7)


def test_light_and_map_give_the_toolboxs_result(toolbox_input, toolbox_output) -> None:
    """Its colours are multiplied with luminance once too often; at the tail of the map regions differ."""
    image = toolbox_input("eo_a").pow(2.2)
    light = _grey(image)[:, :1]
    method = Rempel2007(**PHOTOGRAPH, sigma=30.0, window="toolbox", peak=4800.0, black_level=0.3)
    statistics = method.measure(_grey(image))
    shown = method(_grey(image), statistics)
    expected = toolbox_output("RempelEO", "image_gr22__eo_a")
    assert float((image * shown - expected).abs().max() / expected.max()) < 1e-4
    assert float(((image * shown - expected).abs() > 1e-6 * expected).double().mean()) < 0.03
    torch.testing.assert_close(shown[:, :1], (light * 1199.7 + 0.3) * (1 + 3 * statistics["brightening"]))


def _lamp(edge: float) -> torch.Tensor:
    """A clipped disc in a glow that falls off slowly, up to a wall at column 100."""
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
    distance = torch.hypot(y - 60, x - 60)
    light = torch.where(distance < 20, 1.0, (0.9 - 0.006 * (distance - 20)).clamp(min=0.2))
    light[:, 100:] = edge
    return light.expand(1, 3, 120, 160).double()


def test_grows_through_the_glow_and_stops_at_the_edge() -> None:
    brightening = Rempel2007(sigma=25.0).measure(_lamp(edge=0.05))["brightening"][0, 0]
    assert float(brightening[60, 60]) > 0.25
    assert float(brightening[60, 90]) > 0.05
    assert float(brightening[60, 104:].max()) == 0.0


def test_without_an_edge_the_brightening_ends_with_the_gaussian() -> None:
    light = _lamp(edge=0.05)
    light[..., 100:] = light[..., 99:100]
    brightening = Rempel2007(sigma=25.0).measure(light)["brightening"][0, 0]
    assert 0.0 < float(brightening[60, 110]) < float(brightening[60, 90])


def test_white_that_is_not_clipped_has_a_quarter_of_the_peak() -> None:
    result = Rempel2007(peak=1000.0, black_level=0.0)(torch.full((1, 3, 16, 16), 0.9, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, 225.0))


def test_the_reach_follows_the_size_of_the_picture() -> None:
    small = torch.full((1, 3, 54, 96), 0.5, dtype=torch.float64)
    small[..., 20:30, 40:50] = 1.0
    large = small.repeat_interleave(4, -1).repeat_interleave(4, -2)
    maps = [Rempel2007(edge=1.0).measure(image)["brightening"] for image in (small, large)]
    assert float(maps[0][..., 25, 45]) == pytest.approx(float(maps[1][..., 102, 182]), abs=0.03)
