import math

import numpy as np
import pytest
import torch

from relume.color import primaries
from relume.color.primaries import ACES_WHITE, BT709, BT2020, D50, D65, DISPLAY_P3, PRIMARIES, Primaries
from relume.errors import EncodingError

NAMES_OF_COLOUR_SCIENCE = {
    "bt709": "ITU-R BT.709",
    "p3": "P3-D65",
    "bt2020": "ITU-R BT.2020",
    "adobe-rgb": "Adobe RGB (1998)",
    "aces-ap0": "ACES2065-1",
    "aces-ap1": "ACEScg",
}
EVERY_PAIR = [(source, target) for source in PRIMARIES for target in PRIMARIES]


def space(colour, name):
    """The space with matrices derived from the chromaticities, not those rounded in print."""
    found = colour.RGB_COLOURSPACES[NAMES_OF_COLOUR_SCIENCE[name]].copy()
    found.use_derived_transformation_matrices(True)
    return found


def random_primaries(count):
    """Triangles around D65, as cameras and displays have them."""
    random = np.random.default_rng(7)
    for _ in range(count):
        red, green, blue = (
            (0.68 + random.uniform(-0.1, 0.05), 0.31 + random.uniform(-0.05, 0.03)),
            (0.2 + random.uniform(-0.1, 0.1), 0.7 + random.uniform(-0.1, 0.2)),
            (0.14 + random.uniform(-0.05, 0.03), 0.05 + random.uniform(-0.1, 0.04)),
        )
        yield Primaries(red, green, blue, (random.uniform(0.29, 0.36), random.uniform(0.3, 0.37)))


def test_every_named_triangle_is_checked():
    assert set(NAMES_OF_COLOUR_SCIENCE) == set(PRIMARIES)


@pytest.mark.parametrize("name", PRIMARIES)
def test_chromaticities_agree_with_colour_science(colour, name):
    ours, theirs = PRIMARIES[name], space(colour, name)
    assert np.array_equal([ours.red, ours.green, ours.blue], theirs.primaries)
    assert np.array_equal(ours.white, theirs.whitepoint)


@pytest.mark.parametrize("name", PRIMARIES)
def test_rgb_to_xyz_agrees_with_colour_science(colour, name):
    matrix = primaries.rgb_to_xyz_matrix(PRIMARIES[name])
    assert matrix == pytest.approx(space(colour, name).matrix_RGB_to_XYZ, abs=1e-14)


@pytest.mark.parametrize(("source", "target"), EVERY_PAIR)
def test_conversions_agree_with_colour_science(colour, source, target):
    expected = colour.matrix_RGB_to_RGB(space(colour, source), space(colour, target), "Bradford")
    matrix = primaries.conversion_matrix(PRIMARIES[source], PRIMARIES[target])
    # Adaptation between equal whites is the identity here, and the identity to 1e-4 there.
    same_white = PRIMARIES[source].white == PRIMARIES[target].white
    if same_white:
        expected = colour.matrix_RGB_to_RGB(space(colour, source), space(colour, target), None)
    assert matrix == pytest.approx(expected, abs=1e-13)


def test_arbitrary_chromaticities_agree_with_colour_science(colour):
    for triangle in random_primaries(20):
        expected = colour.normalised_primary_matrix(
            np.array([triangle.red, triangle.green, triangle.blue]), np.array(triangle.white)
        )
        assert primaries.rgb_to_xyz_matrix(triangle) == pytest.approx(expected, abs=1e-12)


def test_matrix_printed_in_the_standard():
    """BT.2087 prints BT.709 to BT.2020 with four digits."""
    printed = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    assert primaries.conversion_matrix(BT709, BT2020) == pytest.approx(np.array(printed), abs=6e-5)


@pytest.mark.parametrize(
    ("source", "target"), [(D50, D65), (D65, D50), (ACES_WHITE, D65), (D65, (0.44757, 0.40745))]
)
def test_adaptation_takes_white_to_white_and_agrees_with_colour_science(colour, source, target):
    matrix = primaries.adaptation_matrix(source, target)
    assert matrix @ primaries.white_to_xyz(source) == pytest.approx(primaries.white_to_xyz(target), abs=1e-14)
    expected = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        primaries.white_to_xyz(source), primaries.white_to_xyz(target), transform="Bradford"
    )
    assert matrix == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize(("source", "target"), EVERY_PAIR)
def test_white_stays_white_and_the_way_back_is_the_inverse(source, target, generator):
    source, target = PRIMARIES[source], PRIMARIES[target]
    white = torch.ones(3, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(primaries.convert(white, source, target), white, rtol=0, atol=1e-14)
    image = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    back = primaries.convert(primaries.convert(image, source, target), target, source)
    torch.testing.assert_close(back, image, rtol=0, atol=1e-13)


def test_float32_round_trip(generator):
    image = torch.rand(3, 32, 32, generator=generator)
    back = primaries.convert(primaries.convert(image, BT709, BT2020), BT2020, BT709)
    torch.testing.assert_close(back, image, rtol=0, atol=5e-7)


def test_out_of_gamut_is_negative_and_not_clipped():
    red = torch.tensor([100.0, 0.0, 0.0])[:, None, None]
    converted = primaries.convert(red, BT2020, BT709)
    assert converted[0] > 100
    assert (converted[1:] < 0).all()


def test_the_same_primaries_return_the_very_image(generator):
    image = torch.rand(3, 2, 2, generator=generator)
    assert primaries.convert(image, BT709, Primaries(BT709.red, BT709.green, BT709.blue, D65)) is image


def test_apply_matrix_keeps_batch_layout_and_gradient(generator):
    matrix = np.arange(9.0).reshape(3, 3)
    image = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    expected = torch.einsum("ij,bjhw->bihw", torch.from_numpy(matrix), image)
    torch.testing.assert_close(primaries.apply_matrix(image, matrix), expected)
    channels_last = image.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(primaries.apply_matrix(channels_last, matrix), expected)
    torch.testing.assert_close(primaries.apply_matrix(image[1], matrix), expected[1])
    assert torch.autograd.gradcheck(lambda x: primaries.apply_matrix(x, matrix), (image,))


def test_autocast_does_not_take_digits_away(generator):
    image = torch.rand(3, 8, 8, generator=generator)
    exact = primaries.convert(image, BT709, BT2020)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(primaries.convert(image, BT709, BT2020), exact)


def test_names():
    assert {triangle.name for triangle in PRIMARIES.values()} == set(PRIMARIES)
    assert Primaries((0.7, 0.3), (0.2, 0.7), (0.1, 0.1), D65).name == (
        "(0.7000, 0.3000) (0.2000, 0.7000) (0.1000, 0.1000) (0.3127, 0.3290)"
    )


@pytest.mark.parametrize(
    "points",
    [
        ((0.3, 0.3), (0.4, 0.4), (0.5, 0.5), D65),
        ((0.64, 0.33), (0.30, 0.60), (0.15, math.nan), D65),
        ((0.64, 0.33), (0.30, 0.60), (0.15, math.inf), D65),
        ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.0)),
        ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (math.nan, 0.329)),
        ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.6, 0.6)),
        ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_refuses_points_that_span_no_colours(points):
    with pytest.raises(EncodingError, match="span no colours"):
        Primaries(*points)


def test_order_of_the_points_does_not_matter_for_the_check():
    Primaries(BT709.blue, BT709.green, BT709.red, D65)
    assert DISPLAY_P3.white == D65
