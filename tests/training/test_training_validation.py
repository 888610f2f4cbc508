"""Scores of reconstructions during training, against the metrics that the benchmarks use."""

import pytest
import torch

from relume.color.transfer import srgb
from relume.metrics.pu21 import pu_psnr
from relume.metrics.tone_curve import correct_tone_curve
from relume.training.validation import score_reconstruction


def test_scores_are_those_of_the_metrics() -> None:
    torch.manual_seed(0)
    target = 0.05 + 0.9 * torch.rand(2, 3, 24, 24)
    target[..., 4:10, 6:14] = 8.0
    sdr = srgb.inverse_eotf(target.clamp(max=1.0))
    prediction = 0.5 * target * (1.0 + 0.02 * torch.rand_like(target))
    numbers = score_reconstruction(sdr, prediction, target).numbers
    for position in range(2):
        shown, dark = 203.0 * target[position], 203.0 * prediction[position]
        corrected = correct_tone_curve(dark, shown).clamp(max=1000.0)
        expected = pu_psnr(corrected, shown.clamp(max=1000.0)).item()
        assert numbers["corrected"][position].item() == pytest.approx(expected, abs=1e-3)
        assert numbers["pu_psnr"][position].item() == pytest.approx(pu_psnr(dark, shown).item(), abs=1e-3)
    assert (numbers["corrected"] > numbers["pu_psnr"] + 10.0).all()
    assert (numbers["corrected"] > numbers["corrected_input"] + 10.0).all()
    torch.testing.assert_close(numbers["clipped_stops"], torch.ones(2), atol=0.03, rtol=0.0)
    torch.testing.assert_close(numbers["clipped_stops_input"], torch.full((2,), 3.0))


def test_a_network_that_went_astray_is_scored_as_well() -> None:
    target = torch.rand(1, 3, 16, 16)
    prediction = torch.where(target > 0.5, torch.inf, torch.nan)
    numbers = score_reconstruction(srgb.inverse_eotf(target), prediction, target).numbers
    assert all(values.isfinite().all() for values in numbers.values())
    assert (numbers["corrected"] < numbers["corrected_input"]).all()
