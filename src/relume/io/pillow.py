"""A picture that lies in memory as a PIL image."""

from typing import TYPE_CHECKING

import numpy as np

from relume.errors import ImageError
from relume.image import Image
from relume.io import exif, icc

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# Modes whose samples we take as they are: the space of the profile, and the code of 1.0.
_MODES = {
    "L": ("GRAY", 255),
    "LA": ("GRAY", 255),
    "RGB": ("RGB", 255),
    "RGBA": ("RGB", 255),
    "CMYK": ("CMYK", 255),
    "I;16": ("GRAY", 65535),
    "I;16L": ("GRAY", 65535),
    "I;16B": ("GRAY", 65535),
}
# The others, by what holds all that they hold.
_EQUIVALENTS = {
    "1": "L",
    "P": "RGBA",
    "PA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "La": "LA",
    "YCbCr": "RGB",
}


def from_pillow(picture: "PillowImage") -> Image:
    """The picture upright, with the meaning that its ICC profile and EXIF block give it.

    Raises:
        ImageError: a mode that holds no picture (LAB, HSV, 32-bit samples).
    """
    original = picture.mode
    if original == "P" and "transparency" not in picture.info:
        picture = picture.convert("RGB")
    elif original in _EQUIVALENTS:
        picture = picture.convert(_EQUIVALENTS[original])
    if picture.mode not in _MODES:
        raise ImageError(
            f"the PIL image has mode {original}; expected one of {', '.join([*_MODES, *_EQUIVALENTS])}."
        )
    space, top = _MODES[picture.mode]
    about = exif.parse(picture.info.get("exif", b""))
    profile, _ = icc.interpret(picture.info.get("icc_profile"), space=space)
    samples = np.asarray(picture)
    planes = samples[..., None] if samples.ndim == 2 else samples
    pixels, alpha = icc.decode(about.upright(planes), profile, top=top)
    return Image(pixels, profile.encoding, alpha, about.metadata)
