import pytest
import torch

from relume.operators.expand.meylan2006 import Meylan2006


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 2e-7)])
@pytest.mark.parametrize(
    ("parameters", "removed", "case"),
    [
        ({"peak": 1000.0, "share": 0.5}, 1.0, "n1000_l05_lin"),
        ({"peak": 3000.0, "share": 0.67}, 2.2, "n3000_l067_gr22"),
    ],
)
def test_agrees_with_the_toolbox(parameters, removed, case, dtype, rtol, toolbox_input, toolbox_output):
    """In its luminance, whose weights have three digits in that revision."""
    image = toolbox_input("eo_m").pow(removed)
    red, green, blue = image.chunk(3, dim=1)
    light = 0.213 * red + 0.715 * green + 0.072 * blue
    grey = light.expand(1, 3, *light.shape[-2:]).to(dtype)
    expanded = Meylan2006(**parameters, diffuse_maximum=0.99)(grey).double()
    expected = toolbox_output("MeylanEO", f"{case}__eo_m")
    torch.testing.assert_close(image * expanded / light, expected, rtol=rtol, atol=0.0)


def _with_highlight(pixels: list[list[float]]) -> torch.Tensor:
    """A surface of 0.6 with a highlight on it."""
    image = torch.full((1, 3, 200, 150), 0.6, dtype=torch.float64)
    image[..., 80 : 80 + len(pixels), 60 : 60 + len(pixels[0])] = torch.tensor(pixels, dtype=torch.float64)
    return image


@pytest.mark.parametrize(
    ("highlight", "expected"),
    [
        ([[1.0, 1.0], [0.9, 1.0]], 0.9),
        # Darker than the brightest mean of 5 x 5 (0.73), but amid highlights.
        ([[1.0, 1.0, 1.0], [1.0, 0.7, 1.0], [1.0, 1.0, 1.0]], 0.7),
        # Beside highlights, with three of them around.
        ([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.65, 0.65, 0.65]], 1.0),
        # Alone, so no highlight: nothing is above what is diffuse.
        ([[1.0]], 1.0),
    ],
)
def test_highlights_begin_at_the_darkest(highlight, expected):
    assert float(Meylan2006().measure(_with_highlight(highlight))["diffuse"]) == pytest.approx(expected)


def test_a_single_bright_pixel_does_not_stop_others():
    image = _with_highlight([[1.0, 1.0], [0.9, 1.0]])
    image[..., 150, 100] = 0.8
    assert float(Meylan2006().measure(image)["diffuse"]) == pytest.approx(0.9)


def test_a_large_clipped_area_is_diffuse():
    """White of 30 x 30 pixels is paper or sky: all light is scaled to the share of diffuse light."""
    image = torch.full((1, 3, 200, 150), 0.5, dtype=torch.float64)
    image[..., 50:80, 50:80] = 1.0
    result = Meylan2006(peak=1000.0, share=0.6)(image)[0, 0]
    assert float(result[65, 65]) == pytest.approx(600.0)
    assert float(result[150, 100]) == pytest.approx(300.0)


def test_two_lines_meet_where_highlights_begin():
    image = (
        torch.tensor([0.45, 0.9, 0.95, 1.0], dtype=torch.float64).repeat_interleave(20).expand(1, 3, 30, 80)
    )
    result = Meylan2006(peak=1000.0, share=0.6, diffuse_maximum=0.9)(image)[0, 0, 15]
    assert result[[5, 30, 50, 70]].tolist() == pytest.approx([300.0, 600.0, 800.0, 1000.0])
