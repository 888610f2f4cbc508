"""The encodings that HDR-VDP takes, turned into light: luminance or linear RGB in cd/m²."""

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from relume.color.transfer import srgb
from relume.errors import ImageError, MethodError
from relume.metrics.operands import Picture, light_tensor, matched, require_same_shape

LuminancePicture = Shaped[np.ndarray, "_ _"] | Shaped[Tensor, "... 1 _ _"]
"""Luminance as an array (height, width), or any number of pictures as a tensor (..., 1, height, width)."""

ONE_CHANNEL = ("luminance", "luma-display")
CODES = ("luma-display", "sRGB-display")
"""Encodings whose values are codes of 0 to 1 rather than light."""

_LUMA_GAMMA = 2.2
_BLACK = 1.0
"""Luminance that the two displays emit for code 0."""


def pair_of_light(
    prediction: Picture | LuminancePicture,
    reference: Picture | LuminancePicture,
    *,
    encoding: str,
    encodings: tuple[str, ...],
    peak: float,
) -> tuple[Float[Tensor, "*batch channels height width"], Float[Tensor, "*batch channels height width"]]:
    """Both pictures in cd/m², of one shape, type and device; codes go through the model of their display.

    Raises:
        ImageError: see `operands`; codes outside 0..1; or light that never exceeds 1 cd/m².
        MethodError: an encoding other than `encodings`, or a peak that is not above black.
    """
    if encoding not in encodings:
        raise MethodError(f"there is no encoding '{encoding}'; expected one of {', '.join(encodings)}.")
    channels = 1 if encoding in ONE_CHANNEL else 3
    left = light_tensor(prediction, "prediction", channels=channels)
    right = light_tensor(reference, "reference", channels=channels)
    require_same_shape(left, right, ("prediction", "reference"))
    left, right = matched(left, right)
    if encoding in CODES:
        return _displayed(left, encoding, peak), _displayed(right, encoding, peak)
    _require_absolute(left, right, encoding)
    return left, right


def _displayed(codes: Float[Tensor, "*shape"], encoding: str, peak: float) -> Float[Tensor, "*shape"]:
    if not peak > _BLACK:
        raise MethodError(f"the peak is {peak:g} cd/m²; expected more than the black of {_BLACK:g} cd/m².")
    if codes.min() < 0.0 or codes.max() > 1.0:
        raise ImageError(
            f"{encoding} was given values from {float(codes.min()):.3g} to {float(codes.max()):.3g}; "
            "expected codes from 0 to 1: divide 8-bit codes by 255."
        )
    linear = codes**_LUMA_GAMMA if encoding == "luma-display" else srgb.eotf(codes)
    return (peak - _BLACK) * linear + _BLACK


def _require_absolute(left: Tensor, right: Tensor, encoding: str) -> None:
    highest = max(float(left.detach().max()), float(right.detach().max()))
    if highest <= 1.0:
        raise ImageError(
            f"{encoding} means light in cd/m², but no value is above {highest:.3g}; "
            "multiply relative pictures by the luminance of the display's white first."
        )


def geometric_mean(light: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch"]:
    """The mean over the pixels of each channel in the logarithmic domain."""
    return torch.exp(light.log().mean((-2, -1)))
