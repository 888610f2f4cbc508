import json
from pathlib import Path

import numpy as np
import pytest
import torch

from relume.metrics.pu21 import pu_psnr, pu_psnr_y
from relume.metrics.tone_curve import correct_tone_curve

PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "C_contrast", "C_noise",
    "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_equals_the_program_of_the_authors(shared: Path, pair: str) -> None:
    folder = shared / "conformance" / "metrics"
    expected = json.loads((folder / "reference.json").read_text())["pointwise_metrics"][pair]
    prediction = np.load(folder / "pairs" / f"test_{pair}.npy")
    reference = np.load(folder / "pairs" / f"ref_{pair[0]}.npy").astype(np.float64)
    corrected = correct_tone_curve(prediction, reference)
    target = torch.from_numpy(reference).permute(2, 0, 1)
    assert float(pu_psnr(corrected, target)) == pytest.approx(expected["PU21_PSNR_crf"], abs=1e-8)
    assert float(pu_psnr_y(corrected, target)) == pytest.approx(expected["PU21_PSNRY_crf"], abs=1e-8)
    assert float(corrected.mean()) == pytest.approx(expected["crf_mean"], rel=1e-9)
    assert float(corrected.max()) == pytest.approx(expected["crf_max"], rel=1e-8)


def _scene(generator: torch.Generator, *batch: int) -> torch.Tensor:
    """Light over four orders of magnitude, in muted colours."""
    grey = 10.0 ** (4.0 * torch.rand(*batch, 1, 24, 30, generator=generator, dtype=torch.float64) - 1.0)
    return grey * (0.5 + torch.rand(*batch, 3, 24, 30, generator=generator, dtype=torch.float64))


def test_a_tone_curve_is_undone(generator: torch.Generator) -> None:
    reference = _scene(generator)
    prediction = 20.0 * (reference / 20.0).pow(0.8)
    corrected = correct_tone_curve(prediction, reference)
    assert pu_psnr_y(corrected, reference) > pu_psnr_y(prediction, reference) + 15


def test_equal_pictures_stay_nearly_equal(generator: torch.Generator) -> None:
    reference = _scene(generator)
    assert pu_psnr(correct_tone_curve(reference, reference), reference) > 60


def test_batch_is_fitted_picture_by_picture(generator: torch.Generator) -> None:
    reference = _scene(generator, 2, 2)
    prediction = 0.5 * reference.pow(0.9)
    together = correct_tone_curve(prediction, reference)
    assert together.shape == reference.shape
    torch.testing.assert_close(together[1, 0], correct_tone_curve(prediction[1, 0], reference[1, 0]))


@pytest.mark.parametrize("levels", [(50.0,), (0.0, 100.0), (0.0, 20.0, 100.0)])
def test_too_few_levels_for_a_cubic_are_no_obstacle(
    generator: torch.Generator, levels: tuple[float, ...]
) -> None:
    """A bi-level prediction of a bi-level reference has an exact fit and many best polynomials."""
    index = torch.randint(len(levels), (1, 24, 30), generator=generator)
    reference = torch.tensor(levels)[index].expand(3, -1, -1)
    prediction = (2.0 * reference + 5.0).contiguous()
    corrected = correct_tone_curve(prediction, reference)
    assert pu_psnr_y(corrected, reference) > 60


def test_light_is_never_negative_and_single_precision_is_kept(generator: torch.Generator) -> None:
    prediction, reference = _scene(generator).float(), _scene(generator).float()
    corrected = correct_tone_curve(prediction, reference)
    assert corrected.dtype == torch.float32
    assert (corrected >= 0).all()
    assert torch.isfinite(corrected).all()
