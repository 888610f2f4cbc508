from collections.abc import Callable

import numpy as np
import pytest
import torch

from relume.errors import ImageError, MethodError
from relume.metrics.pu21 import HIGHEST, LOWEST, VARIANTS, decode, encode, pu_psnr, pu_psnr_y


def _luminances(count: int = 200) -> torch.Tensor:
    return torch.logspace(np.log10(LOWEST), np.log10(HIGHEST), count, dtype=torch.float64)


@pytest.mark.parametrize("variant", VARIANTS)
def test_curve_equals_that_of_the_authors(values: dict, variant: str) -> None:
    table = values["function_tables"]["pu21"]
    units = encode(torch.tensor(table["Y"], dtype=torch.float64), variant=variant)
    np.testing.assert_allclose(units, table[variant], rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        decode(units, variant=variant), table[f"{variant}_decode_of_encode"], rtol=1e-9
    )


def test_known_units_of_the_default_curve() -> None:
    units = encode(torch.tensor([100.0, 10_000.0], dtype=torch.float64))
    np.testing.assert_allclose(units, [256.384, 595.394], atol=5e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_decode_inverts_encode_and_the_curve_rises(variant: str) -> None:
    luminance = _luminances()
    units = encode(luminance, variant=variant)
    assert (units.diff() > 0).all()
    # Below its own zero a fit is clipped, which moves the lowest luminance by a few millionths.
    np.testing.assert_allclose(decode(units, variant=variant), luminance, rtol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_light_outside_the_range_is_clamped_both_ways(variant: str) -> None:
    inside = encode(torch.tensor([LOWEST, HIGHEST]), variant=variant)
    outside = encode(torch.tensor([-3.0, 1e6]), variant=variant)
    assert torch.equal(inside, outside)
    assert torch.isfinite(decode(torch.tensor([-50.0, 1e4]), variant=variant)).all()
    assert float(decode(torch.tensor(1e4), variant=variant)) == pytest.approx(HIGHEST, rel=1e-4)


def test_gradients_are_finite_from_black_to_peak() -> None:
    luminance = torch.tensor([0.0, LOWEST, 1.0, HIGHEST, 1e6], requires_grad=True)
    decode(encode(luminance)).sum().backward()
    assert luminance.grad is not None
    assert torch.isfinite(luminance.grad).all()


PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "C_contrast", "C_noise",
    "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_psnr_equals_that_of_the_authors(values: dict, pair_of: Callable, pair: str) -> None:
    prediction, reference = pair_of(pair)
    expected = values["pointwise_metrics"][pair]
    assert float(pu_psnr(prediction, reference)) == pytest.approx(expected["PU21_PSNR"], abs=1e-8)
    assert float(pu_psnr_y(prediction, reference)) == pytest.approx(expected["PU21_PSNRY"], abs=1e-8)


def test_worked_by_hand() -> None:
    """Both greys are constant, so the error is one number: 20 log10(256 / |PU(100) − PU(50)|)."""
    hundred, fifty = torch.full((3, 2, 2), 100.0), torch.full((3, 2, 2), 50.0)
    difference = float(encode(torch.tensor(100.0)) - encode(torch.tensor(50.0)))
    assert float(pu_psnr(fifty, hundred)) == pytest.approx(20 * np.log10(256 / difference), abs=1e-4)


def test_equal_pictures_have_infinite_psnr(generator: torch.Generator) -> None:
    picture = torch.rand(3, 4, 4, generator=generator) * 100
    assert float(pu_psnr(picture, picture)) == float("inf")


def test_float32_is_near_float64_and_keeps_its_type(generator: torch.Generator) -> None:
    reference = torch.rand(3, 32, 32, generator=generator) * 1000
    prediction = reference * 1.1
    single, double = pu_psnr(prediction, reference), pu_psnr(prediction.double(), reference.double())
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(float(double), abs=1e-3)


def test_batch_is_measured_picture_by_picture(generator: torch.Generator) -> None:
    reference = torch.rand(2, 5, 3, 8, 8, generator=generator) * 100
    prediction = torch.rand(2, 5, 3, 8, 8, generator=generator) * 100
    values = pu_psnr(prediction, reference)
    assert values.shape == (2, 5)
    torch.testing.assert_close(values[1, 3], pu_psnr(prediction[1, 3], reference[1, 3]))


def test_gradient_points_towards_the_reference() -> None:
    reference = torch.full((3, 4, 4), 100.0)
    prediction = torch.full((3, 4, 4), 50.0, requires_grad=True)
    pu_psnr(prediction, reference).backward()
    assert prediction.grad is not None
    assert (prediction.grad > 0).all()


def test_luminance_variant_is_blind_to_colour() -> None:
    reference = torch.tensor([10.0, 10.0, 10.0]).view(3, 1, 1)
    # More red and less green of the same luminance.
    prediction = torch.tensor([10.0 + 0.715158, 10.0 - 0.212656, 10.0]).view(3, 1, 1)
    assert float(pu_psnr_y(prediction, reference)) > 100
    assert float(pu_psnr(prediction, reference)) < 60


def test_unknown_variant_is_named() -> None:
    with pytest.raises(MethodError, match="'glare'; expected one of banding, banding_glare"):
        encode(torch.ones(1), variant="glare")


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ImageError, match=r"prediction has shape \(3, 4, 4\) and reference \(3, 4, 5\)"):
        pu_psnr(torch.ones(3, 4, 4), torch.ones(3, 4, 5))
