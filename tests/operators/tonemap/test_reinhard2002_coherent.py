import pytest
import torch

from relume.operators.tonemap.reinhard2002 import Reinhard2002
from relume.operators.tonemap.reinhard2002_coherent import Reinhard2002Coherent


def numbers(mean, top):
    return {"mean": torch.tensor(mean).view(1, 1, 1, 1), "top": torch.tensor(top).view(1, 1, 1, 1)}


def test_is_reinhard2002_for_one_frame(generator):
    image = torch.rand(2, 3, 9, 7, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    torch.testing.assert_close(Reinhard2002Coherent()(image), Reinhard2002(key=0.18)(image))


def test_leaks_in_stops():
    carried = Reinhard2002Coherent(leak=0.25, cut=10.0).carry(numbers(16.0, 256.0), numbers(1.0, 16.0))
    assert float(carried["mean"]) == pytest.approx(2.0)
    assert float(carried["top"]) == pytest.approx(32.0)


@pytest.mark.parametrize(("mean", "expected"), [(4.1, 4.1), (1 / 4.1, 1 / 4.1), (3.9, 3.9**0.1)])
def test_begins_anew_at_a_cut(mean, expected):
    carried = Reinhard2002Coherent(leak=0.1, cut=2.0).carry(numbers(mean, 9.0), numbers(1.0, 9.0))
    assert float(carried["mean"]) == pytest.approx(expected)


def test_one_clip_of_a_batch_is_cut_alone():
    measured = {"mean": torch.tensor([8.0, 2.0]).view(2, 1, 1, 1), "top": torch.ones(2, 1, 1, 1)}
    previous = {"mean": torch.ones(2, 1, 1, 1), "top": torch.ones(2, 1, 1, 1)}
    carried = Reinhard2002Coherent(leak=0.5).carry(measured, previous)["mean"]
    assert carried.flatten().tolist() == pytest.approx([8.0, 2.0**0.5])
