"""Whether the pixels of a picture are light at all: finite, and not negative."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from relume.color.luminance import luminance, luminance_weights
from relume.errors import ImageError
from relume.image import Image
from relume.inference.tiling import CACHED_PIXELS
from relume.parallel import for_each

# Rounding of wide-gamut colours leaves luminances a hair below zero; that is not bad input.
_ROUNDING = 1e-4


def checked_light(image: Image, *, name: str, repair: bool = False) -> Image:
    """The image, if every value is finite and no luminance is negative.

    Single channels below zero are colours outside the gamut and stay.

    Args:
        image: in any encoding; negative light is looked for where the values are linear.
        name: the subject of the sentence, usually the file.
        repair: set NaN and negative light to 0 and infinities to the largest finite value instead.

    Raises:
        ImageError: NaN, infinite values or negative luminance, and `repair` is not set.
    """
    faults: list[tuple[int, int]] = []

    def look(strip: Tensor) -> None:
        low, high = torch.aminmax(strip)
        if bool(low >= 0) and bool(high < math.inf):
            return  # one pass over good pixels; NaN fails both comparisons
        faults.append((int((~torch.isfinite(strip).all(dim=0)).sum()), int(_negative(image, strip).sum())))

    for_each(look, _strips(image))
    unusable, negative = (sum(counts) for counts in zip((0, 0), *faults, strict=True))
    if unusable == negative == 0:
        return image
    if repair:
        return _repaired(image)
    total = image.height * image.width
    if unusable:
        raise ImageError(
            f"{name}: {unusable} of {total} pixels are NaN or infinite; expected finite light. "
            "--force sets NaN to 0 and infinities to the largest finite value."
        )
    raise ImageError(
        f"{name}: {negative} of {total} pixels have negative luminance; expected light of 0 or more. "
        "--force sets them to 0."
    )


def _strips(image: Image) -> Iterator[Tensor]:
    rows = max(1, CACHED_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.pixels[:, top : top + rows]


def _negative(image: Image, strip: Float[Tensor, "3 rows columns"]) -> Bool[Tensor, "rows columns"]:
    if image.encoding.transfer != "linear":
        return torch.zeros(strip.shape[1:], dtype=torch.bool)
    light = luminance(strip, weights=luminance_weights(image.encoding.primaries))[0]
    return light < -_ROUNDING * strip.abs().amax(dim=0)


def _repaired(image: Image) -> Image:
    pixels = image.pixels.clone()
    finite = pixels[torch.isfinite(pixels)]
    top = float(finite.max()) if finite.numel() else 0.0
    pixels.nan_to_num_(nan=0.0, posinf=top, neginf=0.0)
    pixels *= ~_negative(image, pixels)
    return replace(image, pixels=pixels)
