import numpy as np
import pytest
import torch

from relume.color.primaries import D50, D65, white_to_xyz
from relume.color.spaces import lab


def colours(generator):
    """XYZ of the ordinary, of nearly black, of negative and of over-white colours."""
    ordinary = torch.rand(2, 3, 16, 16, generator=generator, dtype=torch.float64)
    return torch.cat((ordinary, ordinary * 1e-3, ordinary - 0.5, ordinary * 30), dim=-1)


@pytest.mark.parametrize("white", [D65, D50])
def test_agrees_with_colour_science(colour, white, generator):
    image = colours(generator)
    expected = colour.XYZ_to_Lab(image.movedim(-3, -1).numpy(), np.array(white))
    ours = lab.from_xyz(image, white=white)
    torch.testing.assert_close(ours, torch.from_numpy(expected).movedim(-1, -3), rtol=0, atol=1e-10)
    expected = colour.Lab_to_XYZ(ours.movedim(-3, -1).numpy(), np.array(white))
    back = lab.to_xyz(ours, white=white)
    torch.testing.assert_close(back, torch.from_numpy(expected).movedim(-1, -3), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 3e-6), (torch.float64, 1e-14)])
def test_round_trip(dtype, limit, generator):
    image = colours(generator).to(dtype)
    torch.testing.assert_close(lab.to_xyz(lab.from_xyz(image)), image, rtol=limit, atol=limit)


@pytest.mark.parametrize("white", [D65, D50])
def test_white_black_and_middle_grey(white):
    shades = torch.tensor([1.0, 0.0, 0.184187]).double() * torch.from_numpy(white_to_xyz(white))[:, None]
    lightness, a, b = lab.from_xyz(shades[:, None], white=white)
    torch.testing.assert_close(lightness[0], torch.tensor([100.0, 0.0, 50.0]).double(), rtol=0, atol=1e-4)
    torch.testing.assert_close(torch.stack((a, b)), torch.zeros(2, 1, 3).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("curve", [lab.from_xyz, lab.to_xyz])
def test_gradients(curve):
    joint = (
        torch.tensor([-1.0, 0.0, 8.0, 216 / 24389, 1.0, 100.0]).expand(3, 1, -1).contiguous().requires_grad_()
    )
    (slope,) = torch.autograd.grad(curve(joint).square().sum(), joint)
    assert slope.isfinite().all()
    values = (
        torch.tensor([-0.4, 0.002, 0.3, 0.9, 20.0]).double().expand(3, 1, -1).contiguous().requires_grad_()
    )
    assert torch.autograd.gradcheck(curve, (values,))


def test_monotone_and_continuous():
    grey = (
        torch.linspace(-0.1, 1.2, 20001, dtype=torch.float64) * torch.from_numpy(white_to_xyz(D65))[:, None]
    )
    lightness = lab.from_xyz(grey[:, None])[0]
    assert (lightness.diff() > 0).all()
    assert lightness.diff().max() < 0.1
