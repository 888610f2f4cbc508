import pytest
import torch

from relume.operators.tonemap.ramsey2004 import Ramsey2004
from relume.operators.tonemap.reinhard2002 import Reinhard2002


def carried_means(method, means):
    state, result = None, []
    for mean in means:
        state = method.carry({"mean": torch.tensor(mean, dtype=torch.float64).view(1, 1, 1, 1)}, state)
        result.append(float(state["mean"]))
    return result


def geometric(values):
    return float(torch.tensor(values, dtype=torch.float64).log().mean().exp())


def test_one_frame_is_the_curve_without_white(generator):
    image = torch.rand(1, 3, 9, 7, generator=generator, dtype=torch.float64).mul(8.0).exp2()
    torch.testing.assert_close(Ramsey2004()(image), Reinhard2002(key=0.18, white=float("inf"))(image))


def test_at_least_the_shortest_window_counts():
    means = [1.0, 8.0, 1.0, 8.0, 1.0, 8.0, 1.0]
    assert carried_means(Ramsey2004(), means)[-1] == pytest.approx(geometric(means[2:]))


def test_older_frames_count_while_they_are_alike():
    """The frame of 5.0 ends the window, and what lies before it does not count though it is alike."""
    means = [1.05, 1.02, 5.0, 1.01, 0.95, 1.05, 1.0, 1.08, 1.0]
    assert carried_means(Ramsey2004(), means)[-1] == pytest.approx(geometric(means[3:]))


def test_at_most_the_longest_window_counts():
    means = [1.0 + 0.001 * number for number in range(30)]
    assert carried_means(Ramsey2004(longest=10), means)[-1] == pytest.approx(geometric(means[-10:]))


def test_old_light_is_forgotten_after_the_shortest_window():
    means = [1.0] * 20 + [16.0] * 5
    result = carried_means(Ramsey2004(), means)
    assert result[19] == pytest.approx(1.0)
    assert result[-1] == pytest.approx(16.0)
    assert 1.0 < result[20] < result[21] < 16.0
