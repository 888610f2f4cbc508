"""Kuang, Johnson, Fairchild 2007: iCAM06, an image appearance model for HDR rendering."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.primaries import BT709, apply_matrix, rgb_to_xyz_matrix
from relume.filters.bilateral import bilateral
from relume.filters.bilateral_grid import bilateral_grid
from relume.filters.gaussian import gaussian_blur
from relume.filters.pyramid import strips
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import percentile

# The four digits printed in the standard, which the implementations of the field were written with.
_RGB_TO_XYZ = rgb_to_xyz_matrix(BT709).round(4)
_CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
_CONES = np.array([[0.38971, 0.68898, -0.07868], [-0.22981, 1.18340, 0.04641], [0.0, 0.0, 1.0]])
"""Hunt, Pointer, Estevez, for equal energy."""
_IPT_CONES = np.array([[0.4002, 0.7075, -0.0807], [-0.2280, 1.1500, 0.0612], [0.0, 0.0, 0.9184]])
_IPT = np.array([[0.4000, 0.4000, 0.2000], [4.4550, -4.8510, 0.3960], [0.8056, 0.3572, -1.1628]])
_IPT_EXPONENT = 0.43
_D65 = np.array([96.047, 100.0, 108.883])

_PEAK = 20000.0
"""cd/m² that the brightest light of a scene of unknown luminance gets."""
_SIGMA_SPACE, _SIGMA_RANGE = 0.02, 0.35
"""Of the bilateral filter: share of the shorter side, and log10 units."""
_SURROUNDS = {"average": 1.0, "dim": 1.25, "dark": 1.5}
_DARKEST = 1e-6
_REDUCED, _WHITE_SIDE = 8, 64
"""The white of the scene is blurred so much that an eighth of the size is enough, or 64 pixels a side."""


class _View(NamedTuple):
    """What the eye takes in: maps of the whole image in cd/m²."""

    scene: Float[Tensor, "1 3 height width"]
    base: Float[Tensor, "1 3 height width"]
    white: Float[Tensor, "1 3 height width"]


@dataclass(frozen=True, kw_only=True)
class ICAM06(Method):
    """What the eye makes of the scene, adapted place by place, shown on a display.

    A bilateral filter parts XYZ into base and detail. The base is adapted to its blurred surroundings
    (CAT02), compressed as cones and rods do, and gets the detail back, stronger in bright light (Stevens);
    in IPT colours gain with luminance (Hunt) and contrast with the light around the display
    (Bartleson, Breneman). The result is stretched from its 1st to its 99th percentile and cut.

    Agreement: 0.05 at worst, 0.002 in the mean (of white, float64) with the full filter of KuangTMO of the
    HDR Toolbox, with variant=toolbox; the difference grows towards the right border, perhaps because of how
    the white is resampled to an eighth and back. Its default draws random samples by the clock. With the
    paper it differs on purpose: base in linear XYZ (the filter does next to nothing) and a degree of
    adaptation without the factor 0.3.

    Picture: it promises appearance, not punch: soft and even where no light dominates. Large lamps are
        exposed for, and the rest goes to brown and black; colour casts are taken out. With `variant=toolbox`
        it is flatter, and coloured lamps tint all of a night in the opposite colour.

    References:  [kuang2007], sections 2 and 3.
    """

    calibrated: bool = parameter(
        True, "yes: luminances are what the input says; no: its brightest light counts as 20 000 cd/m²"
    )
    contrast: float = parameter(0.75, "exponent of the cones' response", minimum=0.6, maximum=0.85)
    surround: str = parameter(
        "average", "light around the display; darker needs more contrast", choices=tuple(_SURROUNDS)
    )
    variant: str = parameter(
        "paper",
        "paper: base in log10, incomplete adaptation; toolbox: base in linear XYZ by an exact filter, for "
        "small pictures only, and complete adaptation",
        choices=("paper", "toolbox"),
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="icam06",
        title="Kuang et al. 2007, iCAM06 image appearance",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="kuang2007",
        memory=20.0,
        scaling="dependent",
        differentiable=False,
        upper=1.0,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The display's light for each pixel, before it is stretched, and the ends of that."""
        with torch.no_grad():
            shown = torch.cat([self._shown(picture) for picture in torch.split(image.detach(), 1)])
        return {"shown": shown, "low": percentile(shown, 0.01), "high": percentile(shown, 0.99)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Stretch and cut."""
        statistics = statistics or self.measure(image)
        low, high = statistics["low"], statistics["high"]
        return ((statistics["shown"] - low) / (high - low).clamp(min=_DARKEST)).clamp(0.0, 1.0)

    def _shown(self, image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        scene = apply_matrix(image, _RGB_TO_XYZ).clamp(min=_DARKEST)
        if not self.calibrated:
            scene = scene * (_PEAK / scene[:, 1].amax())
        view = _View(scene, self._base(scene), _white(scene))
        brightest = float(view.white[:, 1].amax())
        appearance = torch.empty_like(scene)
        for top, bottom in strips(*scene.shape[-2:]):
            part = _View(*(each[..., top:bottom, :] for each in view))
            appearance[..., top:bottom, :] = self._appearance(part, brightest)
        return self._surrounded(appearance)

    def _base(self, scene: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        sigma = _SIGMA_SPACE * min(scene.shape[-2:])
        if self.variant == "toolbox":
            return bilateral(scene, sigma_space=sigma, sigma_range=_SIGMA_RANGE)
        bases = []
        for channel in torch.split(scene.log10(), 1, dim=1):
            low, high = float(channel.min()), float(channel.max())
            bases.append(
                bilateral_grid(channel, sigma_space=sigma, sigma_range=_SIGMA_RANGE, low=low, high=high)
            )
        return 10.0 ** torch.cat(bases, dim=1)

    def _appearance(self, view: _View, brightest: float) -> Float[Tensor, "1 3 rows width"]:
        """IPT of what is seen."""
        adapted = self._adapted(view)
        white = view.white[:, 1:2]
        cones = apply_matrix(adapted, _CONES)
        response = self._response(_luminance_factor(0.2 * white) * cones / white) + 0.1
        response = response + self._rods(adapted[:, 1:2], white, brightest)
        seen = apply_matrix(response, np.linalg.inv(_CONES))
        bright = _luminance_factor(0.2 * view.base[:, 1:2])
        seen = seen * (view.scene / view.base) ** ((bright + 0.8) ** 0.25)
        intensity, first, second = apply_matrix(
            _signed_power(apply_matrix(seen, _IPT_CONES), _IPT_EXPONENT), _IPT
        ).chunk(3, dim=1)
        chroma = torch.hypot(first, second)
        hunt = (1.29 * chroma**2 - 0.27 * chroma + 0.42) / (chroma**2 - 0.31 * chroma + 0.42)
        gain = (_luminance_factor(0.2 * view.scene[:, 1:2]) + 1.0) ** 0.2 * hunt
        return torch.cat((intensity, first * gain, second * gain), dim=1)

    def _adapted(self, view: _View) -> Float[Tensor, "1 3 rows width"]:
        """The base as under D65, as far as the eye adapts."""
        degree = 1.0 - (-(0.2 * view.white[:, 1:2] + 42.0) / 92.0).exp() / 3.6
        if self.variant == "paper":
            degree = 0.3 * degree
        goal = torch.as_tensor(_CAT02 @ _D65, dtype=degree.dtype, device=degree.device).view(1, 3, 1, 1)
        scale = goal * degree / apply_matrix(view.white, _CAT02) + 1.0 - degree
        return apply_matrix(apply_matrix(view.base, _CAT02) * scale, np.linalg.inv(_CAT02))

    def _response(self, excitation: Tensor) -> Tensor:
        powered = _signed_power(excitation, self.contrast)
        return 400.0 * powered / (27.13 + powered.abs())

    def _rods(self, base: Tensor, white: Tensor, brightest: float) -> Tensor:
        """Hunt's response of the rods."""
        scotopic, relative = white, base.abs() / brightest  # 5 times the adaptation, a fifth of white
        bleached = 0.5 / (1.0 + 0.3 * (scotopic * relative) ** 0.3) + 0.5 / (1.0 + 5.0 * scotopic)
        j = (1e-5 / (scotopic + 1e-5)) ** 2
        factor = 3800.0 * j * scotopic + 0.2 * (1.0 - j) ** 4 * scotopic ** (1.0 / 6.0)
        return 3.05 * bleached * self._response(factor * relative) + 0.3

    def _surrounded(self, appearance: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        """Linear RGB of an appearance, in place, its contrast raised for a dark surround."""
        top, exponent = float(appearance[:, 0].amax()), _SURROUNDS[self.surround]
        for first, last in strips(*appearance.shape[-2:]):
            part = appearance[..., first:last, :]
            part[:, :1] = _signed_power(part[:, :1] / top, exponent) * top
            cones = _signed_power(apply_matrix(part, np.linalg.inv(_IPT)), 1.0 / _IPT_EXPONENT)
            part.copy_(apply_matrix(cones, np.linalg.inv(_IPT_CONES @ _RGB_TO_XYZ)))
        return appearance


def _white(scene: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
    """What each pixel's surroundings, half the picture wide, let it take for white."""
    height, width = scene.shape[-2:]
    factor = max(_REDUCED, -(-max(height, width) // _WHITE_SIDE))
    size = (-(-height // factor), -(-width // factor))
    small = functional.interpolate(scene, size=size, mode="bilinear", antialias=True, align_corners=False)
    sigma = 0.5 * max(height, width) / factor
    small = gaussian_blur(small, sigma, radius=max(int(5.0 * sigma + 0.5) // 2, 1))
    return functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def _luminance_factor(adaptation: Tensor) -> Tensor:
    """F_L of CIECAM02, for an adapting luminance in cd/m²."""
    luminance = 5.0 * adaptation
    k = (1.0 / (luminance + 1.0)) ** 4
    factor: Tensor = 0.2 * k * luminance + 0.1 * (1.0 - k) ** 2 * luminance ** (1.0 / 3.0)
    return factor


def _signed_power(values: Tensor, exponent: float) -> Tensor:
    return values.abs().pow(exponent).copysign(values)
