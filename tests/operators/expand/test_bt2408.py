import pytest
import torch

from relume.color.luminance import luminance
from relume.operators.expand.bt2408 import Bt2408


def test_white_is_reference_white_and_all_else_in_proportion(generator):
    image = torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(Bt2408()(image), image * 203.0)


def test_gamma_works_on_luminance_and_keeps_colours(generator):
    image = torch.rand(1, 3, 5, 6, generator=generator, dtype=torch.float64) + 0.01
    result = Bt2408(white=100.0, gamma=1.2)(image)
    torch.testing.assert_close(luminance(result), 100.0 * luminance(image).pow(1.2))
    ratio = result / image
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_gamma_leaves_black_and_white(value):
    result = Bt2408(gamma=1.5)(torch.full((1, 3, 2, 2), value, dtype=torch.float64))
    torch.testing.assert_close(result, torch.full_like(result, 203.0 * value))
