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


def _by_hand(prediction: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The published program written out for pixels (n, 3), without what makes ours well conditioned."""
    matrix = np.array(
        [[0.412424, 0.357579, 0.180464], [0.212656, 0.715158, 0.072186], [0.019332, 0.119193, 0.950444]]
    )

    def encode(light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        xyz = (np.maximum(light, 0.005) @ matrix.T).clip(1e-4, 1e8)
        x, y = (xyz[:, index] / xyz.sum(1) for index in (0, 1))
        u, v = 4 * x / (-2 * x + 12 * y + 3), 9 * y / (-2 * x + 12 * y + 3)
        return pq(xyz[:, 1]), np.stack([u, v], 1) * 410 / 255

    def pq(luminance: np.ndarray) -> np.ndarray:
        power = (luminance / 1e4) ** 0.1593
        return ((0.8359 + 18.8516 * power) / (1 + 18.6875 * power)) ** 78.8438

    floor = pq(np.array(0.005))
    (luma, uv), (target_luma, target_uv) = encode(prediction), encode(reference)
    luma = np.polyval(np.polyfit(luma, target_luma, 3), luma)
    u, v = uv.T
    columns = np.stack([u**3, v**3, u**2, v**2, u * v, u, v, np.ones_like(u)], 1)
    ridge, start = 0.01 * len(u) / 8, np.zeros((8, 2))
    start[5, 0] = start[6, 1] = 1
    weights = np.linalg.solve(columns.T @ columns + ridge * np.eye(8), columns.T @ target_uv + ridge * start)
    u, v = np.maximum(columns @ weights, floor).T * 255 / 410
    root = np.maximum(luma, floor) ** (1 / 78.8438)
    luminance = 1e4 * ((root - 0.8359) / (18.8516 - 18.6875 * root)) ** (1 / 0.1593)
    x, y = 9 * u / (6 * u - 16 * v + 12), 4 * v / (6 * u - 16 * v + 12)
    xyz = np.stack([x / y * luminance, luminance, (1 - x - y) / y * luminance], 1).clip(1e-4, 1e8)
    return np.maximum(xyz @ np.linalg.inv(matrix).T, 0)


def test_equals_the_formulas_where_the_fit_leaves_the_range(generator: torch.Generator) -> None:
    """A pale prediction of strong colours; its few strong ones are thrown far out by the fitted cubic."""
    prediction = 20.0 + 20.0 * torch.rand(3, 24, 30, generator=generator, dtype=torch.float64)
    grey = prediction.mean(0)
    reference = (grey + 10.0 * (prediction - grey)).clamp(min=0.0)
    prediction[:, 0, :3] = 100.0 * torch.eye(3)
    prediction[:, 0, 3] = 0.0
    corrected = correct_tone_curve(prediction, reference)
    expected = _by_hand(prediction.flatten(1).T.numpy(), reference.flatten(1).T.numpy())
    np.testing.assert_allclose(corrected.flatten(1).T, expected, rtol=1e-7, atol=1e-9)


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


def test_gradients_flow_through_the_fit(generator: torch.Generator) -> None:
    """Also along the exposure, which the fit takes away: without it that would seem to matter."""
    reference = _scene(generator)
    exposures = torch.zeros_like(reference).requires_grad_()
    noise = 0.1 * torch.randn(reference.shape, generator=generator, dtype=reference.dtype)

    def error(stops: torch.Tensor) -> torch.Tensor:
        prediction = 0.5 * reference.pow(0.9) * torch.exp2(noise + stops)
        return (correct_tone_curve(prediction, reference).log2() - reference.log2()).square().mean()

    (gradient,) = torch.autograd.grad(error(exposures), exposures)
    for direction in (torch.ones_like(noise), noise, (reference > 100.0).double()):
        step = 1e-5 * direction
        expected = (error(step) - error(-step)) / 2e-5
        assert (gradient * direction).sum().item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-9)
