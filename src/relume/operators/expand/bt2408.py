"""ITU-R BT.2408: SDR in an HDR programme, looking as it did."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS, REFERENCE_WHITE
from relume.color.luminance import luminance
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import gain


@dataclass(frozen=True, kw_only=True)
class Bt2408(Method):
    """Display light scaled so that SDR white lies at HDR reference white, 203 cd/m²: nothing is expanded.

    The Report calls this display-referred mapping: the light of the SDR display, 100 cd/m² at white, times
    2.03, then the encoding of HDR. It keeps colours and relative tones. As a brighter picture looks lighter,
    the Report also speaks of adjusting the tone; `gamma` does so by luminance, which keeps hue.

    Agreement: reference white and the kind of mapping are the Report's; the text of its section 5.1 was not
        at hand, and `gamma` is ours. With gamma 1 the same light as `linear`, by construction.

    Picture: the photograph, as `linear` shows it.

    References:  [bt2408], sections 2.1 (reference white) and 5.1 (mapping).
    """

    white: float = parameter(
        REFERENCE_WHITE, "luminance of SDR white", minimum=1.0, maximum=10_000.0, unit="cd/m²"
    )
    gamma: float = parameter(1.0, "exponent of luminance; 1 keeps relative tones", minimum=0.5, maximum=2.0)

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2408",
        title="ITU-R BT.2408, SDR at reference white",
        direction=Direction.EXPAND,
        input=LINEAR_DISPLAY,
        output=LINEAR_NITS,
        citation="bt2408",
        memory=0.0,
        # With the default gamma.
        scaling="proportional",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Scale, and raise luminance to gamma where one is given."""
        scaled = image * self.white
        if self.gamma == 1.0:
            return scaled
        light = luminance(image)
        lit = light > 0.0
        return scaled * gain(light, torch.where(lit, light, 1.0).pow(self.gamma))
