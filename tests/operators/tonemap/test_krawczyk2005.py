import numpy as np
import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.statistics import LOG_OFFSET, light_of
from relume.operators.tonemap.krawczyk2005 import Krawczyk2005, _merge_near


@pytest.mark.parametrize(
    ("clustering", "case", "name", "scale"),
    [
        ("converged", "default", "tmo_a", 1.0),
        ("toolbox", "default", "tmo_a", 1.0),
        ("toolbox", "default", "tmo_b", 1.0),
        ("toolbox", "in_x0001", "tmo_b", 0.001),
    ],
)
def test_agrees_with_the_toolbox(clustering, case, name, scale, toolbox_input, toolbox_output):
    image, expected = toolbox_input(name) * scale, toolbox_output("KrawczykTMO", f"{case}__{name}")
    method = Krawczyk2005(clustering=clustering)
    torch.testing.assert_close(method(image), expected, rtol=1e-5, atol=0.0)
    torch.testing.assert_close(method(image.float()).double(), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"), [("tmo_a", (-0.9358467, 1.8537088)), ("tmo_b", (-0.5349818, 1.9870529))]
)
def test_frameworks_are_those_of_the_toolbox(name, expected, toolbox_input):
    logarithm = (light_of(toolbox_input(name)) + LOG_OFFSET).log10()
    assert Krawczyk2005(clustering="toolbox")._centroids(logarithm) == pytest.approx(expected, abs=1e-6)


def test_near_centroids_are_merged_by_their_pixels():
    centroids, members = _merge_near(np.array([-2.0, -1.5, 0.5, 1.0]), np.array([1.0, 3.0, 5.0, 0.0]))
    assert centroids.tolist() == pytest.approx([-1.625, 0.5])
    assert members.tolist() == [4.0, 5.0]


def test_white_of_each_framework_comes_near_white(generator):
    """Two rooms, four decades apart: the operator shows white walls in both as light."""
    grain = torch.rand(60, 80, generator=generator, dtype=torch.float64)
    image = (10.0 ** (grain + torch.where(torch.arange(80) < 40, -2.0, 2.0))).expand(1, 3, 60, 80)
    light = luminance(Krawczyk2005()(image))[0, 0]
    dark, bright = light[:, :30].quantile(0.95), light[:, 50:].quantile(0.95)
    assert float(bright / dark) < 100.0
    assert float(bright) == pytest.approx(1.0)
