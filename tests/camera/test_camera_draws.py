import pytest
import torch
from scipy import stats

from relume.camera import draws


@pytest.fixture
def light():
    return torch.ones(3000, 3, 1, 1)


def seeded():
    return torch.Generator().manual_seed(11)


def test_distributions(light):
    assert stats.kstest(draws.uniform(light, seeded(), -1, 3).numpy(), stats.uniform(-1, 4).cdf).pvalue > 1e-3
    assert stats.kstest(draws.normal(light, seeded(), 2, 0.5).numpy(), stats.norm(2, 0.5).cdf).pvalue > 1e-3
    logs = draws.log_uniform(light, seeded(), 0.01, 100).log10().numpy()
    assert stats.kstest(logs, stats.uniform(-2, 4).cdf).pvalue > 1e-3
    counts = draws.integers(light, seeded(), 3, 7).bincount()
    assert counts[:3].sum() == 0
    assert stats.chisquare(counts[3:].numpy()).pvalue > 1e-3


def test_limits_that_are_equal_are_met_exactly(light):
    assert (draws.uniform(light, seeded(), 0.3, 0.3) == 0.3).all()
    assert (draws.log_uniform(light, seeded(), 0.3, 0.3) == 0.3).all()


def test_both_precisions_get_the_same_numbers(light):
    for draw in (lambda like: draws.numbers(like, seeded(), 2), lambda like: draws.field(like, seeded())):
        double = draw(light.double())
        assert double.dtype == torch.float64
        assert torch.equal(draw(light).double(), double)


def test_numbers_follow_the_light_to_its_device():
    light = torch.empty(2, 3, 4, 4, device="meta")
    for drawn in (
        draws.uniform(light, seeded(), 0, 1),
        draws.normal(light, seeded(), 0, 1),
        draws.integers(light, seeded(), 0, 1),
        draws.field(light, seeded()),
    ):
        assert drawn.device.type == "meta"
