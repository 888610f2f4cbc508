import pytest
import torch
from scipy import stats

from relume.camera.response import GivenResponse, MixedResponse, PopulationResponse
from relume.camera.response_families import GammaResponse, LogResponse, SigmoidResponse, SrgbResponse
from relume.color.transfer import srgb
from relume.errors import MethodError
from relume.response.basis import ResponseBasis, own_basis
from relume.response.curve import SAMPLES, lookup, sample_points
from relume.response.formulas import (
    gamma_curve,
    log_curve,
    sigmoid_curve,
    toe_curve,
    with_contrast,
)
from relume.response.population import MEMBERS, population

SOURCES = (
    GammaResponse(),
    SrgbResponse(),
    SigmoidResponse(),
    LogResponse(),
    PopulationResponse(),
    PopulationResponse(basis=own_basis(), components=5),
    GivenResponse(curves=population()[:7]),
    MixedResponse(responses=(GammaResponse(), LogResponse())),
)


def one(value):
    return torch.tensor([value], dtype=torch.float64)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_source_draws_rising_curves_with_exact_ends(generator, source, dtype):
    curves = source.draw(torch.ones(50, 3, 2, 2, dtype=dtype), generator)
    assert curves.shape == (50, SAMPLES)
    assert curves.dtype == dtype
    assert (curves.diff(dim=1) >= 0).all()
    assert (curves[:, 0] == 0).all()
    assert (curves[:, -1] == 1).all()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__)
def test_every_source_gives_each_picture_its_own_curve(generator, source):
    curves = source.draw(torch.ones(20, 3, 2, 2), generator)
    distinct = len(curves.unique(dim=0))
    assert distinct == {SrgbResponse: 1}.get(type(source), distinct)
    assert distinct > 4 or isinstance(source, SrgbResponse)


def test_formulas_are_what_they_say():
    x = sample_points()
    torch.testing.assert_close(gamma_curve(one(2.2))[0], x ** (1 / 2.2))
    torch.testing.assert_close(sigmoid_curve(one(0.9), one(0.6))[0, 1:], (1.6 * x**0.9 / (x**0.9 + 0.6))[1:])
    torch.testing.assert_close(log_curve(one(100.0))[0], (1 + 100 * x).log() / torch.tensor(101.0).log())
    torch.testing.assert_close(toe_curve(one(2.4), one(0.055))[0], srgb.inverse_eotf(x), rtol=0, atol=2e-4)


def test_the_toe_touches_its_power():
    steps = toe_curve(one(2.0), one(0.1))[0].diff()
    # x^(1/2) - shaped: steps shrink everywhere but on the line, where they are equal.
    assert (steps.diff() < 1e-12).all()
    assert (steps[:5] - steps[0]).abs().max() < 1e-12


def test_contrast_1_changes_nothing_and_higher_ones_are_an_s():
    straight = sample_points()[None]
    torch.testing.assert_close(with_contrast(straight, one(1.0), one(1.0)), straight)
    s = with_contrast(straight, one(2.0), one(1.0))[0]
    assert s[SAMPLES // 4] < 0.25
    assert s[3 * SAMPLES // 4] > 0.75
    torch.testing.assert_close(s + s.flip(0), torch.ones_like(s))


def test_gamma_and_log_parameters_have_their_distributions(generator):
    light = torch.ones(1000, 3, 1, 1, dtype=torch.float64)
    gamma = GammaResponse(exponent=(1.8, 2.2)).draw(light, generator)
    exponent = sample_points()[512].log() / gamma[:, 512].log()
    assert stats.kstest(exponent.numpy(), stats.uniform(1.8, 0.4).cdf).pvalue > 1e-3
    low, high = (log_curve(one(k))[0, 100] for k in (4.0, 256.0))
    log = LogResponse(strength=(4.0, 256.0)).draw(light, generator)[:, 100]
    assert low <= log.min() <= log.max() <= high
    assert (log > log_curve(one(32.0))[0, 100]).double().mean() == pytest.approx(0.5, abs=0.05)


def test_the_film_sigmoid_has_the_parameters_of_its_paper(generator):
    light = torch.ones(2000, 3, 1, 1, dtype=torch.float64)
    x = sample_points()[300]
    y = SigmoidResponse(offset=(0.6, 0.0)).draw(light, generator)[:, 300]
    exponent = (0.6 * y / (1.6 - y)).log() / x.log()
    assert stats.kstest(exponent.numpy(), stats.norm(0.9, 0.1).cdf).pvalue > 1e-3
    y = SigmoidResponse(exponent=(0.9, 0.0)).draw(light, generator)[:, 300]
    offset = x**0.9 * (1.0 - y) / (y - x**0.9)
    assert stats.kstest(offset.numpy(), stats.norm(0.6, 0.1).cdf).pvalue > 1e-3


def test_given_curves_are_drawn_evenly(generator):
    source = GivenResponse(curves=population()[:4])
    drawn = source.draw(torch.ones(2000, 3, 1, 1, dtype=torch.float64), generator)
    counts = [(drawn == curve).all(1).sum().item() for curve in population()[:4]]
    assert sum(counts) == 2000
    assert stats.chisquare(counts).pvalue > 1e-3


def test_mixtures_follow_their_weights(generator):
    parts = (GivenResponse(curves=population()[:1]), GivenResponse(curves=population()[1:2]))
    source = MixedResponse(responses=parts, weights=(3.0, 1.0))
    drawn = source.draw(torch.ones(2000, 3, 1, 1, dtype=torch.float64), generator)
    first = (drawn == population()[0]).all(1).sum().item()
    assert stats.binomtest(first, 2000, 0.75).pvalue > 1e-3


def test_mixtures_without_a_weight_for_each_are_refused():
    with pytest.raises(MethodError, match="one weight for each"):
        MixedResponse(responses=(SrgbResponse(),), weights=(1.0, 2.0))


def test_the_population_is_the_same_everywhere_and_varied():
    curves = population()
    assert curves.shape == (MEMBERS, SAMPLES)
    assert (curves.diff(dim=1) > 0).all()
    middle = curves[:, 184].sort().values  # irradiance 0.18
    assert middle[len(middle) // 100] < 0.15
    assert middle[-len(middle) // 100] > 0.75
    # Presets and bases depend on these.
    found = curves[[0, 100, 255], [300, 500, 700]].tolist()
    assert found == pytest.approx([0.4737490671481912, 0.38940349157327175, 0.9553341613804823], abs=1e-12)


def test_mixed_members_lie_between_the_extremes_of_the_population(generator):
    curves = PopulationResponse().draw(torch.ones(200, 3, 1, 1, dtype=torch.float64), generator)
    assert (curves <= population().amax(0) + 1e-12).all()
    assert (curves >= population().amin(0) - 1e-12).all()


def test_where_a_basis_lets_curves_fall_they_are_held_level(generator):
    x = sample_points()
    wave = torch.sin(20 * torch.pi * x)[None]
    basis = ResponseBasis(mean=x**0.2, vectors=wave / wave.norm())
    light = torch.ones(30, 3, 1, 1, dtype=torch.float64)
    unrepaired = basis.curves(basis.project(PopulationResponse().draw(light, generator)))
    assert (unrepaired.diff(dim=1)[:, 10:] < 0).any(1).all()
    curves = PopulationResponse(basis=basis).draw(light, generator)
    assert (curves.diff(dim=1) >= 0).all()
    assert (curves - x**0.2).abs().max() < 0.2


def test_a_response_encodes_by_its_curve(generator):
    light = torch.rand(2, 3, 4, 4, generator=generator)
    source = SigmoidResponse()
    curve = source.draw(light, generator)
    assert torch.equal(source.apply(light, curve), lookup(light, curve))
