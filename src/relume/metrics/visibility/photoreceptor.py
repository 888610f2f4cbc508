"""Photoreceptors: responses to light in units of just noticeable differences.

References:  [mantiuk2011], section 3.2; the constants of version 3 are those of the program 3.0.7.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.metrics.visibility.tables import log_grid, look_up, table_like

_SIZE = 2048


@dataclass(frozen=True, kw_only=True)
class Receptors:
    """Sensitivity to contrast of all receptors together and of rods, as functions of luminance."""

    joint: tuple[float, float, float, float]
    """c1..c4 of c1 ((c2/L)^c3 + 1)^(-c4)."""
    rod_peak: float
    """Luminance at which rods are most sensitive."""
    rod_below: tuple[float, float]
    rod_above: tuple[float, float]
    """Exponent and width of their curve on either side of the peak."""
    rod_gain: float
    sensitivity: float
    """Factor of both, relative to the fit."""


def joint_sensitivity(luminance: np.ndarray, receptors: Receptors) -> np.ndarray:
    """Sensitivity of cones and rods together at luminances in cd/m²."""
    c1, c2, c3, c4 = receptors.joint
    result: np.ndarray = c1 * ((c2 / luminance) ** c3 + 1.0) ** -c4
    return result


def rod_sensitivity(luminance: np.ndarray, receptors: Receptors) -> np.ndarray:
    """Sensitivity of rods at luminances in cd/m²."""
    distance = np.log10(luminance / receptors.rod_peak)
    below = distance <= 0.0
    exponent = np.where(below, receptors.rod_below[0], receptors.rod_above[0])
    width = np.where(below, receptors.rod_below[1], receptors.rod_above[1])
    result: np.ndarray = receptors.rod_gain * np.exp(-(np.abs(distance) ** exponent) / width)
    return result


def rod_response(receptors: Receptors) -> np.ndarray:
    """JNDs of rods from 1e-5 cd/m² up, on the grid of the table."""
    return _integrated(rod_sensitivity(log_grid(_SIZE), receptors) * receptors.sensitivity)


def cone_response(receptors: Receptors) -> np.ndarray:
    """JNDs of the L or the M cones: half of what the rods leave at twice the response."""
    grid = log_grid(_SIZE)
    cones = np.maximum(joint_sensitivity(grid, receptors) - rod_sensitivity(grid, receptors), 1e-3)
    halved = 0.5 * np.interp(np.minimum(2.0 * grid, grid[-1]), grid, cones)
    return _integrated(halved * receptors.sensitivity)


def _integrated(sensitivity: np.ndarray) -> np.ndarray:
    """The integral of sensitivity over the natural logarithm of luminance, by trapezia."""
    step = np.log10(log_grid(_SIZE)[1:]) - np.log10(log_grid(_SIZE)[:-1])
    areas = 0.5 * (sensitivity[1:] + sensitivity[:-1]) * step * np.log(10.0)
    return np.concatenate([[0.0], np.cumsum(areas)])


def achromatic_response(
    responses: Float[Tensor, "batch 3 height width"], receptors: Receptors
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 1 height width"]]:
    """JNDs of both cones together, and of the rods.

    Convention:  absorbed light of L, M and rods, in cd/m², clamped to 1e-5..1e5 → JND.
    """
    logarithm = responses.clamp(1e-5, 1e5).log10()
    cones = look_up(table_like(responses, cone_response, receptors), logarithm[:, :2])
    rods = look_up(table_like(responses, rod_response, receptors), logarithm[:, 2:])
    return cones.sum(1, keepdim=True), rods


def absorbed(
    light: Float[Tensor, "batch channels height width"], matrix: tuple[tuple[float, ...], ...]
) -> Float[Tensor, "batch 3 height width"]:
    """Light absorbed by L cones, M cones and rods, from the channels of the picture.

    Args:
        matrix: a row for each channel, its L, M and rod responses.
    """
    weights = torch.tensor(matrix, dtype=light.dtype, device=light.device)[:, :, None, None]
    # Not a matrix product: those are rounded to fewer digits wherever TF32 is on.
    total = light[:, :1] * weights[0]
    for channel, weight in zip(light.chunk(len(matrix), dim=1)[1:], weights[1:], strict=True):
        total = total.addcmul(channel, weight)
    return total
