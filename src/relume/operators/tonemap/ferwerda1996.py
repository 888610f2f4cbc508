"""Ferwerda, Pattanaik, Shirley, Greenberg 1996: a model of visual adaptation for image synthesis."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.color.primaries import BT709, apply_matrix, rgb_to_xyz_matrix
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of
from relume.operators.tonemap.visibility import cone_threshold, rod_threshold
from relume.operators.tonemap.yee_pattanaik2003 import LAYERS, local_adaptation

_ROD_COLOUR = (1.05, 0.97, 1.27)
"""What rods add to R, G and B: the bluish grey of the night."""
_MESOPIC = 0.01, 10.0
"""cd/m² of adaptation, below which rods see alone and above which cones do."""


@dataclass(frozen=True, kw_only=True)
class Ferwerda1996(Method):
    """Just visible differences of the scene become just visible ones of the display, for cones and for rods.

    C_d = (mC C + (1.05, 0.97, 1.27) k mR Y_rod) / Ldmax, with m = T(Lda) / T(Lwa), T the thresholds of cones
    and of rods, and k, the part that rods have, from 1 in the dark to 0 in the light.

    The rods of the paper see the scotopic luminance of a spectrum; here it is estimated from the colour.
    The loss of acuity in the dark is left out.

    Convention:  nothing is compressed: what is brighter than the display is cut by it, not here. Where the
        range is long and the adaptation half of the brightest light, as in the paper, all but the lamps is
        near black: give the level that the viewer is to be adapted to. With `adaptation_map` each pixel has
        its own; the picture is pale, and outlines of segments and noise in the dark show.

    Agreement: 6e-8 (relative, float64) with FerwerdaTMO of the HDR Toolbox with `form=toolbox`, all three
    cases, once cut to 0..1.

    Picture: at the automatic adaptation nothing but the lamps is seen, at night nothing but their cores. With
        `adaptation_map` dark blue and green turn into grey patches.

    References:  [ferwerda1996], section 4; [larson1997] for the luminance that rods see; [yee2003] for the
        map; [walraven1984] for the k of the toolbox.
    """

    peak: float = parameter(100.0, "white of the display", minimum=1.0, maximum=1e4, unit="cd/m²")
    display_adaptation: float | None = parameter(
        None,
        "luminance the viewer of the display is adapted to; auto is half its peak",
        minimum=1e-2,
        maximum=1e4,
        unit="cd/m²",
    )
    adaptation: float | None = parameter(
        None,
        "luminance the eye is adapted to; auto is half of the brightest",
        minimum=1e-6,
        maximum=1e8,
        unit="cd/m²",
    )
    form: str = parameter(
        "paper",
        "paper: rods fade over the mesopic range and see scotopic luminance; toolbox: k after Walraven and "
        "Valeton, rods see luminance",
        choices=("paper", "toolbox"),
    )
    adaptation_map: bool = parameter(False, "find the adaptation of each pixel from segments of the scene")
    layers: int = parameter(LAYERS, "of the adaptation map: segmentations averaged", minimum=2, maximum=128)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="ferwerda1996",
        title="Ferwerda et al. 1996, visual adaptation of rods and cones",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="ferwerda1996",
        scaling="dependent",
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """What the light of cones and of rods is multiplied with: numbers, or one for each pixel."""
        scene = self._adaptation(image)
        display = torch.full_like(scene, self.display_adaptation or 0.5 * self.peak)
        rods = rod_threshold(display) / rod_threshold(scene) * self._part_of_rods(scene)
        return {
            "cones": cone_threshold(display) / cone_threshold(scene) / self.peak,
            "rods": rods / self.peak,
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale the light of cones and add that of rods."""
        statistics = statistics or self.measure(image)
        seen = luminance(image) if self.form == "toolbox" else scotopic_luminance(image)
        colour = torch.tensor(_ROD_COLOUR, dtype=image.dtype, device=image.device).view(3, 1, 1)
        return image * statistics["cones"] + colour * (seen * statistics["rods"])

    def _adaptation(self, image: Tensor) -> Tensor:
        if self.adaptation_map:
            return local_adaptation(light_of(image), layers=self.layers)
        if self.adaptation is not None:
            return torch.full_like(image[:, :1, :1, :1], self.adaptation)
        return 0.5 * light_of(image).amax((-2, -1), keepdim=True)

    def _part_of_rods(self, scene: Tensor) -> Tensor:
        """k, 1 in the dark to 0 in the light."""
        if self.form == "toolbox":
            return ((100.0 - 0.25 * scene) / (100.0 + scene)).clamp(min=0.0)
        dark, bright = _MESOPIC
        return (1.0 - (0.5 * scene - dark) / (bright - dark)).clamp(0.0, 1.0) ** 2


def scotopic_luminance(image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """The luminance that rods see, estimated from the colour: Y (1.33 (1 + (Y + Z) / X) - 1.68).

    Convention:  linear BT.709 in cd/m² → cd/m²; light outside the gamut is cut.

    References:  [larson1997], the scotopic luminance.
    """
    x, y, z = apply_matrix(image.clamp(min=0.0), rgb_to_xyz_matrix(BT709)).chunk(3, dim=-3)
    return y * (1.33 * (1.0 + (y + z) / x.clamp(min=1e-9)) - 1.68)
