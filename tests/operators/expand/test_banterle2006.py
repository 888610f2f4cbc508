"""Banterle 2006: the curve and the blend against the toolbox, the map and the lights by their properties."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from relume.operators.expand.banterle2006 import Banterle2006, inverse_reinhard_gain
from relume.operators.expand.median_cut import median_cut


def _reinhard(light: torch.Tensor, scale: float, white: float) -> torch.Tensor:
    """Reinhard's extended curve of light / scale, by hand."""
    x = light / scale
    return x * (1 + x / white**2) / (1 + x)


@pytest.mark.parametrize("stretch", [1.0, 4.9, 50.0, 3000.0])
def test_the_curve_inverts_reinhards(stretch: float) -> None:
    sdr = torch.linspace(0.0, 1.0, 201, dtype=torch.float64).view(1, 1, 1, -1)
    expanded = sdr * inverse_reinhard_gain(sdr, peak=1000.0, stretch=stretch)
    # Light / scale is the exposed luminance, whose white is the stretch.
    torch.testing.assert_close(_reinhard(expanded, 1000.0 / stretch, stretch), sdr, rtol=1e-9, atol=1e-12)
    assert float(expanded[..., -1]) == pytest.approx(1000.0)


def test_float32_keeps_the_dark_end() -> None:
    sdr = torch.tensor([1e-6, 1e-4, 1e-2]).view(1, 1, 1, -1)
    gain = inverse_reinhard_gain(sdr, peak=1000.0, stretch=3000.0)
    exact = inverse_reinhard_gain(sdr.double(), peak=1000.0, stretch=3000.0)
    torch.testing.assert_close(gain.double(), exact, rtol=1e-6, atol=0)


def test_with_the_automatic_stretch_black_keeps_its_slope() -> None:
    sdr = torch.full((1, 1, 1, 1), 1e-6, dtype=torch.float64)
    gain = inverse_reinhard_gain(sdr, peak=1000.0, stretch=1000.0 / 203.0)
    assert float(gain) == pytest.approx(203.0, rel=1e-5)


CASES = [
    "invreinhard_n1000_w50_color_clamp2_lin__eo_b",
    "invreinhard_n3000_w3000_color_auto_gr22__eo_a",
    "invreinhard_n3000_w3000_color_auto_gr22__eo_b",
]


@pytest.mark.parametrize("key", CASES)
def test_curve_and_blend_are_those_of_the_toolbox(shared: Path, key: str) -> None:
    """Given its expand map (one for each colour), its luminance weights and its stretch of L to 0..1."""
    folder = shared / "conformance/operators"
    cases = json.loads((folder / "index.json").read_text())["cases"]
    parameters = next(c["parameters"] for c in cases if c.get("key") == key)
    golden = np.load(folder / "golden/BanterleEO.npz")
    peak, stretch = parameters["eo_parameters"]
    exponent = 1.0 if parameters["gammaRemoval"] == -1 else parameters["gammaRemoval"]
    rgb = np.load(folder / f"inputs/{key.rpartition('__')[2]}.npy") ** exponent
    light = torch.from_numpy(rgb @ np.array([0.213, 0.715, 0.072]))[None, None]
    stretched = (light - light.min()) / (light.max() - light.min())
    gain = stretched * inverse_reinhard_gain(stretched, peak=peak, stretch=stretch) / light
    expand_map = golden[f"{key}__expand_map"].astype(np.float64)
    result = rgb * (1 + expand_map * (gain[0, 0, ..., None].numpy() - 1))
    np.testing.assert_allclose(result, golden[key], rtol=2e-5, atol=1e-6)


def _image(height: int = 96, width: int = 128) -> torch.Tensor:
    """A dim picture with one bright field on the right."""
    image = torch.full((1, 3, height, width), 0.05)
    image[..., 30:60, 90:115] = 1.0
    return image


def test_lights_are_expanded_and_the_rest_stays() -> None:
    result = Banterle2006(peak=2000.0)(_image())
    assert float(result[..., 40:50, 98:108].min()) > 1200
    torch.testing.assert_close(result[..., :20], torch.full((1, 3, 96, 20), 0.05 * 203.0), rtol=1e-3, atol=0)


def test_the_map_is_smooth_and_highest_at_the_lights() -> None:
    expand_map = Banterle2006().measure(_image())["expand_map"]
    assert expand_map.shape == (1, 1, 96, 128)
    assert float(expand_map.max()) == pytest.approx(1.0, abs=0.05)
    assert float(expand_map[..., :40].max()) < 0.02
    steps = torch.cat([expand_map.diff(dim=-1).flatten(), expand_map.diff(dim=-2).flatten()])
    assert float(steps.abs().max()) < 0.15


def test_an_even_picture_has_an_even_map() -> None:
    """The grid into which it is cut and the borders leave a seventh at most, and that smooth."""
    expand_map = Banterle2006().measure(torch.full((1, 3, 200, 320), 0.5))["expand_map"]
    assert float(expand_map.min()) > 0.86
    assert float(expand_map.diff(dim=-1).abs().max()) < 0.01


def test_a_speck_is_no_light() -> None:
    image = torch.full((1, 3, 200, 320), 0.02)
    image[..., 20:80, 200:280] = 1.0
    image[..., 150, 40] = 1.0
    expand_map = Banterle2006(lights=256).measure(image)["expand_map"]
    assert float(expand_map[0, 0, 150, 40]) < 0.05


def test_black_stays_black() -> None:
    assert float(Banterle2006()(torch.zeros(1, 3, 16, 16)).abs().max()) == 0.0


def test_median_cut_gives_regions_of_equal_light() -> None:
    light = np.random.default_rng(4).random((64, 96)) ** 4
    rows, columns, means = median_cut(light, 64)
    assert len(rows) == len(columns) == len(means) == 64
    assert rows.min() >= 0
    assert rows.max() < 64
    assert columns.max() < 96
    flat = median_cut(np.ones((64, 64)), 256)
    assert len(set(zip(flat[0].tolist(), flat[1].tolist(), strict=True))) == 256
    np.testing.assert_allclose(flat[2], 1.0)


def test_median_cut_puts_sources_where_the_light_is() -> None:
    light = np.full((64, 64), 1e-3)
    light[8:16, 40:48] = 1.0
    rows, columns, _ = median_cut(light, 32)
    inside = (rows >= 8) & (rows < 16) & (columns >= 40) & (columns < 48)
    assert inside.mean() > 0.7


def test_median_cut_stops_where_nothing_is_left_to_cut() -> None:
    rows, columns, means = median_cut(np.array([[0.0, 2.0], [0.0, 0.0]]), 1024)
    assert len(rows) <= 4
    assert means.max() == 2.0
    assert (rows[means.argmax()], columns[means.argmax()]) == (0, 1)
