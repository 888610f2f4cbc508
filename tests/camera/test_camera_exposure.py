import pytest
import torch
from scipy import stats

from relume.camera.exposure import ClippedShare, Stops, _of_rank
from relume.errors import MethodError


def scenes(generator, batch=4, height=32, width=48, dtype=torch.float32):
    return torch.randn(batch, 3, height, width, generator=generator, dtype=dtype).mul(2.0).exp()


def test_stops_are_uniform(generator):
    light = torch.ones(4000, 3, 1, 1)
    stops = Stops(minimum=-3.0, maximum=3.0).draw(light, generator).log2()
    assert stats.kstest(stops.numpy(), stats.uniform(-3, 6).cdf).pvalue > 1e-3


def test_steps_are_evenly_spaced_in_stops_with_both_ends(generator):
    stops = Stops(minimum=-3.0, maximum=3.0, steps=7).draw(torch.ones(500, 3, 1, 1), generator).log2()
    assert stops.unique().tolist() == pytest.approx([-3, -2, -1, 0, 1, 2, 3], abs=1e-6)


def test_the_mean_is_brought_to_its_level_before_the_stops(generator):
    exposure = Stops(minimum=1.0, maximum=1.0, mean=0.5)
    light = scenes(generator)
    exposed = exposure.apply(light, exposure.draw(light, generator))
    torch.testing.assert_close(exposed.mean((1, 2, 3)), torch.full((4,), 1.0), rtol=1e-5, atol=0)


@pytest.mark.parametrize("of", ["pixels", "values"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.123, 0.97])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exactly_the_share_clips(generator, of, share, dtype):
    exposure = ClippedShare(minimum=share, maximum=share, of=of)
    light = scenes(generator, dtype=dtype)
    exposed = exposure.apply(light, exposure.draw(light, generator))
    above = (exposed > 1.0).any(1, keepdim=True) if of == "pixels" else exposed > 1.0
    counted = above.flatten(1).sum(1)
    assert counted.tolist() == [round(share * above[0].numel())] * 4
    kept = torch.where(exposed > 1.0, 0.0, exposed).amax((1, 2, 3))
    torch.testing.assert_close(kept, torch.ones_like(kept), rtol=1e-6, atol=0)


def test_not_everything_can_clip(generator):
    exposure = ClippedShare(minimum=1.0, maximum=1.0)
    light = scenes(generator)
    exposed = exposure.apply(light, exposure.draw(light, generator))
    assert ((exposed > 1.0).any(1).flatten(1).sum(1) == 32 * 48 - 1).all()


def test_shares_are_uniform_and_differ_within_a_batch(generator):
    light = scenes(generator, batch=1, height=40, width=50).expand(500, -1, -1, -1)
    factor = ClippedShare(minimum=0.05, maximum=0.15).draw(light, generator)
    share = (light[:1].amax(1).flatten() * factor[:, None] > 1.0).float().mean(1)
    assert stats.kstest(share.numpy(), stats.uniform(0.05, 0.10).cdf).pvalue > 1e-3
    assert share.min() >= 0.05
    assert share.max() <= 0.15


def test_black_and_even_pictures_are_not_blown_up(generator):
    light = torch.stack([torch.zeros(3, 8, 8), torch.full((3, 8, 8), 4.0)])
    assert ClippedShare(minimum=0.1, maximum=0.1).draw(light, generator).tolist() == [1.0, 0.25]


def test_sorting_and_partitioning_find_the_same(generator):
    samples = torch.rand(3, 100, generator=generator)
    rank = torch.tensor([0, 50, 99])
    expected = samples.sort(dim=1).values.gather(1, rank[:, None])[:, 0]
    assert torch.equal(_of_rank(samples, rank), expected)


@pytest.mark.parametrize("wrong", [{"minimum": 0.2, "maximum": 0.1}, {"minimum": 0.0, "maximum": 1.5}])
def test_a_share_outside_0_to_1_is_refused(wrong):
    with pytest.raises(MethodError, match="expected 0 ≤ minimum ≤ maximum ≤ 1"):
        ClippedShare(**wrong)


def test_other_mistakes_are_refused():
    with pytest.raises(MethodError, match="'pixels' or of 'values'"):
        ClippedShare(minimum=0.0, maximum=0.1, of="blocks")
    with pytest.raises(MethodError, match="at least 2"):
        Stops(steps=1)
