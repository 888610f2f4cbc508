import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.visibility import just_visible_difference
from relume.operators.tonemap.ward1997 import Ward1997

OTHER = {"bins": 50, "black_level": 0.5, "peak": 200.0}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("parameters", "case", "name"),
    [
        ({}, "default", "tmo_a"),
        ({}, "default", "tmo_b"),
        (OTHER, "b50_05_200", "tmo_a"),
        (OTHER, "b50_05_200", "tmo_b"),
    ],
)
def test_agrees_with_the_toolbox(parameters, case, name, dtype, toolbox_input, toolbox_output):
    """But for the darkest pixels, at most 192 of 12 288, which the toolbox leaves undefined and sets to 0."""
    image, expected = toolbox_input(name), toolbox_output("WardHistAdjTMO", f"{case}__{name}")
    result = Ward1997(ceiling="linear", **parameters)(image.to(dtype)).double()
    defined = luminance(expected).expand_as(expected) > 0.0
    assert int((~defined).sum()) <= 192
    assert float(result[~defined].max()) < 0.002
    if dtype == torch.float64:
        torch.testing.assert_close(result[defined], expected[defined], rtol=1e-6, atol=0.0)
    elif name == "tmo_a":  # tones of tmo_b lie on the edges of bins, and fall where rounding says
        torch.testing.assert_close(result[defined], expected[defined], rtol=1e-5, atol=0.0)


def _slopes(method: Ward1997, scene: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope of log display over log scene luminance, and the luminance of the display in cd/m²."""
    shown = method(scene)[0, 0, 0] * (method.peak - method.black_level) + method.black_level
    return shown.log().diff() / scene[0, 0, 0].log().diff(), shown


def _two_crowds(size: int = 4001) -> torch.Tensor:
    """Five decades of light, most pixels at two places: equalisation would stretch those."""
    place = torch.linspace(0.0, 1.0, size, dtype=torch.float64)
    crowded = place + 0.15 * torch.sin(4.0 * math.pi * place) / 2.0
    return (10.0 ** (5.0 * crowded - 2.0)).expand(1, 3, 1, size)


def test_no_contrast_above_that_of_the_scene():
    slopes, _ = _slopes(Ward1997(ceiling="linear"), _two_crowds())
    assert float(slopes.max()) < 1.05
    assert float(slopes.min()) >= 0.0


def test_nothing_shows_that_is_not_seen_in_the_scene():
    scene = _two_crowds()
    slopes, shown = _slopes(Ward1997(), scene)
    light = scene[0, 0, 0]
    allowed = just_visible_difference(shown) / shown * light / just_visible_difference(light)
    assert float((slopes / allowed[1:]).max()) < 1.25
    assert float((slopes / allowed[1:]).median()) < 1.0


def test_in_the_dark_visibility_holds_contrast_down():
    scene = _two_crowds() * 1e-3
    linear, seen = (
        _slopes(Ward1997(ceiling=name), scene)[0][:400].mean() for name in ("linear", "visibility")
    )
    assert seen < 0.7 * linear


def test_a_short_range_is_scaled_only():
    image = torch.logspace(0.0, 1.0, 200, dtype=torch.float64).expand(1, 3, 1, 200)
    slopes, shown = _slopes(Ward1997(ceiling="linear"), image)
    torch.testing.assert_close(slopes, torch.ones_like(slopes), rtol=0.02, atol=0.0)
    assert float(shown[-1]) == pytest.approx(100.0)


def test_order_of_tones_stays(generator):
    image = (
        torch.rand(1, 1, 30, 40, generator=generator, dtype=torch.float64).mul(12).exp().expand(1, 3, 30, 40)
    )
    order = image[0, 0].flatten().argsort()
    assert (Ward1997()(image)[0, 0].flatten()[order].diff() >= 0.0).all()
