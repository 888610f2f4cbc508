import pytest
import torch

from relume.camera.quantization import Quantization
from relume.camera.straight_through import straight_through
from relume.errors import MethodError


@pytest.mark.parametrize("bits", [1, 8, 10, 16])
def test_codes_are_whole_and_nearest(generator, bits):
    encoded = torch.rand(2, 3, 16, 16, generator=generator, dtype=torch.float64)
    top = 2**bits - 1
    codes = Quantization(bits=bits).apply(encoded) * top
    torch.testing.assert_close(codes, codes.round(), rtol=0, atol=1e-9)
    assert (codes - encoded * top).abs().max() <= 0.5 + 1e-9


def test_codes_are_those_of_a_file_to_the_last_bit():
    codes = torch.arange(256.0) / 255.0
    encoded = (codes + torch.linspace(-0.49, 0.49, 256) / 255.0).expand(1, 3, 1, 256).requires_grad_()
    assert torch.equal(Quantization().apply(encoded)[0, 0, 0], codes)


def test_halves_go_up_and_the_rest_ends_at_the_ends():
    encoded = torch.tensor([-0.2, 0.5 / 255, 1.5 / 255, 1.0, 1.3], dtype=torch.float64).expand(1, 3, 1, 5)
    assert (Quantization().apply(encoded)[0, 0, 0] * 255).round().tolist() == [0, 1, 2, 255, 255]


def test_the_gradient_is_exactly_1_inside_and_0_outside():
    encoded = torch.linspace(-0.5, 1.5, 201).expand(1, 3, 1, 201).clone().requires_grad_()
    Quantization().apply(encoded).sum().backward()
    inside = (encoded >= 0) & (encoded <= 1)
    assert torch.equal(encoded.grad, inside.float())


def test_the_variance_of_the_error_is_that_of_a_uniform_one(generator):
    encoded = torch.rand(1, 3, 200, 200, generator=generator, dtype=torch.float64)
    error = (Quantization().apply(encoded) - encoded) * 255
    assert error.mean() == pytest.approx(0.0, abs=0.005)
    assert error.var() == pytest.approx(1 / 12, rel=0.02)


def test_a_depth_that_no_file_has_is_refused():
    with pytest.raises(MethodError, match="expected 1 to 16"):
        Quantization(bits=0)


def test_straight_through_gives_the_replacement_to_the_last_bit():
    value = torch.tensor([1e8, -3.0, 0.1], requires_grad=True)
    replacement = torch.tensor([0.1, 1e-20, 7.0])
    result = straight_through(value, replacement)
    assert torch.equal(result, replacement)
    result.backward(torch.tensor([1.0, 2.0, 3.0]))
    assert value.grad.tolist() == [1.0, 2.0, 3.0]
