import numpy as np
import pytest
import torch

from relume.color.spaces import ictcp
from relume.color.transfer import pq


def colours(generator, dtype=torch.float64):
    """Linear BT.2020 from 1e-4 to 10 000 cd/m²."""
    return 10 ** (torch.rand(2, 3, 16, 16, generator=generator, dtype=torch.float64) * 8 - 4).to(dtype)


def test_agrees_with_colour_science(colour, generator):
    image = colours(generator)
    expected = colour.RGB_to_ICtCp(image.movedim(-3, -1).numpy(), method="ITU-R BT.2100-2 PQ")
    ours = ictcp.from_linear(image)
    torch.testing.assert_close(ours, torch.from_numpy(expected).movedim(-1, -3), rtol=0, atol=1e-12)
    expected = colour.ICtCp_to_RGB(ours.movedim(-3, -1).numpy(), method="ITU-R BT.2100-2 PQ")
    torch.testing.assert_close(
        ictcp.to_linear(ours), torch.from_numpy(expected).movedim(-1, -3), rtol=1e-9, atol=1e-8
    )


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 3e-5), (torch.float64, 1e-12)])
def test_round_trip(dtype, limit, generator):
    """Within that share of the brightest channel of each pixel, since the cones mix the channels."""
    image = colours(generator, dtype)
    error = (ictcp.to_linear(ictcp.from_linear(image)) - image).abs() / image.amax(-3, keepdim=True)
    assert error.max() < limit


@pytest.mark.parametrize("luminance", [0.0, 0.01, 100.0, 203.0, 10_000.0])
def test_grey_has_the_intensity_of_pq_and_no_colour(luminance):
    grey = torch.full((3, 1, 1), luminance, dtype=torch.float64)
    intensity, tritan, protan = ictcp.from_linear(grey).flatten()
    assert intensity.item() == pytest.approx(pq.inverse_eotf(grey)[0].item(), abs=1e-14)
    assert (tritan.item(), protan.item()) == pytest.approx((0, 0), abs=1e-14)


def test_directions_of_the_axes():
    red, green, blue = (ictcp.from_linear(100.0 * colour[:, None, None]).flatten() for colour in torch.eye(3))
    assert blue[1] > 0.1
    assert red[2] > 0.1
    assert green[2] < 0


def test_rows_of_the_matrices_sum_to_one_and_zero():
    assert np.array_equal(ictcp.RGB_TO_LMS.sum(1), np.ones(3))
    assert np.array_equal(ictcp.LMS_TO_ICTCP.sum(1), [1, 0, 0])


def test_gradients_are_finite_and_right():
    edges = torch.tensor([0.0, 1e-6, 10_000.0, 20_000.0, -1.0]).expand(3, 1, -1).contiguous().requires_grad_()
    encoded = ictcp.from_linear(edges)
    for result in (encoded, ictcp.to_linear(encoded)):
        (slope,) = torch.autograd.grad(result.sum(), edges, retain_graph=True)
        assert slope.isfinite().all()
    values = torch.tensor([[0.5, 90.0], [3.0, 20.0], [1.0, 200.0]]).double()[:, None].requires_grad_()
    assert torch.autograd.gradcheck(ictcp.from_linear, (values,))
    assert torch.autograd.gradcheck(ictcp.to_linear, (ictcp.from_linear(values).detach().requires_grad_(),))
