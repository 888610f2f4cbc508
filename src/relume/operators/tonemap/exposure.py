"""How bright the scene enters a curve that is drawn for light with a meaning: 1.0 is diffuse white."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_SCENE, REFERENCE_WHITE
from relume.method import Statistics, parameter
from relume.operators.statistics import light_of, log_mean

WHITE_SCENE = replace(LINEAR_SCENE, white=REFERENCE_WHITE)
"""Scene light whose 1.0 is diffuse white."""

MIDDLE_GREY = 0.18
"""Light of a surface that looks half as bright as a white one."""


def exposure_parameter() -> Any:
    """The parameter that says by how much the scene is exposed."""
    return parameter(
        0.0,
        "exposure before the curve; 0 takes diffuse white as 1.0",
        minimum=-30.0,
        maximum=30.0,
        unit="stops",
    )


def automatic_parameter() -> Any:
    """The parameter that says whether the picture sets its own exposure."""
    return parameter(False, "expose the log mean of the picture to 0.18 first, whatever its 1.0 means")


def measure_exposure(
    image: Float[Tensor, "batch 3 height width"], *, stops: float, automatic: bool
) -> Statistics:
    """The factor that exposes the scene.

    Convention:  linear BT.709; `automatic` first brings the log mean of the luminance to 0.18.
    """
    if automatic:
        return {"exposure": 2.0**stops * MIDDLE_GREY / log_mean(light_of(image))}
    return {"exposure": torch.full_like(image[:, :1, :1, :1], 2.0**stops)}


def exposed(
    image: Float[Tensor, "batch 3 height width"], statistics: Statistics
) -> Float[Tensor, "batch 3 height width"]:
    """The exposed scene; light outside the gamut, for which no such curve is defined, is cut."""
    return (image * statistics["exposure"]).clamp(min=0.0)
