import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter

from relume.operators.statistics import light_of
from relume.operators.tonemap.mertens2007 import Mertens2007, _median, zone_exposures

PART = {"exposedness": 0.5, "contrast": 0.0}


@pytest.mark.parametrize(
    ("parameters", "case", "name", "tolerance"),
    [
        ({}, "default", "tmo_a", 1e-7),
        ({}, "default", "tmo_b", 1e-6),
        (PART, "w_05_1_0", "tmo_a", 1e-7),
        (PART, "w_05_1_0", "tmo_b", 2e-6),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, tolerance, toolbox_input, toolbox_output):
    """Parts of tmo_b are flat or grey: there the toolbox weighs exposures by what rounding left."""
    image, expected = toolbox_input(name), toolbox_output("MertensTMO", f"{case}__{name}")
    method = Mertens2007(stretch=True, **parameters)
    torch.testing.assert_close(method(image), expected, rtol=0.0, atol=tolerance)
    torch.testing.assert_close(method(image.float()).double(), expected, rtol=0.0, atol=1e-3)


def test_one_zone_is_one_exposure(generator):
    """Nothing to fuse: the photograph itself, its mean at half of white."""
    image = 1.1 + 0.4 * torch.rand(1, 3, 16, 20, generator=generator, dtype=torch.float64)
    image[..., :3, :], image[..., -3:, :], image[..., :3], image[..., -3:] = 1.3, 1.3, 1.3, 1.3
    (exposure,) = set(zone_exposures(light_of(image)))
    assert exposure == pytest.approx(0.5 / float(light_of(image).mean()))
    torch.testing.assert_close(Mertens2007()(image), (image * exposure).clamp(max=1.0) ** (1 / 2.2))


def test_zones_are_exposed_one_by_one():
    light = torch.full((1, 1, 20, 40), 0.01, dtype=torch.float64)
    light[..., 20:] = 100.0
    exposures = zone_exposures(light)
    assert exposures[0] == pytest.approx(50.0)
    assert exposures[-1] == pytest.approx(0.005)


def test_median_is_that_of_scipy(generator):
    zones = torch.randint(-9, 7, (1, 1, 13, 17), generator=generator).double()
    expected = median_filter(zones[0, 0].numpy(), size=5, mode="constant", cval=0.0)
    np.testing.assert_array_equal(_median(zones)[0, 0].numpy(), expected)


def test_grey_and_flat_parts_are_fused_by_exposedness_alone():
    """In float32 as in float64, for there rounding has no say."""
    image = torch.full((1, 3, 32, 32), 0.37)
    image[..., 16:] = 91.0
    result = Mertens2007()(image)
    torch.testing.assert_close(result.double(), Mertens2007()(image.double()), rtol=0.0, atol=1e-5)
    assert 0.25 < float(result[..., 5].mean()) < 0.95
    assert 0.25 < float(result[..., 26].mean()) < 0.95
