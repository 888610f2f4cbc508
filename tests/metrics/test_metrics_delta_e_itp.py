import warnings

import numpy as np
import torch

from relume.color.primaries import BT709, BT2020, convert
from relume.metrics import delta_e_itp
from relume.metrics.delta_e_itp import delta_e_itp_map

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour


def test_equals_colour_science(light: torch.Tensor) -> None:
    light = light.clamp(max=9000.0)
    prediction = light * torch.tensor([1.1, 0.9, 1.05], dtype=torch.float64).view(3, 1, 1)
    itp = []
    for picture in (prediction, light):
        rgb = convert(picture, BT709, BT2020).permute(1, 2, 0).numpy()
        itp.append(colour.RGB_to_ICtCp(rgb, method="ITU-R BT.2100-2 PQ"))
    expected = colour.delta_E(*itp, method="ITP")
    found = delta_e_itp_map(prediction, light).squeeze(0).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_mean_over_pixels(light: torch.Tensor) -> None:
    prediction = 1.1 * light
    found = delta_e_itp(prediction, light)
    torch.testing.assert_close(found, delta_e_itp_map(prediction, light).mean())


def test_primaries_are_those_of_the_pictures(light: torch.Tensor) -> None:
    prediction = light * torch.tensor([1.2, 1.0, 1.0], dtype=torch.float64).view(3, 1, 1)
    wide = [convert(picture, BT709, BT2020) for picture in (prediction, light)]
    torch.testing.assert_close(delta_e_itp(*wide, primaries=BT2020), delta_e_itp(prediction, light))


def test_equal_pixels_have_no_slope_and_others_do(light: torch.Tensor) -> None:
    prediction = light.clone()
    prediction[:, :10] *= 1.1
    prediction.requires_grad_()
    delta_e_itp(prediction, light).backward()
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert prediction.grad[:, :10].abs().amin(0).max() > 0
    assert not prediction.grad[:, 10:].any()
