"""The quick judge of small pictures: near TMQI, and right about the ends."""

import pytest
import torch

from relume.color.luminance import luminance
from relume.data.synthetic import synthetic_scene
from relume.metrics.tmqi import tmqi
from relume.operators.tonemap.likeness import Likeness, naturalness

BOTTOM, TOP = (torch.tensor(value, dtype=torch.float64).view(1, 1, 1, 1) for value in (1e-3, 1e3))


def light_of(seed):
    generator = torch.Generator().manual_seed(seed)
    scene = synthetic_scene(size=(192, 256), generator=generator, kind="indoor")
    return luminance(scene[None].double())


def pictures(light):
    """Photographic curves from dark to bright, some of them soft, as codes."""
    middle = light.log().mean().exp()
    for exposure in (-5.0, -3.0, -2.0, -1.0, 1.0):
        for gamma in (0.25, 0.45):
            exposed = light / middle * 2.0**exposure
            yield 255.0 * (exposed / (1.0 + exposed)) ** gamma


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ranks_pictures_as_tmqi_does(seed):
    light = light_of(seed)
    likeness = Likeness(light, bottom=BOTTOM, top=TOP)
    quick, full = [], []
    for codes in pictures(light):
        three = (codes / 255.0).expand(1, 3, -1, -1)[0]
        quick.append(likeness(codes) + 0.3 * likeness.loss(codes))
        full.append(float(tmqi(three, light.expand(1, 3, -1, -1)[0]).q))
    assert float(torch.corrcoef(torch.tensor([quick, full]))[0, 1]) > 0.9


def test_structure_of_the_light_itself_is_whole_and_of_its_negative_is_not():
    light = light_of(4)
    likeness = Likeness(light, bottom=BOTTOM, top=TOP)
    codes = 255.0 * (light / light.max()) ** 0.45
    assert likeness.structure(codes) > 0.8
    assert likeness.structure(255.0 - codes) < 0.2


def test_naturalness_by_hand():
    """The likeliest: mean 115.94, and blocks whose deviation is the mode of the beta distribution."""
    rows = torch.arange(81, dtype=torch.float64)
    board = ((rows[:, None] + rows) % 2)[None, None] - 0.5
    likeliest = 64.29 * 3.4 / 12.5
    codes = 115.94 + board * (likeliest / float(board[0, 0, :9, :9].std()))
    assert naturalness(codes) == pytest.approx(1.0, abs=1e-3)
    assert naturalness(codes + 27.99) == pytest.approx(0.6065, abs=1e-3)
    assert naturalness(torch.full_like(codes, 115.94)) == 0.0


def test_loss_counts_what_is_lost_but_not_what_may_be():
    light = torch.tensor([[1e-4, 1.0], [2.0, 1e4]], dtype=torch.float64)[None, None]
    likeness = Likeness(light, bottom=BOTTOM, top=TOP)
    assert likeness.loss(torch.full_like(light, 128.0)) == 0.0
    assert likeness.loss(torch.full_like(light, 255.0)) == pytest.approx(0.75)
    assert likeness.loss(torch.full_like(light, 0.0)) == pytest.approx(0.75)
    assert likeness.loss(torch.full_like(light, 240.0)) == pytest.approx(0.375)


def test_judges_one_pixel():
    light = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    assert Likeness(light, bottom=BOTTOM, top=TOP)(torch.full_like(light, 116.0)) == pytest.approx(0.8012)
