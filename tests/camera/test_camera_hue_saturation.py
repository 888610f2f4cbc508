import colorsys

import pytest
import torch
from scipy import stats

from relume.camera.hue_saturation import HueSaturation


@pytest.mark.parametrize("degrees", [-170.0, -40.0, 0.0, 7.0, 120.0, 240.0])
@pytest.mark.parametrize("added", [-0.3, 0.0, 0.2])
def test_hue_and_saturation_agree_with_the_hsv_of_python(generator, degrees, added):
    light = torch.rand(1, 3, 4, 4, generator=generator, dtype=torch.float64) * 5
    changes = torch.tensor([[degrees, added]], dtype=torch.float64)
    turned = HueSaturation().apply(light, changes)
    for pixel, result in zip(light[0].flatten(1).T, turned[0].flatten(1).T, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel.sqrt().tolist())
        expected = colorsys.hsv_to_rgb(
            (hue + degrees / 360.0) % 1.0, min(max(saturation + added, 0.0), 1.0), value
        )
        torch.testing.assert_close(
            result.sqrt(), torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0
        )


def test_hue_and_saturation_are_gaussian(generator):
    changes = HueSaturation(hue=7.0, saturation=0.1).draw(torch.ones(3000, 3, 1, 1), generator)
    assert stats.kstest(changes[:, 0].numpy(), stats.norm(0, 7).cdf).pvalue > 1e-3
    assert stats.kstest(changes[:, 1].numpy(), stats.norm(0, 0.1).cdf).pvalue > 1e-3


def test_black_and_grey_have_finite_gradients():
    light = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 0.0, 0.0]]).T.reshape(1, 3, 1, 3)
    light.requires_grad_()
    turned = HueSaturation().apply(light, torch.tensor([[5.0, 0.1]]))
    assert (turned[..., 0] == 0).all()
    turned.sum().backward()
    assert light.grad.isfinite().all()
