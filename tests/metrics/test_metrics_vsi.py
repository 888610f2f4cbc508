import math
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from relume.metrics import pu_vsi
from relume.metrics.vsi import saliency, vsi

PAIRS = (
    "A_clip95", "A_noise", "A_quant6", "B_blur", "B_colour", "B_gamma", "C_contrast", "C_noise",
    "D_banding", "D_noise", "E_exposure", "E_highlight",
)  # fmt: skip


@pytest.mark.parametrize("pair", ["C_contrast", "C_noise", "E_exposure", "E_highlight"])
def test_equals_the_program_of_the_authors(values: dict, pair_of: Callable, pair: str) -> None:
    expected = values["pointwise_metrics"][pair]["PU21_VSI"]
    assert float(pu_vsi(*pair_of(pair))) == pytest.approx(expected, abs=1e-8)


def _as_in_octave(old: int, new: int) -> np.ndarray:
    """The weights of Octave's imresize, which unlike those of MATLAB are not made to sum to 1."""
    shrinking = min(1.0, new / old)
    matrix = np.zeros((new, old))
    for row in range(new):
        centre = (row + 0.5) * old / new - 0.5
        for place in range(math.floor(centre - 1 / shrinking), math.ceil(centre + 1 / shrinking) + 1):
            mirrored = min(max(place, -1 - place), 2 * old - 1 - place) if place >= old else place
            mirrored = -1 - place if place < 0 else mirrored
            matrix[row, mirrored] += shrinking * max(0.0, 1.0 - shrinking * abs(centre - place))
    return matrix


@pytest.mark.parametrize("pair", PAIRS)
def test_octave_differs_by_its_resizing_only(
    values: dict, pair_of: Callable, pair: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values come from Octave; sizes that are no power of two differ from MATLAB by up to 1.5e-4."""
    expected = values["pointwise_metrics"][pair]["PU21_VSI"]
    ours = float(pu_vsi(*pair_of(pair)))
    assert ours == pytest.approx(expected, abs=1.5e-4)
    monkeypatch.setattr(import_module("relume.metrics.vsi"), "_resizing_matrix", _as_in_octave)
    assert float(pu_vsi(*pair_of(pair))) == pytest.approx(expected, abs=1e-10)


def test_saliency_stretches_from_zero_to_one(light: torch.Tensor) -> None:
    found = saliency(light.clamp(max=255.0)[None])
    assert found.shape == (1, 1, 180, 190)
    assert float(found.min()) == 0.0
    assert float(found.max()) == 1.0


def test_flat_pictures_are_compared_by_all_pixels() -> None:
    grey = torch.full((1, 3, 32, 32), 100.0, dtype=torch.float64)
    assert float(vsi(grey, grey)) == pytest.approx(1.0)
    assert float(vsi(grey * 1.2, grey)) < 1.0


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_reduction_is_that_of_matlab(generator: torch.Generator, factor: int) -> None:
    """Every n-th pixel of conv2(image, ones(n)/n², 'same'), which begins n/2 into the full result."""
    image = torch.rand(13, 17, generator=generator, dtype=torch.float64)
    full = convolve2d(image.numpy(), np.full((factor, factor), 1.0 / factor**2))
    same = full[factor // 2 :, factor // 2 :][:13, :17]
    found = import_module("relume.metrics.vsi")._reduced(image[None, None], factor)
    np.testing.assert_allclose(found[0, 0], same[::factor, ::factor], atol=1e-12)


def test_large_pictures_are_reduced(light: torch.Tensor) -> None:
    """Stripes of two pixels are seen at 190 pixels but not at 570×540, compared at half the size."""
    stripes = 1.0 + 0.2 * (-1.0) ** (torch.arange(570, dtype=torch.float64) // 2)
    large = light.repeat_interleave(3, -1).repeat_interleave(3, -2)
    assert pu_vsi(stripes * large, large) > 0.99 > pu_vsi(stripes[:190] * light, light)
