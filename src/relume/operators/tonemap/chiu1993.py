"""Chiu, Herf, Shirley, Swamy, Wang, Zimmerman 1993: spatially nonuniform scaling."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.filters.convolve import convolve
from relume.filters.gaussian import gaussian_weights
from relume.filters.trigonometric import cosine_transform, frequencies, inverse_cosine_transform
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of

_DARKEST = 1e-9
# Of one smoothing pass: the centre, its edge neighbours, its corner neighbours. They sum to 0.999.
_CENTRE, _EDGE, _CORNER = 0.227, 0.113, 0.080


@dataclass(frozen=True, kw_only=True)
class Chiu1993(Method):
    """Divide each pixel by k times the mean of its surroundings, smooth where that leaves the display, glare.

    s = 1/(k G_σ(L)), not above 1/L; smoothed by `passes` of a 3 × 3 kernel; Ld = glare(L s). The passes
    commute with the mirror that their repeated borders amount to, so that all of them together are one
    product in the cosine transform, exact and at the price of none.

    Convention:  the kernel of the paper sums to 0.999, so that 500 passes darken by 40 %. The smoothing comes
        after the limit 1/L, so highlights go far above white. There are dark halos around lamps and windows:
        they are what the method is known for, and why nobody uses it for pictures.

    Agreement: 7e-8 (relative, float64) with ChiuTMO of the HDR Toolbox, all three cases, with scattered=all.

    Picture: dark, with white discs of glare around lamps and grey shadows inside bright surfaces: one looks
        at it for its history.

    References:  [chiu1993].
    """

    k: float = parameter(
        8.0, "a surrounding as bright as the pixel becomes 1/k of white", minimum=1.0, maximum=100.0
    )
    sigma: float | None = parameter(
        None,
        "of the surroundings; None: 1 + 16/1024 of the longer side",
        minimum=0.5,
        maximum=1000.0,
        unit="pixels",
    )
    passes: int = parameter(500, "smoothing passes after the limit", minimum=0, maximum=100000)
    glare: float = parameter(
        0.8, "share of light that is not scattered in the eye; 1: no glare", minimum=0.1, maximum=1.0
    )

    scattered: str = parameter(
        "rest",
        "how much light glare adds around each pixel: rest, what it takes from it; all, as much as there is, "
        "as in the HDR Toolbox, whose pictures are 1.8 times as bright",
        choices=("rest", "all"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="chiu1993",
        title="Chiu et al. 1993, spatially nonuniform scaling",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="chiu1993",
        memory=30.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What each pixel is multiplied with."""
        light = light_of(image).clamp(min=_DARKEST)
        scale = self._smooth(torch.minimum(1.0 / (self.k * self._surroundings(light)), 1.0 / light))
        if self.glare == 1.0:
            return {"gain": scale}
        kernel = _glare_kernel(self.glare, 1.0 - self.glare if self.scattered == "rest" else 1.0)
        return {"gain": convolve(light * scale, kernel) / light}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale."""
        statistics = statistics or self.measure(image)
        return image * statistics["gain"]

    def _surroundings(
        self, light: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        sigma = self.sigma or int(16.0 * max(light.shape[-2:]) / 1024.0 + 0.5) + 1.0
        side = gaussian_weights(sigma, radius=max(int(5.0 * sigma + 0.5) // 2, 1))
        weights = torch.tensor([*side[:0:-1], *side], dtype=torch.float64)
        return convolve(light, torch.outer(weights, weights)).clamp(min=_DARKEST)

    def _smooth(self, scale: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 1 height width"]:
        wide = scale.double()
        down, right = (frequencies(count, wide).cos() for count in wide.shape[-2:])
        gain = _CENTRE + 2.0 * _EDGE * (down[:, None] + right) + 4.0 * _CORNER * down[:, None] * right
        smooth = inverse_cosine_transform(cosine_transform(wide) * gain**self.passes)
        return smooth.to(scale.dtype)


def _glare_kernel(kept: float, scattered: float) -> Float[Tensor, "121 121"]:
    """What a point becomes in the eye: itself, and a disc that falls with the 8th power of the distance.

    References:  [chiu1993], the section on glare.
    """
    offsets = torch.arange(-60, 61, dtype=torch.float64) / 61.0
    radius = torch.hypot(offsets[:, None], offsets)
    disc = torch.where(radius <= 1.0, (1.0 - radius).clamp(min=0.0) ** 8, 0.0)
    disc[60, 60] = 0.0
    disc *= scattered / disc.sum()
    disc[60, 60] = kept
    return disc
