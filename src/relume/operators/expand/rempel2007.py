"""Rempel, Trentacoste, Seetzen, Young, Heidrich, Whitehead, Ward 2007: Ldr2Hdr."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.convolve import convolve
from relume.filters.gaussian import gaussian_blur
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, scale_to

_THRESHOLD = (254.0 / 255.0) ** 2.2

# The brightness function reaches so many pixels in a picture of so many.
_SIGMA, _LONGER_SIDE = 30.0, 1920.0

# Where the brightness function is lower, a region does not grow.
_LEAST_BRIGHTNESS = 1e-3


@dataclass(frozen=True, kw_only=True)
class Rempel2007(Method):
    """Light scaled to the display, and up to four times brighter around what is clipped, up to edges.

    A wide Gaussian of the mask of clipped pixels, multiplied with the region that grows from the mask until
    it meets an edge, gives e; the brightening is 1 + 3e.

    Convention:  threshold and edge are for linear light; the default threshold is 254 of 255 with gamma 2.2
        removed. For video, threshold=0.797 (230 of 255).

    Agreement: HDR Toolbox, the map e with `window=toolbox`, its threshold (250 of 255) and weights of
        luminance: 2 cases within 4e-8 in float64 (they are stored so); in the third the region that grows
        differs at 3 % of the pixels, by 0.008 at most. Its colours are multiplied with luminance
        once too often, which is not offered. The paper's display shows white at 1200, black at 0.3 and what
        is clipped at 4800 cd/m²: `peak=4800 black_level=0.3`.

    Picture: the photograph a little brighter; what clipped is up to twice as bright again here. Small lamps
        win little, for the wide Gaussian leaves little of them.

    References:  [rempel2007], sections 4 and 5.
    """

    peak: float = parameter(
        1000.0,
        "luminance of white amid clipped white; other white has a quarter",
        minimum=1.0,
        maximum=10_000.0,
        unit="cd/m²",
    )
    black_level: float = parameter(0.0625, "luminance of black", minimum=0.0, maximum=10.0, unit="cd/m²")
    threshold: float = parameter(
        _THRESHOLD, "linear light above which a channel is clipped", minimum=0.0, maximum=1.0
    )
    sigma: float | None = parameter(
        None,
        "reach of the brightening; auto: the paper's 30 of 1920 pixels",
        minimum=0.5,
        maximum=1000.0,
        unit="px",
    )
    edge: float = parameter(0.05, "slope of linear light that stops the growth", minimum=0.0, maximum=1.0)
    window: str = parameter(
        "centred",
        "of the Gaussian; toolbox: an even number of pixels, half a pixel off",
        choices=("centred", "toolbox"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="rempel2007",
        title="Rempel et al. 2007, brightening up to edges, for video",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="rempel2007",
        memory=16.0,
        # As long as nothing is clipped, and but for the level of black.
        scaling="proportional",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The brightening of each pixel, 0 to 1."""
        image = image.detach()
        clipped = (image.amax(1, keepdim=True) > self.threshold).to(image)
        sigma = self.sigma or max(_SIGMA / _LONGER_SIDE * max(image.shape[-2:]), 0.5)
        brightness = convolve(clipped, _gaussian(sigma, even=self.window == "toolbox"))
        open_to = (_slope(light_of(image)) < self.edge) & (brightness > _LEAST_BRIGHTNESS)
        region = _opened(_grown(clipped > 0.0, open_to).to(image))
        return {"brightening": brightness * gaussian_blur(region, 1.0, radius=2)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale luminance to the display, brighten it, and scale the colours with it."""
        brightening = (statistics or self.measure(image))["brightening"]
        light = luminance(image)
        shown = torch.lerp(
            torch.full_like(light, self.black_level), torch.full_like(light, self.peak / 4.0), light
        )
        return scale_to(image, light, shown * (1.0 + 3.0 * brightening))


def _gaussian(sigma: float, *, even: bool) -> Float[Tensor, "side side"]:
    """A kernel of odd size that reaches 2.5 σ; of an even window the last row and column are empty."""
    radius = max(int(2.5 * sigma + 0.5), 1)
    offsets = torch.arange(-radius, radius + 1.0, dtype=torch.float64) + (0.5 if even else 0.0)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    if even:
        weights[-1] = 0.0
    weights /= weights.sum()
    return weights[:, None] * weights


def _slope(light: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """The length of the gradient, from differences two pixels wide, smoothed across; 0 beyond the border."""
    across = light.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
    along = light.new_tensor([-1.0, -2.0, 0.0, 2.0, 1.0]) / 6.0
    kernels = torch.stack((across[:, None] * along, along[:, None] * across))[:, None]
    length: Tensor = torch.linalg.vector_norm(
        functional.conv2d(light, kernels, padding=2), dim=1, keepdim=True
    )
    return length


def _grown(seeds: Tensor, open_to: Tensor) -> Tensor:
    """The seeds and all that can be reached from them, diagonals included, through what is open."""
    from scipy.ndimage import label

    connected = torch.ones(3, 3, dtype=torch.int).numpy()
    regions = torch.empty_like(seeds)
    for seed, reachable, region in zip(seeds, seeds | open_to, regions, strict=True):
        labels = torch.from_numpy(label(reachable[0].cpu().numpy(), connected)[0]).to(seeds.device)
        reached = labels.new_zeros(int(labels.max()) + 1, dtype=torch.bool)
        reached[labels[seed[0]].long()] = True
        region[0] = reached[labels.long()]
    return regions


def _opened(region: Tensor) -> Tensor:
    """Without what is narrower than three pixels."""
    eroded = -functional.max_pool2d(-region, 3, stride=1, padding=1)
    return functional.max_pool2d(eroded, 3, stride=1, padding=1)
