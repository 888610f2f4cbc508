from importlib import import_module

import numpy as np
import pytest
import torch

from relume.errors import ImageError, MethodError
from relume.metrics import fsitm, fsitm_tmqi, tmqi

module = import_module("relume.metrics.fsitm")


@pytest.fixture
def textured(light: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Smooth places have no phase but that of rounding."""
    return light * torch.rand(3, 180, 190, generator=generator, dtype=torch.float64).exp2()


def _tone_mapped(light: torch.Tensor) -> torch.Tensor:
    return (light / (50.0 + light)).pow(1 / 2.2)


def test_the_rounded_logarithm_itself_agrees_everywhere(light: torch.Tensor) -> None:
    """What the HDR is compared as, shown as 8-bit codes: all features are there."""
    logarithm = light.log()
    low, high = (getattr(logarithm, end)((-2, -1), keepdim=True) for end in ("amin", "amax"))
    codes = (255.0 * (logarithm - low) / (high - low)).round().byte()
    for channel in ("red", "green", "blue"):
        assert float(fsitm(codes, light, channel=channel)) == 1.0


def test_a_negative_agrees_nowhere(textured: torch.Tensor) -> None:
    assert fsitm(1.0 - _tone_mapped(textured), textured) < 0.1 < 0.8 < fsitm(_tone_mapped(textured), textured)


def test_channels_are_compared_by_themselves(textured: torch.Tensor) -> None:
    sdr = _tone_mapped(textured)
    sdr[0] = 1.0 - sdr[0]
    assert fsitm(sdr, textured, channel="red") < 0.1 < fsitm(sdr, textured, channel="blue")


def test_large_pictures_look_at_coarse_features_too(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = [module._weight_of_coarse(pixels) for pixels in (2**18, 2**19 - 1, 2**19, 2**20)]
    assert weights == [0.0, 0.0, 0.5, 0.75]


def test_coarse_features_of_the_light_itself_count(
    light: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = fsitm(_tone_mapped(light), light)
    monkeypatch.setattr(module, "_weight_of_coarse", lambda pixels: 0.5)
    both = fsitm(_tone_mapped(light), light)
    assert both != fine
    # An HDR picture that is linear codes already has the coarse features of the codes.
    codes = (255.0 * light / light.amax()).round()
    assert fsitm(codes.byte(), codes + 1.0) > 0.5


def test_frequencies_are_those_of_the_filters_in_the_field() -> None:
    np.testing.assert_allclose(module._frequencies(4), [0, 0.25, -0.5, -0.25])
    np.testing.assert_allclose(module._frequencies(5), [0, 0.25, 0.5, -0.5, -0.25])
    np.testing.assert_allclose(module._frequencies(1), [0])


def test_both_directions_count_alike(generator: torch.Generator) -> None:
    image = torch.rand(1, 31, 45, generator=generator, dtype=torch.float64)
    found = module._mean_phase_angle(image.mT, 8.0, 8.0)
    torch.testing.assert_close(found, module._mean_phase_angle(image, 8.0, 8.0).mT)


def test_combination_is_the_mean_with_tmqi(light: torch.Tensor) -> None:
    sdr = _tone_mapped(light)
    expected = (fsitm(sdr, light) + tmqi(sdr, light).q) / 2
    assert float(fsitm_tmqi(sdr, light)) == pytest.approx(float(expected), abs=1e-12)


def test_no_light_and_unknown_channels_are_said(light: torch.Tensor) -> None:
    with pytest.raises(ImageError, match="a channel of hdr has no light above 0"):
        fsitm(_tone_mapped(light), torch.zeros_like(light))
    with pytest.raises(MethodError, match="no channel 'g'; expected one of red, green, blue"):
        fsitm(_tone_mapped(light), light, channel="g")
