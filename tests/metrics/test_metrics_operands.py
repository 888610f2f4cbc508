import inspect

import numpy as np
import pytest
import torch

from relume.errors import ImageError
from relume.metrics.operands import absolute_operands, channels_first, light_tensor, operands


def test_array_becomes_channels_first_in_float64(generator: torch.Generator) -> None:
    array = torch.rand(4, 5, 3, generator=generator).numpy()
    tensor = light_tensor(array, "prediction")
    assert tensor.shape == (3, 4, 5)
    assert tensor.dtype == torch.float64
    np.testing.assert_array_equal(tensor[2], array[..., 2])


def test_array_is_not_aliased() -> None:
    array = np.zeros((2, 2, 3))
    light_tensor(array, "prediction")[:] = 1.0
    assert not array.any()


def test_the_more_precise_type_wins() -> None:
    left, right = operands(torch.ones(3, 2, 2, dtype=torch.float16), torch.ones(3, 2, 2))
    assert left.dtype == right.dtype == torch.float32
    left, right = operands(torch.ones(3, 2, 2), np.ones((2, 2, 3), dtype=np.float32))
    assert left.dtype == right.dtype == torch.float64


def test_half_precision_is_widened() -> None:
    """Squares of light in cd/m² do not fit into half precision."""
    assert light_tensor(torch.ones(3, 2, 2, dtype=torch.bfloat16), "reference").dtype == torch.float32


def test_eight_bit_codes_stay_codes() -> None:
    assert channels_first(np.full((2, 2, 3), 7, dtype=np.uint8), "sdr").dtype == torch.uint8


def test_integers_are_not_light() -> None:
    with pytest.raises(ImageError, match=r"reference holds torch.uint8; expected light"):
        light_tensor(np.zeros((2, 2, 3), dtype=np.uint8), "reference")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_not_a_number_is_refused(bad: float) -> None:
    picture = torch.ones(3, 2, 2)
    picture[1, 0, 1] = bad
    with pytest.raises(ImageError, match="prediction holds NaN or infinity"):
        operands(picture, torch.ones(3, 2, 2))


# The shape checks of the test run would refuse these before the code does, hence the plain function.
@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.ones((3, 4, 4)), r"shape \(3, 4, 4\); expected \(height, width, 3\)"),
        (np.ones((4, 4)), r"expected \(height, width, 3\)"),
        (np.ones((0, 4, 3)), "not empty"),
        (torch.ones(4, 4, 3), r"shape \(4, 4, 3\); expected \(..., 3, height, width\)"),
        (torch.ones(4, 4), r"expected \(..., 3, height, width\)"),
        (torch.ones(3, 0, 4), "not empty"),
    ],
)
def test_other_shapes_are_refused(picture: np.ndarray | torch.Tensor, expected: str) -> None:
    with pytest.raises(ImageError, match=expected):
        inspect.unwrap(channels_first)(picture, "prediction")


def test_light_up_to_one_is_taken_as_relative() -> None:
    with pytest.raises(
        ImageError, match=r"no light is above 1 cd/m².*multiply the pictures by the luminance"
    ):
        absolute_operands(torch.ones(3, 2, 2), torch.zeros(3, 2, 2))


def test_one_bright_picture_vouches_for_a_batch_and_either_for_the_other() -> None:
    dark, bright = torch.full((3, 2, 2), 0.01), torch.full((3, 2, 2), 1.01)
    assert len(absolute_operands(torch.stack((dark, bright)), torch.stack((dark, dark)))) == 2
    absolute_operands(dark, bright)
    absolute_operands(bright, dark)
