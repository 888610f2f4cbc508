"""Glare: the light that the optics of the eye scatter, as a filter in the domain of frequencies.

References:  [mantiuk2011], section 3.1; [vos1999] for the function of the CIE.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import kv
from torch import Tensor

_CORE = 0.061466549455263
_SHARP = 0.99727370023777070
_AMPLITUDES = (0.426 * _SHARP, 0.574 * _SHARP, (1 - _SHARP) * _CORE, (1 - _SHARP) * (1 - _CORE))
_DECAYS = (0.028, 0.37, 37.0, 360.0)

LOWEST = 1e-5
HIGHEST = 1e10
"""Light on the retina is clamped to this range, in cd/m²."""

PIGMENTATION = 0.5
"""Of the iris: brown eyes."""


def fitted_mtf(frequency: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Share of contrast that passes at frequencies in cycles/degree, fitted to measurements of glare."""
    total = torch.zeros_like(frequency)
    for amplitude, decay in zip(_AMPLITUDES, _DECAYS, strict=True):
        total = total + amplitude * torch.exp(-decay * frequency)
    return total


def cie_mtf(frequency: Float[Tensor, "*shape"], age: float) -> Float[Tensor, "*shape"]:
    """The Fourier transform along a line of the glare function of the CIE, relative to that at frequency 0.

    Since the transform is one-dimensional, a picture filtered by it has less veil than the function of the
    CIE would give; the program 3.0.7 computes it so.

    References:  [vos1999], the general glare equation
    """
    omega = 2.0 * math.pi * frequency.detach().cpu().double().numpy()
    reference = _cie_transform(np.array([1e-4]), age)
    share = np.where(omega == 0.0, 1.0, _cie_transform(np.where(omega == 0.0, 1.0, omega), age) / reference)
    return torch.as_tensor(share, dtype=frequency.dtype, device=frequency.device)


def _cie_transform(omega: np.ndarray, age: float) -> np.ndarray:
    """Each term a / (1 + (θ/t)²)^n of the glare function, transformed: n = 3/2, 1 or 1/2."""
    years = (age / 70.0) ** 4

    def three_halves(amplitude: float, width: float) -> np.ndarray:
        result: np.ndarray = 2.0 * amplitude * width**2 * omega * kv(1, width * omega)
        return result

    sharp = three_halves(9.2e6, 0.0046) + three_halves(1.5e5, 0.045)
    wide = 400.0 * 0.1 * math.pi * np.exp(-0.1 * omega)
    lens = three_halves(1300.0, 0.1) + 2.0 * 0.8 * 0.1 * kv(0, 0.1 * omega)
    scattered = (1.0 + 1.6 * years) * (wide + PIGMENTATION * lens)
    result: np.ndarray = (1.0 - 0.08 * years) * sharp + scattered
    return result
