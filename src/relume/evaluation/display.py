"""What a display shows of a picture: light in cd/m², with which both sides of a comparison are measured."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, SRGB
from relume.errors import ImageError
from relume.image import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Light:
    """The light of a picture, ready to be measured."""

    pixels: Float[Tensor, "3 height width"]
    """Linear BT.709, never negative; cd/m² if absolute, else in a unit that nobody knows."""
    absolute: bool


def light_of(image: Image, *, name: str, reference_white: float | None = None) -> Light:
    """The light of an HDR picture.

    Convention:  a picture that says how many cd/m² its 1.0 is (PQ, an EXR file with `whiteLuminance`) is
        taken at its word; one that does not gets `reference_white` for its 1.0 or stays relative. Colours
        outside BT.709 lose their negative components; nothing is cut at the top.

    Args:
        name: the subject of error messages.
        reference_white: cd/m² of diffuse white, 1.0 of a relative picture; None: not known.

    Raises:
        ImageError: an SDR picture, NaN or infinity.
    """
    if not image.is_hdr:
        raise ImageError(
            f"{name}: is an SDR picture ({image.encoding}), which a metric of HDR light cannot take; expand "
            "it first (`relume expand`, --method linear for the light as it is), or choose a metric of tone "
            "mapping (--metrics tmqi)."
        )
    _require_finite(image, name)
    white = image.encoding.white or reference_white
    if image.encoding.white is None and white is not None:
        linear = image.to(LINEAR_SCENE).pixels * white
    else:
        linear = image.to(LINEAR_SCENE if white is None else LINEAR_NITS).pixels
    return Light(pixels=linear.clamp(min=0.0), absolute=white is not None)


def codes_of(image: Image, *, name: str) -> Float[Tensor, "3 height width"]:
    """The sRGB values, 0..1, of an SDR picture.

    Raises:
        ImageError: an HDR picture, NaN or infinity.
    """
    if image.is_hdr:
        raise ImageError(
            f"{name}: is an HDR picture ({image.encoding}), but this metric judges tone-mapped pictures; "
            "expected an SDR file such as PNG or JPEG (`relume tonemap` makes one)."
        )
    _require_finite(image, name)
    return image.to(SRGB).pixels.clamp(0.0, 1.0)


def cut(light: Float[Tensor, "*shape"], peak: float) -> Float[Tensor, "*shape"]:
    """The light that a display of that peak shows: what is brighter is shown as the peak."""
    return light.clamp(max=peak)


def _require_finite(image: Image, name: str) -> None:
    unusable = int((~torch.isfinite(image.pixels).all(dim=0)).sum())
    if unusable:
        raise ImageError(
            f"{name}: {unusable} of {image.height * image.width} pixels are NaN or infinite; expected finite "
            "light, so replace them before measuring."
        )
