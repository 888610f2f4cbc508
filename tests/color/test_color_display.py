import pytest
import torch

from relume.color.display import hlg_display_light, hlg_system_light, into_gamut, roll_off
from relume.color.luminance import BT709_WEIGHTS, BT2020_WEIGHTS, luminance, luminance_weights
from relume.color.primaries import BT709, BT2020, DISPLAY_P3, Primaries, convert
from relume.color.spaces import ictcp
from relume.color.transfer import hlg


def colors(generator: torch.Generator, most: float = 4000.0) -> torch.Tensor:
    return most * torch.rand(3, 20, 30, generator=generator, dtype=torch.float64) ** 3


def test_colours_inside_the_gamut_stay_bit_for_bit(generator) -> None:
    light = colors(generator)
    assert torch.equal(into_gamut(light, weights=BT2020_WEIGHTS), light)


def test_colours_outside_come_inside_with_their_luminance(generator) -> None:
    light = convert(colors(generator), BT2020, BT709)
    assert (light < 0).any()
    moved = into_gamut(light, weights=BT709_WEIGHTS)
    assert moved.min() >= 0
    torch.testing.assert_close(
        luminance(moved, weights=BT709_WEIGHTS), luminance(light, weights=BT709_WEIGHTS), rtol=1e-3, atol=0.0
    )


@pytest.mark.parametrize("target", [BT709, DISPLAY_P3])
def test_a_circle_of_the_purest_hues_has_no_breaks_once_inside(target: Primaries) -> None:
    turn = torch.linspace(0, 6, 361, dtype=torch.float64)
    pure = [((torch.remainder(turn + shift, 6) - 3).abs() - 1).clamp(0, 1) for shift in (0, 4, 2)]
    light = 100.0 * torch.stack(pure).unsqueeze(1)
    inside = into_gamut(convert(light, BT2020, target), weights=luminance_weights(target))
    step_before, *before = steps_and_plane(light)
    step_after, *after = steps_and_plane(convert(inside, target, BT2020))
    assert step_after < step_before
    turned = torch.remainder(torch.atan2(*after) - torch.atan2(*before) + torch.pi, 2 * torch.pi) - torch.pi
    assert turned.abs().max() < torch.pi / 11


def steps_and_plane(light: torch.Tensor) -> tuple[float, torch.Tensor, torch.Tensor]:
    """The largest ΔE-ITP between neighbours, and the coordinates of hue and chroma."""
    scale = torch.tensor([720.0, 360.0, 720.0], dtype=light.dtype).view(3, 1, 1)
    itp = scale * ictcp.from_linear(light[None])[0]
    return float(itp.diff(dim=-1).square().sum(0).sqrt().max()), itp[1], itp[2]


def test_light_without_luminance_becomes_black() -> None:
    assert torch.equal(
        into_gamut(torch.tensor([-3.0, 1.0, -2.0]).view(3, 1, 1), weights=BT709_WEIGHTS),
        torch.zeros(3, 1, 1),
    )


def test_roll_off_keeps_what_lies_below_the_peak_where_all_does(generator) -> None:
    light = colors(generator, 900.0)
    assert torch.equal(roll_off(light, top=900.0, peak=1000.0), light)


@pytest.mark.parametrize(
    ("top", "peak"), [(4000.0, 1000.0), (10_000.0, 1000.0), (1e6, 1000.0), (1500.0, 600.0)]
)
def test_roll_off_ends_at_the_peak_and_rises_all_the_way(top: float, peak: float) -> None:
    ramp = torch.logspace(-3, 0, 2000, dtype=torch.float64).mul(top).expand(3, 1, -1)
    mapped = roll_off(ramp, top=top, peak=peak)[0, 0]
    shown = ramp[0, 0] <= 10_000.0
    assert (mapped.diff()[shown[1:]] > 0).all()
    assert mapped.max() == pytest.approx(peak)
    assert (mapped <= ramp[0, 0] * (1 + 1e-12)).all()
    low = ramp[0, 0] < 0.2 * peak
    torch.testing.assert_close(mapped[low], ramp[0, 0][low], rtol=0.0, atol=0.0)


def test_roll_off_keeps_hue_and_saturation(generator) -> None:
    light = colors(generator)
    mapped = roll_off(light, top=4000.0, peak=1000.0)
    ratios = mapped / light
    torch.testing.assert_close(ratios.amax(0), ratios.amin(0), rtol=1e-9, atol=0.0)
    assert mapped.max() <= 1000.0
    assert ratios.min() < 0.5


def test_reference_white_is_left_alone_for_a_peak_of_1000() -> None:
    white = torch.full((3, 1, 1), 203.0, dtype=torch.float64)
    assert torch.equal(roll_off(white, top=10_000.0, peak=1000.0), white)


def test_system_light_of_hlg_is_a_cube_of_which_a_saturated_colour_leaves_the_top_first() -> None:
    red = torch.tensor([1000.0, 0.0, 0.0], dtype=torch.float64).view(3, 1, 1)
    assert hlg_system_light(red, weights=BT2020_WEIGHTS).max() > 1200.0
    assert hlg.inverse_eotf(red / 1000.0).max() > 1.0
    grey = torch.full((3, 1, 1), 1000.0, dtype=torch.float64)
    torch.testing.assert_close(hlg_system_light(grey, weights=BT2020_WEIGHTS), grey)


def test_display_light_undoes_system_light(generator) -> None:
    light = colors(generator, 1000.0) + 1e-3
    there = hlg_system_light(light, weights=BT2020_WEIGHTS)
    torch.testing.assert_close(hlg_display_light(there, weights=BT2020_WEIGHTS), light)
