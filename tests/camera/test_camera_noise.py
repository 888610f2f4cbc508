import pytest
import torch
from scipy import stats

from relume.camera.noise import NoiseDraw, PoissonGaussNoise, ProportionalNoise
from relume.errors import MethodError


def drawn(light, signal, read, generator):
    strength = [torch.full((len(light), 3), value, dtype=light.dtype) for value in (signal, read)]
    return NoiseDraw(*strength, torch.randn(light.shape, generator=generator, dtype=light.dtype))


@pytest.mark.parametrize("level", [0.05, 0.5, 4.0])
def test_proportional_noise_has_the_mean_and_variance_of_its_formula(generator, level):
    light = torch.full((1, 3, 200, 200), level, dtype=torch.float64)
    noisy = ProportionalNoise().apply(light, drawn(light, 0.01, 0.005, generator))
    variance = (0.01 * level) ** 2 + 0.005**2
    assert noisy.mean() == pytest.approx(level, abs=4 * (variance / light.numel()) ** 0.5)
    assert noisy.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("level", [0.05, 0.5, 4.0])
def test_poisson_gauss_noise_has_the_variance_of_its_formula(generator, level):
    light = torch.full((1, 3, 200, 200), level, dtype=torch.float64)
    noisy = PoissonGaussNoise().apply(light, drawn(light, 1e-4, 1e-6, generator))
    assert noisy.mean() == pytest.approx(level, abs=1e-3 * level)
    assert noisy.var() == pytest.approx(1e-4 * level + 1e-6, rel=0.03)


def test_the_grain_is_gaussian_and_differs_between_channels_and_pictures(generator):
    field = PoissonGaussNoise().draw(torch.ones(2, 3, 64, 64), generator).field
    assert stats.kstest(field.flatten().numpy(), stats.norm.cdf).pvalue > 1e-3
    planes = field.flatten(0, 1).flatten(1)
    assert (torch.corrcoef(planes) - torch.eye(6)).abs().max() < 0.06


def test_strengths_of_the_papers_are_uniform(generator):
    noise = ProportionalNoise(signal=0.08 / 6, read=0.005)
    signal, read, _ = noise.draw(torch.ones(1000, 3, 1, 1), generator)
    assert stats.kstest(signal.flatten().numpy(), stats.uniform(0, 0.08 / 6).cdf).pvalue > 1e-3
    assert stats.kstest(read.flatten().numpy(), stats.uniform(0, 0.005).cdf).pvalue > 1e-3
    assert not torch.equal(signal[:, 0], signal[:, 1])


def test_strengths_may_be_the_same_for_all_channels(generator):
    _, read, _ = ProportionalNoise(per_channel=False).draw(torch.ones(10, 3, 1, 1), generator)
    assert (read == read[:, :1]).all()
    assert len(read[:, 0].unique()) == 10


def test_physical_strengths_have_uniform_logarithms(generator):
    noise = PoissonGaussNoise(gain=(1e-5, 1e-3), read=(1e-7, 1e-5))
    gain, read, _ = noise.draw(torch.ones(2000, 3, 1, 1), generator)
    assert stats.kstest(gain[:, 0].log10().numpy(), stats.uniform(-5, 2).cdf).pvalue > 1e-3
    assert stats.kstest(read[:, 0].log10().numpy(), stats.uniform(-7, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("noise", [ProportionalNoise(read=0.0), ProportionalNoise(), PoissonGaussNoise()])
def test_black_stays_at_least_black_and_has_a_finite_gradient(generator, noise):
    light = torch.zeros(2, 3, 8, 8, requires_grad=True)
    noisy = noise.apply(light, noise.draw(light, generator))
    assert (noisy >= 0).all()
    noisy.sum().backward()
    assert light.grad.isfinite().all()


def test_the_gradient_is_that_of_the_formula(generator):
    light = torch.rand(1, 3, 4, 4, generator=generator, dtype=torch.float64) + 0.5
    for noise in (ProportionalNoise(), PoissonGaussNoise()):
        settings = noise.draw(light, generator)
        assert torch.autograd.gradcheck(
            lambda x, noise=noise, settings=settings: noise.apply(x, settings), light.clone().requires_grad_()
        )


def test_limits_that_have_no_logarithm_are_refused():
    with pytest.raises(MethodError, match="positive limits"):
        PoissonGaussNoise(gain=(0.0, 1e-4))
