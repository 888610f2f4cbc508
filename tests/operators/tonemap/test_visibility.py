import pytest
import torch

from relume.operators.tonemap.visibility import cone_threshold, just_visible_difference, rod_threshold


@pytest.mark.parametrize(
    ("threshold", "joints"), [(cone_threshold, (-2.6, 1.9)), (rod_threshold, (-3.94, -1.44))]
)
def test_pieces_meet(threshold, joints):
    """Within what the published digits allow."""
    for joint in joints:
        below, above = threshold(10.0 ** torch.tensor([joint - 1e-6, joint + 1e-6], dtype=torch.float64))
        assert float(below) == pytest.approx(float(above), rel=0.03)


@pytest.mark.parametrize("threshold", [cone_threshold, rod_threshold, just_visible_difference])
def test_rises_from_a_floor_to_weber(threshold):
    light = torch.logspace(-8, 6, 500, dtype=torch.float64)
    values = threshold(light)
    assert (values.diff() >= -1e-3 * values[1:]).all()
    assert float(values[0]) == pytest.approx(float(values[50]))
    assert float(values[-1] / values[-50]) == pytest.approx(float(light[-1] / light[-50]))


def test_the_eye_takes_the_better_of_both():
    light = torch.logspace(-6, 6, 200, dtype=torch.float64)
    expected = torch.minimum(rod_threshold(light), cone_threshold(light))
    torch.testing.assert_close(just_visible_difference(light), expected, rtol=0.02, atol=0.0)
