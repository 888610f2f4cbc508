import numpy as np
import pytest
import torch

from relume.color.luminance import luminance, luminance_weights
from relume.color.primaries import ACES_AP0, BT709, BT2020, D65, PRIMARIES, white_to_xyz
from relume.color.spaces import xyz


@pytest.mark.parametrize("name", PRIMARIES)
def test_white_and_the_way_back(name, generator):
    primaries = PRIMARIES[name]
    white = xyz.from_rgb(torch.ones(3, 1, 1, dtype=torch.float64), primaries=primaries)
    assert white.flatten().numpy() == pytest.approx(white_to_xyz(primaries.white), abs=1e-14)
    image = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    back = xyz.to_rgb(xyz.from_rgb(image, primaries=primaries), primaries=primaries)
    torch.testing.assert_close(back, image, rtol=0, atol=1e-13)
    back = xyz.to_rgb(xyz.from_rgb(image.float(), primaries=primaries), primaries=primaries)
    torch.testing.assert_close(back, image.float(), rtol=0, atol=5e-6)


def test_agrees_with_colour_science(colour, generator):
    image = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    space = colour.RGB_COLOURSPACES["sRGB"].copy()
    space.use_derived_transformation_matrices(True)
    expected = colour.RGB_to_XYZ(image.movedim(0, -1).numpy(), space, np.array(D65), None)
    torch.testing.assert_close(
        xyz.from_rgb(image), torch.from_numpy(expected).movedim(-1, 0), rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("primaries", [BT709, BT2020, ACES_AP0])
def test_y_is_luminance(primaries, generator):
    image = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64)
    expected = luminance(image, weights=luminance_weights(primaries))
    # The standards print four digits of the weights.
    torch.testing.assert_close(xyz.from_rgb(image, primaries=primaries)[1:2], expected, rtol=1e-4, atol=0)
