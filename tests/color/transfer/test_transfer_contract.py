"""What every row of the table of transfers promises, whatever the curve."""

import math

import pytest
import torch
from torch import Tensor

from relume.color.primaries import BT2020
from relume.color.transfer import TRANSFERS, bt709, pq

ROWS = sorted(TRANSFERS)

# How a curve goes on outside 0..1. A new row has to say it here.
OUTSIDE = {
    "linear": "odd",
    "srgb": "odd",
    "bt709": "odd",
    "bt1886": "odd",
    "gamma2.2": "odd",
    "gamma2.8": "odd",
    "pq": "clamped",
    "hlg": "black below",
}

# Largest relative error of decode(encode(light)) in float32, for light from 1e-6 (PQ: 1e-10) to 1.
ROUND_TRIP_FLOAT32 = {
    "linear": 0.0,
    "srgb": 1.5e-6,
    "bt709": 1e-6,
    "bt1886": 2e-6,
    "gamma2.2": 2e-6,
    "gamma2.8": 2e-6,
    "pq": 6e-6,
    "hlg": 1e-6,
}

JOINTS_OF_CODE = (pq.BLACK_CODE, 0.04045, 4.5 * bt709.BETA, 0.5)
JOINTS_OF_LIGHT = (1e-10, 1e-8, 0.0031308, bt709.BETA, 1 / 12, 1e-8**1.2)


def grey(values: Tensor) -> Tensor:
    """Each value as a grey pixel of one row (3, 1, n)."""
    return values.expand(3, 1, -1).contiguous()


def decode(name: str, signal: Tensor) -> Tensor:
    row = TRANSFERS[name]
    return row.decode(signal, row.white, BT2020)


def encode(name: str, light: Tensor) -> Tensor:
    row = TRANSFERS[name]
    return row.encode(light, row.white, BT2020)


def lights(name: str, dtype: torch.dtype) -> Tensor:
    lowest = -10 if name == "pq" else -6
    return grey(torch.logspace(lowest, 0, 20001, dtype=torch.float64)).to(dtype)


def test_every_row_says_how_it_goes_on_outside_and_how_exact_it_is():
    assert set(OUTSIDE) == set(ROUND_TRIP_FLOAT32) == set(TRANSFERS)


def test_no_two_rows_have_the_same_h273_number():
    numbers = [row.h273 for row in TRANSFERS.values() if row.h273 is not None]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("name", ROWS)
def test_round_trip_in_float64(name):
    light = lights(name, torch.float64)
    assert (decode(name, encode(name, light)) / light - 1).abs().max() < 1e-13


@pytest.mark.parametrize("name", ROWS)
def test_round_trip_in_float32(name):
    light = lights(name, torch.float32)
    error = (decode(name, encode(name, light)).double() / light.double() - 1).abs().max()
    assert error <= ROUND_TRIP_FLOAT32[name]


@pytest.mark.parametrize("name", ROWS)
def test_float32_agrees_with_float64(name):
    light = lights(name, torch.float32)
    code = encode(name, light)
    assert (code.double() - encode(name, light.double())).abs().max() < 2e-7
    exact = decode(name, code.double())
    assert ((decode(name, code).double() - exact) / exact).abs().max() < 6e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ROWS)
def test_ends_of_the_range(name, dtype):
    ends = grey(torch.tensor([0.0, 1.0], dtype=dtype))
    slack = 3e-7 if name == "hlg" else 0.0  # the constant A of HLG is printed with eight digits
    assert (decode(name, ends) - ends).abs().max() <= slack
    black, white = encode(name, ends)[0, 0]
    assert black == 0.0 or (name == "pq" and abs(black - pq.BLACK_CODE) < 1e-12)
    assert abs(white - 1.0) <= slack


@pytest.mark.parametrize("name", ROWS)
def test_monotone(name):
    codes = torch.linspace(-0.2, 1.2, 50001, dtype=torch.float64)
    joints = torch.tensor(
        [joint + step for joint in JOINTS_OF_CODE for step in (-1e-12, 0.0, 1e-12)]
    ).double()
    decoded = decode(name, grey(torch.cat((codes, joints)).sort().values))
    assert (decoded.diff(dim=-1) >= -1e-15).all()
    light = torch.cat((torch.linspace(-0.1, 1.1, 50001).double(), torch.logspace(-12, 0, 50001).double()))
    encoded = encode(name, grey(light.sort().values))
    assert (encoded.diff(dim=-1) >= -1e-15).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ROWS)
def test_gradients_are_finite_and_never_negative(name, dtype):
    special = torch.tensor([-1.0, -0.0, 0.0, 1e-30, 1.0, 1.5, *JOINTS_OF_CODE, *JOINTS_OF_LIGHT], dtype=dtype)
    values = torch.cat((special, torch.linspace(-0.1, 1.1, 101, dtype=dtype)))
    for curve in (decode, encode):
        at = grey(values).requires_grad_()
        (slope,) = torch.autograd.grad(curve(name, at).sum(), at)
        assert slope.isfinite().all()
        assert (slope >= 0).all()


@pytest.mark.parametrize("name", ROWS)
def test_light_at_black_gets_a_gradient(name):
    """A network whose output is exactly 0 must be able to leave it."""
    at = torch.zeros(3, 1, 1, requires_grad=True)
    (slope,) = torch.autograd.grad(encode(name, at).sum(), at)
    assert (slope > 0).all()


@pytest.mark.parametrize("name", ROWS)
def test_gradients_are_those_of_differences(name):
    values = torch.tensor([[0.02, 0.3, 0.7], [0.1, 0.45, 0.9], [0.004, 0.6, 0.8]], dtype=torch.float64)
    for curve in (decode, encode):
        at = values[:, None].clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda x, curve=curve: curve(name, x), (at,), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in ROWS if OUTSIDE[name] == "odd"])
def test_odd_symmetry_and_no_upper_end(name):
    values = grey(torch.tensor([0.0, 1e-9, 1e-3, 0.3, 1.0, 30.0]))
    for curve in (decode, encode):
        assert torch.equal(curve(name, -values), -curve(name, values))
        assert (curve(name, values).diff(dim=-1) > 0).all()
    torch.testing.assert_close(decode(name, encode(name, values)), values, rtol=3e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in ROWS if OUTSIDE[name] == "clamped"])
def test_clamped_outside(name):
    outside, ends = grey(torch.tensor([-1.0, -1e-3, 1.001, 7.0])), grey(torch.tensor([0.0, 0.0, 1.0, 1.0]))
    for curve in (decode, encode):
        assert torch.equal(curve(name, outside), curve(name, ends))


@pytest.mark.parametrize("name", [name for name in ROWS if OUTSIDE[name] == "black below"])
def test_black_below_and_continued_above(name):
    for curve in (decode, encode):
        assert torch.equal(curve(name, grey(torch.tensor([-1.0, -1e-3]))), torch.zeros(3, 1, 2))
    light = grey(torch.tensor([1.0, 1.5, 4.0]))
    assert (encode(name, light).diff(dim=-1) > 0).all()
    torch.testing.assert_close(decode(name, encode(name, light)), light, rtol=5e-6, atol=0)


@pytest.mark.parametrize("name", ROWS)
def test_shapes_and_strides_do_not_matter(name, generator):
    batch = torch.rand(2, 3, 5, 7, generator=generator)
    for curve in (decode, encode):
        whole = curve(name, batch)
        assert whole.shape == batch.shape
        torch.testing.assert_close(
            torch.stack([curve(name, image) for image in batch]), whole, rtol=1e-6, atol=0
        )
        channels_last = batch.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(curve(name, channels_last), whole, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ROWS)
def test_nan_is_not_hidden_and_the_input_is_left_alone(name):
    values = torch.full((3, 1, 2), 0.5)
    values[:, :, 1] = math.nan
    before = values.clone()
    for curve in (decode, encode):
        result = curve(name, values)
        assert result[:, :, 1].isnan().all()
        assert result[:, :, 0].isfinite().all()
        assert torch.equal(values.nan_to_num(-9.0), before.nan_to_num(-9.0))
