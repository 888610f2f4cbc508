import pytest
import torch
from scipy import stats

from relume.camera.tone_mapping import PercentileExposure, ToneMapping, Variation
from relume.errors import MethodError
from relume.operators.expand.linear import Linear
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.mantiuk2006 import Mantiuk2006
from relume.operators.tonemap.reinhard2002 import Reinhard2002

VARIATIONS = (
    Variation(method=Drago2003(peak=90.0), ranges={"bias": (0.7, 0.9)}),
    Variation(method=Reinhard2002(), ranges={"key": (0.1, 0.4), "white": (1.0, 8.0)}),
    Variation(method=PercentileExposure(low=0.0), ranges={}),
)


def scenes(generator, batch=4):
    return torch.randn(batch, 3, 16, 20, generator=generator).exp()


def test_each_picture_is_what_its_operator_makes_of_it_alone(generator):
    light = scenes(generator, batch=12)
    camera = ToneMapping(variations=VARIATIONS)
    choice, settings = drawn = camera.draw(light, generator)
    assert set(choice.tolist()) == {0, 1, 2}
    mapped = camera.apply(light, drawn)
    for index, (chosen, (a, b)) in enumerate(zip(choice.tolist(), settings.tolist(), strict=True)):
        method = (
            Drago2003(peak=90.0, bias=0.7 + 0.2 * a),
            Reinhard2002(key=0.1 + 0.3 * a, white=1.0 + 7.0 * b),
            PercentileExposure(low=0.0),
        )[chosen]
        torch.testing.assert_close(mapped[index], method(light[index : index + 1])[0])


def test_operators_and_parameters_are_drawn_evenly(generator):
    choice, settings = ToneMapping(variations=VARIATIONS).draw(torch.ones(3000, 3, 1, 1), generator)
    assert stats.chisquare(choice.bincount().numpy()).pvalue > 1e-3
    assert settings.shape == (3000, 2)
    assert stats.kstest(settings[:, 0].numpy(), stats.uniform.cdf).pvalue > 1e-3


def test_stretched_pictures_fill_0_to_1_each_by_itself(generator):
    light = scenes(generator) * torch.tensor([0.1, 1.0, 10.0, 100.0]).view(4, 1, 1, 1)
    camera = ToneMapping(variations=VARIATIONS[1:2], stretch=True)
    mapped = camera.apply(light, camera.draw(light, generator))
    assert mapped.amin((1, 2, 3)).tolist() == [0.0] * 4
    assert mapped.amax((1, 2, 3)).tolist() == [1.0] * 4


def test_an_even_picture_is_not_divided_by_nothing(generator):
    light = torch.full((2, 3, 8, 8), 0.4)
    camera = ToneMapping(variations=VARIATIONS[2:], stretch=True)
    assert camera.apply(light, camera.draw(light, generator)).isfinite().all()


def test_percentile_exposure_cuts_these_shares(generator):
    light = scenes(generator, batch=1)
    mapped = PercentileExposure(low=0.1, high=0.9)(light)
    # The sample of 1-based rank n·share is where the range ends: it is the last to be 0, and 1.
    assert (mapped == 0).sum() == round(0.1 * light.numel())
    assert (mapped == 1).sum() == light.numel() - round(0.9 * light.numel()) + 1
    assert ((mapped > 0) & (mapped < 1)).sum() == round(0.8 * light.numel()) - 1


def test_gradients_flow(generator):
    light = scenes(generator).requires_grad_()
    camera = ToneMapping(variations=VARIATIONS, stretch=True)
    camera.apply(light, camera.draw(light.detach(), generator)).sum().backward()
    assert light.grad.isfinite().all()


def test_operators_without_a_gradient_are_used_without_one(generator):
    light = scenes(generator).requires_grad_()
    camera = ToneMapping(variations=(Variation(method=Mantiuk2006()),))
    assert not camera.apply(light, camera.draw(light.detach(), generator)).requires_grad


def test_what_no_camera_can_use_is_refused():
    with pytest.raises(MethodError, match="needs tone mapping"):
        Variation(method=Linear())
    with pytest.raises(MethodError, match="no parameter 'bios'"):
        Variation(method=Drago2003(), ranges={"bios": (0.7, 0.9)})
    with pytest.raises(MethodError, match=r"bias is 1.4; expected 0.5 to 1"):
        Variation(method=Drago2003(), ranges={"bias": (0.7, 1.4)})
    with pytest.raises(MethodError, match="at least one operator"):
        ToneMapping(variations=())
