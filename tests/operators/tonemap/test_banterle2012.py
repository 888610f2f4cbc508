import numpy as np
import pytest
import torch

from relume.operators.statistics import light_of, percentile
from relume.operators.tonemap.banterle2012 import Banterle2012, blend, zones
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.reinhard2002 import Reinhard2002Local


@pytest.mark.parametrize(
    ("case", "rescale", "least"),
    [("default__tmo_a", True, 0.99), ("default__tmo_b", True, 1.0), ("norescale__tmo_b", False, 1.0)],
)
def test_zones_are_those_of_the_toolbox(case, rescale, least, toolbox_input, shared):
    """Which neighbour a small patch goes to is not told by the paper: hence 1 %."""
    image = toolbox_input(case[-5:])
    if rescale:
        image = image * (3000.0 / percentile(light_of(image), 0.999))
    expected = np.load(shared / "conformance/operators/golden/BanterleTMO.npz")[f"{case}__segments"]
    assert (zones(image.clamp(0.015, 3000.0)) == expected).mean() >= least


def test_small_patches_go_to_their_neighbour():
    image = torch.full((1, 3, 60, 60), 5.0, dtype=torch.float64)
    image[..., 20, 20] = 2000.0
    assert (zones(image)[10:15, 10:15] == 0).all()
    assert (zones(image) == 0).all()
    image[..., 20:40, 20:40] = 2000.0
    assert (zones(image)[25:35, 25:35] == 3).all()


@pytest.mark.parametrize(
    ("level", "operator"),
    [(5.0, Reinhard2002Local(key=0.5)), (50.0, Drago2003()), (500.0, Reinhard2002Local(key=0.5))],
)
def test_one_zone_is_its_operator(level, operator, generator):
    image = level * torch.rand(1, 3, 40, 50, generator=generator, dtype=torch.float64).mul(0.1).add(1.0)
    torch.testing.assert_close(Banterle2012()(image), operator(image))


def test_blend_of_one_picture_is_the_picture(generator):
    first, second = (torch.rand(1, 3, 33, 50, generator=generator, dtype=torch.float64) for _ in range(2))
    share = torch.rand(1, 1, 33, 50, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(blend(first, first, share), first)
    torch.testing.assert_close(blend(first, second, torch.ones_like(share)), first)
    torch.testing.assert_close(blend(first, second, torch.zeros_like(share)), second)


def test_blend_takes_texture_by_the_mask_and_light_from_both():
    """Light as wide as the picture is mixed by the share of each, its fine texture is not."""
    texture = 0.1 * (torch.arange(64) % 2).expand(1, 3, 64, 64)
    share = torch.zeros(1, 1, 64, 64)
    share[..., :32] = 1.0
    mixed = blend(0.8 + texture, torch.full((1, 3, 64, 64), 0.2), share)[0, 0, 32]
    assert float((mixed[2:24:2] - mixed[1:23:2]).abs().mean()) > 0.08
    assert float((mixed[40:62:2] - mixed[41:63:2]).abs().max()) < 0.02
    assert 0.3 < float(mixed[:24].mean()) < 0.8
    assert 0.3 < float(mixed[40:].mean()) < 0.8


def test_unknown_luminance_takes_out_the_exposure(generator):
    image = torch.rand(1, 3, 40, 50, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    method = Banterle2012(calibrated=False)
    torch.testing.assert_close(method(image), method(7.0 * image), rtol=1e-6, atol=1e-9)
