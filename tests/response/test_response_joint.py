"""Curves that channels share, against what they are for."""

import pytest
import torch
from torch import Tensor

from relume.color.luminance import luminance
from relume.color.transfer import srgb
from relume.response.curve import lookup, sample_points
from relume.response.joint import joint_codes, joint_lookup

POINTS = sample_points().float()


@pytest.fixture
def codes(generator: torch.Generator) -> Tensor:
    return torch.rand(2, 3, 20, 30, generator=generator)


def curves(greys: float, channels: float) -> Tensor:
    """Two power laws, for two pictures."""
    return torch.stack([POINTS**greys, POINTS**channels]).expand(2, -1, -1)


def test_equal_curves_are_those_of_a_camera(codes: Tensor) -> None:
    result = joint_lookup(codes, curves(2.4, 2.4))
    assert torch.equal(result, lookup(codes, POINTS.expand(2, -1) ** 2.4))


def test_greys_go_through_the_curve_of_greys(codes: Tensor) -> None:
    grey = codes[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(joint_lookup(grey, curves(3.0, 2.0)), grey**3.0, rtol=1e-3, atol=1e-5)


def test_ratios_of_channels_are_those_of_the_other_curve(codes: Tensor) -> None:
    light = joint_lookup(codes, curves(4.0, 2.2))
    expected = codes**2.2 * luminance(codes) ** 1.8
    torch.testing.assert_close(light, expected, rtol=1e-3, atol=1e-5)


def test_black_stays_black_and_white_white() -> None:
    ends = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(-1, 3, 4, 4)
    assert torch.equal(joint_lookup(ends, curves(4.0, 2.0)), ends)
    dark = torch.zeros(2, 2, 1024)
    dark[..., -1] = 1.0
    assert torch.equal(joint_lookup(ends, dark), ends)


@pytest.mark.parametrize("steepness", [(2.4, 2.4), (4.0, 2.2), (2.6, 2.0)])
def test_turning_round_gives_the_codes(codes: Tensor, steepness: tuple[float, float]) -> None:
    both = curves(*steepness)
    codes = 0.02 + 0.98 * codes
    torch.testing.assert_close(joint_codes(joint_lookup(codes, both), both), codes, rtol=0.0, atol=1e-4)


def test_each_picture_has_its_own_curves(codes: Tensor) -> None:
    both = torch.cat([curves(4.0, 2.2)[:1], srgb.eotf(POINTS).expand(1, 2, -1)])
    light = joint_lookup(codes, both)
    torch.testing.assert_close(light[1], srgb.eotf(codes[1]), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(light[:1], joint_lookup(codes[:1], both[:1]))


def test_gradients_reach_both_curves(codes: Tensor) -> None:
    both = curves(3.0, 2.0).clone().requires_grad_()
    joint_lookup(codes, both).sum().backward()
    assert (both.grad.abs().sum(-1) > 0).all()
    assert both.grad.isfinite().all()
