import math

import pytest
import torch

from relume.color.luminance import luminance
from relume.color.transfer import srgb
from relume.evaluation.tone_mapped import OPERATORS, tonemapped_psnr, tonemapped_ssim
from relume.metrics.ssim import ssim


@pytest.fixture
def scenes(generator: torch.Generator) -> torch.Tensor:
    return (2.0 * torch.randn(2, 3, 32, 40, generator=generator, dtype=torch.float64)).exp()


def _exposed(scene: torch.Tensor) -> torch.Tensor:
    return 0.18 * scene / luminance(scene).log().mean().exp()


def test_they_are_the_means_of_four_renderings(scenes: torch.Tensor) -> None:
    left, right = scenes[:1], scenes[1:]
    psnrs, ssims = [], []
    for operator in OPERATORS:
        codes = [srgb.inverse_eotf(operator(_exposed(scene)).clamp(0.0, 1.0)) for scene in (left, right)]
        psnrs.append(-10.0 * (codes[0] - codes[1]).square().mean().log10())
        ssims.append(ssim(codes[0], codes[1], dynamic_range=1.0))
    assert len(OPERATORS) == 4
    assert float(tonemapped_psnr(left, right)) == pytest.approx(float(sum(psnrs)) / 4, rel=1e-5)
    assert float(tonemapped_ssim(left, right)) == pytest.approx(float(sum(ssims)) / 4, rel=1e-5)


def test_equal_pictures_and_exposure(scenes: torch.Tensor) -> None:
    assert tonemapped_psnr(scenes, scenes).tolist() == [math.inf] * 2
    assert tonemapped_ssim(scenes, scenes).tolist() == pytest.approx([1.0] * 2)
    assert float(tonemapped_ssim(scenes[0], 8.0 * scenes[0])) > 0.999


def test_pictures_of_a_batch_do_not_see_each_other(scenes: torch.Tensor) -> None:
    other = scenes.flip(-1).sqrt()
    together = tonemapped_psnr(scenes, other)
    assert float(together[1]) == pytest.approx(float(tonemapped_psnr(scenes[1], other[1])))
