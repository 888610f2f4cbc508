from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from relume.errors import ImageError, MethodError
from relume.metrics import pu_ms_ssim, pu_ssim, ssim_mu, ssim_pq
from relume.metrics.ssim import MINIMUM_SIZE_OF_SCALES, SCALE_WEIGHTS, half, ms_ssim, ssim

PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "C_contrast", "C_noise",
    "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_whole_windows_equal_the_program_of_wang(values: dict, pair_of: Callable, pair: str) -> None:
    expected = values["pointwise_metrics"][pair]["PU21_SSIM_wang_valid_L256"]
    assert float(pu_ssim(*pair_of(pair), border="valid")) == pytest.approx(expected, abs=1e-10)


def _codes(generator: torch.Generator, *size: int) -> tuple[torch.Tensor, torch.Tensor]:
    reference = torch.rand(1, *size, generator=generator, dtype=torch.float64)
    return (reference + 0.1 * torch.randn(reference.shape, generator=generator)).clamp(0, 1), reference


def test_inside_the_border_equals_scikit_image(generator: torch.Generator) -> None:
    prediction, reference = _codes(generator, 40, 50)
    expected = structural_similarity(
        prediction[0].numpy(),
        reference[0].numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    found = ssim(prediction, reference, dynamic_range=1.0, border="valid")
    assert float(found) == pytest.approx(expected, abs=1e-12)


def test_repeated_border_is_that_of_a_picture_continued_by_hand(generator: torch.Generator) -> None:
    prediction, reference = _codes(generator, 20, 17)
    continued = [np.pad(x[0].numpy(), 5, mode="edge") for x in (prediction, reference)]
    left, right = (torch.from_numpy(x)[None] for x in continued)
    whole = ssim(left, right, dynamic_range=1.0, border="valid")
    assert float(ssim(prediction, reference, dynamic_range=1.0)) == pytest.approx(float(whole), abs=1e-12)


def test_scales_multiply(generator: torch.Generator) -> None:
    """Where local means agree, the contrast and structure of a scale are its SSIM."""
    prediction, reference = _codes(generator, 176, 180)
    found = ms_ssim(prediction, reference, dynamic_range=1.0)
    product = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        whole = ssim(prediction, reference, dynamic_range=1.0)
        product *= float(whole) ** weight
        if scale < 4:
            prediction, reference = half(prediction), half(reference)
    assert float(found) == pytest.approx(product, rel=5e-3)


def test_brightness_counts_in_the_coarsest_scale_only(generator: torch.Generator) -> None:
    """A shift leaves contrast and structure as they are."""
    _, reference = _codes(generator, 176, 192)
    found = ms_ssim(reference + 0.5, reference, dynamic_range=1.0)
    for _ in range(4):
        reference = half(reference)
    expected = ssim(reference + 0.5, reference, dynamic_range=1.0) ** SCALE_WEIGHTS[-1]
    assert float(found) == pytest.approx(float(expected), abs=1e-12)


def test_half_is_the_mean_of_two_by_two() -> None:
    image = torch.tensor([[1.0, 3.0, 5.0], [3.0, 5.0, 7.0], [9.0, 9.0, 9.0]])[None]
    assert torch.equal(half(image), torch.tensor([[[3.0, 6.0], [9.0, 9.0]]]))


def test_opposite_structure_has_a_value_and_a_gradient() -> None:
    wave = torch.linspace(0, 60, MINIMUM_SIZE_OF_SCALES).sin().expand(1, MINIMUM_SIZE_OF_SCALES, -1)
    prediction = (0.5 - 0.5 * wave).clone().requires_grad_()
    value = ms_ssim(prediction, 0.5 + 0.5 * wave, dynamic_range=1.0)
    value.backward()
    assert 0.0 <= float(value.detach()) < 0.05
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()


def test_domains_see_different_things(light: torch.Tensor) -> None:
    """A hue that luminance does not see is no loss for PU21-SSIM."""
    tinted = light * torch.tensor([1.2, 1.0, 1.0]).view(3, 1, 1)
    shifted = light * (torch.ones(3, 1, 1) * 1.2)
    for metric in (ssim_pq, ssim_mu):
        assert metric(tinted, light) < 1.0
        assert metric(shifted, light) < metric(tinted, light)
    grey = light.mean(0, keepdim=True).expand(3, -1, -1)
    # The weights of red and blue, 0.212656 and 0.072186, exchange the same luminance.
    exchanged = grey * torch.tensor([1.0 + 0.072186, 1.0, 1.0 - 0.212656]).view(3, 1, 1)
    assert float(pu_ssim(exchanged, grey)) == pytest.approx(1.0, abs=1e-12)
    assert float(pu_ms_ssim(exchanged, grey)) == pytest.approx(1.0, abs=1e-12)


def test_too_small_for_the_scales_or_for_a_window() -> None:
    small = torch.full((3, 10, 180), 5.0)
    with pytest.raises(ImageError, match="the pictures are 180×10; MS-SSIM needs 176×176 pixels"):
        pu_ms_ssim(small, small)
    with pytest.raises(ImageError, match="the pictures are 180×10; whole windows need 11×11"):
        pu_ssim(small, small, border="valid")
    assert float(pu_ssim(small, small)) == 1.0


def test_unknown_border_is_named() -> None:
    with pytest.raises(MethodError, match="no border 'wrap'; expected one of replicate, valid"):
        pu_ssim(torch.full((3, 20, 20), 5.0), torch.full((3, 20, 20), 5.0), border="wrap")
