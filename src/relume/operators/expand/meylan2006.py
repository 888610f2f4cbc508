"""Meylan, Daly, Süsstrunk 2006: the reproduction of specular highlights on HDR displays."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.box import largest_box_mean
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, scale_to

# Highlights are looked for in a copy of at most so many pixels a side: the windows grow with the picture.
_DETECTION_SIDE = 1024

# Rounding must not decide whether a clipped pixel is brighter than the mean of a clipped window.
_ROUNDING = 1e-6

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Meylan2006(Method):
    """Two straight lines: a share of the range for diffuse light, the rest for specular highlights above it.

    Highlights are what is brighter than any mean over a fiftieth of the height, grown by pixels that are
    brighter than any mean over twice that. The darkest of them is where the lines meet. Where there are none,
    or where clipped areas are larger than the windows, all light is diffuse.

    Agreement: HDR Toolbox, 2 cases with its weights of luminance and `diffuse_maximum=0.99`, which it always
        takes, within 6e-8 relative in float64 (they are stored so). There is nothing to compare the
        detection with.
    Picture: white of paper and sky goes to two thirds of the peak, for all that is no highlight is diffuse.

    References:  [meylan2006], sections 3 (detection) and 4 (lines).
    """

    peak: float = parameter(
        1000.0, "luminance of the brightest highlight", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )
    share: float = parameter(0.67, "of the range, for diffuse light", minimum=0.01, maximum=1.0)
    diffuse_maximum: float | None = parameter(
        None,
        "linear light where highlights begin; auto: the darkest highlight found",
        minimum=1e-3,
        maximum=1.0,
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="meylan2006",
        title="Meylan et al. 2006, highlights apart from diffuse light",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="meylan2006",
        memory=3.0,
        scaling="invariant",
    )

    @property
    def halo(self) -> int:
        """The smoothing reaches 2 pixels, the mask that steers it one more."""
        return 3

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The largest luminance, and that where highlights begin."""
        light = light_of(image)
        top = light.amax((-2, -1), keepdim=True)
        if self.diffuse_maximum is not None:
            return {"top": top, "diffuse": torch.full_like(top, self.diffuse_maximum)}
        found = torch.cat([_diffuse_maximum(picture[None]) for picture in light])
        return {"top": top, "diffuse": found}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Expand along the two lines, smooth around highlights, and scale the colours with luminance."""
        statistics = statistics or self.measure(image)
        diffuse, top = statistics["diffuse"], statistics["top"]
        light = luminance(image).clamp(min=0.0)
        above = (light - diffuse).clamp(min=0.0)
        highlights = self.peak * (1.0 - self.share) / (top - diffuse).clamp(min=1e-6)
        lines = (light - above) * (self.peak * self.share / diffuse) + above * highlights
        near = _near_highlights((light > diffuse).to(light))
        return scale_to(image, light, torch.lerp(lines, _mean(lines), _mean(near)))


def _near_highlights(highlights: Tensor) -> Tensor:
    """Highlights, and pixels with at least two of them around."""
    around = 9.0 * functional.avg_pool2d(highlights, 3, stride=1, padding=1) - highlights
    return torch.maximum(highlights, (around > 1.5).to(highlights))


def _mean(image: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    return functional.avg_pool2d(functional.pad(image, (2,) * 4, mode="replicate"), 5, stride=1)


def _diffuse_maximum(light: Float[Tensor, "1 1 height width"]) -> Float[Tensor, "1 1 1 1"]:
    """The smallest luminance of highlights, or the largest of all where there are none."""
    height, width = light.shape[-2:]
    scale = min(1.0, _DETECTION_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = functional.interpolate(light, size=size, mode="area")
    window = round(size[0] / 50)
    bright = float(largest_box_mean(small.detach(), window + 1)) * (1.0 + _ROUNDING)
    fairly_bright = float(largest_box_mean(small.detach(), 2 * window + 1)) * (1.0 + _ROUNDING)
    mask = _highlights(small[0, 0].detach().cpu().numpy(), bright, fairly_bright)
    largest = light.amax((-2, -1), keepdim=True)
    if not mask.any():
        return largest.clamp(min=1e-6)
    darkest = small[..., torch.from_numpy(mask).to(small.device)].amin(-1)[..., None, None]
    return torch.minimum(darkest, largest).clamp(min=1e-6)


def _highlights(light: NDArray[np.floating], bright: float, fairly_bright: float) -> NDArray[np.bool_]:
    """What is bright and not alone, grown into what is fairly bright and has four highlights around it."""
    from scipy.ndimage import convolve

    found = light > bright
    while True:
        around = convolve(found.astype(np.uint8), _NEIGHBOURS, mode="constant")
        grown = (found & (around >= 1)) | ((around > 3) & (light > fairly_bright))
        if np.array_equal(grown, found):
            return found
        found = grown
