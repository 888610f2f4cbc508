import numpy as np
import torch

from relume.color.luminance import luminance
from relume.operators.tonemap.yee_pattanaik2003 import local_adaptation


def test_agrees_with_the_toolbox(shared, toolbox_input):
    golden = np.load(shared / "conformance/operators/golden/YPTumblinTMO.npz")["fixedcc__tmo_b__L_wa"]
    result = local_adaptation(luminance(toolbox_input("tmo_b")))
    torch.testing.assert_close(result[0, 0], torch.from_numpy(golden).double(), rtol=1e-6, atol=0.0)


def test_each_segment_gets_its_own_mean():
    """Two bright areas that do not touch, five orders of magnitude above: categories never join them."""
    light = torch.full((1, 1, 5, 9), 1e-3, dtype=torch.float64)
    light[..., :3] = 126.0 * torch.tensor([1.0 / 1.1, 1.0, 1.1], dtype=torch.float64)
    light[..., 6:] = 126.0 * 1.1
    result = local_adaptation(light, layers=4)
    expected = torch.tensor([126.0, 1e-3, 126.0 * 1.1], dtype=torch.float64).repeat_interleave(3)
    torch.testing.assert_close(result, expected.expand_as(result), rtol=2e-3, atol=0.0)


def test_corners_do_not_connect():
    light = torch.tensor([[1.0, 1e4], [1e4, 1.2]], dtype=torch.float64)[None, None]
    result = local_adaptation(light, layers=2)
    torch.testing.assert_close(result, light, rtol=1e-4, atol=0.0)


def test_batch_is_one_by_one(generator):
    light = torch.rand(2, 1, 12, 15, generator=generator, dtype=torch.float64).mul(9).exp()
    torch.testing.assert_close(
        local_adaptation(light), torch.cat([local_adaptation(picture[None]) for picture in light])
    )
