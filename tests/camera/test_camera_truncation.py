import pytest
import torch

from relume.camera.truncation import BaseDetail, Clip
from relume.filters.guided import guided_filter


def test_clip_ends_at_0_and_1_and_marks_what_it_cut():
    light = torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.5, 7e4]).expand(1, 3, 1, 6)
    clipped, lost = Clip().apply(light)
    assert clipped[0, 0, 0].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0, 1.0]
    assert lost[0, 0, 0].tolist() == [False, False, False, False, True, True]


def test_base_and_detail_is_the_formula_of_the_paper(generator):
    light = torch.rand(2, 3, 24, 24, generator=generator, dtype=torch.float64) * 3
    base = guided_filter(light, radius=2, epsilon=0.01)
    expected = base.clamp(0.0, 1.0) * (light / (base + 1e-15))
    torch.testing.assert_close(BaseDetail().apply(light)[0], expected, rtol=1e-12, atol=0)


def test_base_and_detail_keeps_what_is_dark_and_flattens_what_is_light():
    light = torch.full((1, 3, 16, 16), 0.25)
    light[..., 8:] = 40.0
    truncated, lost = BaseDetail().apply(light)
    assert torch.equal(truncated[..., :4], light[..., :4])
    torch.testing.assert_close(truncated[..., 12:], torch.ones(1, 3, 16, 4))
    assert not lost[..., :4].any()
    assert lost[..., 12:].all()


def test_detail_on_a_clipped_base_survives_and_may_exceed_1(generator):
    light = 10.0 + 0.05 * torch.randn(1, 3, 32, 32, generator=generator, dtype=torch.float64)
    truncated, lost = BaseDetail().apply(light)
    assert truncated.max() > 1.0
    assert truncated.std() == pytest.approx(0.005, rel=0.3)
    assert lost.all()


@pytest.mark.parametrize("truncation", [Clip(), BaseDetail()])
def test_black_is_black_with_a_finite_gradient(truncation):
    light = torch.zeros(1, 3, 8, 8, requires_grad=True)
    truncated, _ = truncation.apply(light)
    assert (truncated == 0).all()
    truncated.sum().backward()
    assert light.grad.isfinite().all()


def test_base_and_detail_has_the_gradient_of_its_formula(generator):
    light = torch.rand(1, 1, 6, 6, generator=generator, dtype=torch.float64).expand(1, 3, 6, 6) * 3
    assert torch.autograd.gradcheck(lambda x: BaseDetail().apply(x)[0], light.clone().requires_grad_())
