"""ITU-R BT.2446, method C: SDR to HDR, the inverse of its tone curve."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.primaries import BT2020, apply_matrix, rgb_to_xyz_matrix
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import gain
from relume.operators.tonemap.bt2446c import K1, K2, K3, K4, KNEE


@dataclass(frozen=True, kw_only=True)
class Bt2446cInverse(Method):
    """Luminance straight up to 59 cd/m², exponential above; between two matrices that bring the gamut in.

    Convention:  linear BT.2020 in, 1.0 is `white`; cd/m² out. White of 100 cd/m² becomes 333, reference white
        of 203 comes from 91, and 1000 from 118: super-white, which SDR pictures have not.

    Agreement: with method C for HDR to SDR, back and forth, within 1e-12; no reference program.

    Picture: darker than the photograph where diffuse white is 203 cd/m²: mid-tones are at 0.6 of theirs and
        only white goes above, to 1.64 times diffuse white. It is meant for programmes that mix SDR with HDR,
        not to impress.

    References:  [bt2446], method C.
    """

    crosstalk: float = parameter(
        0.04, "α: higher moves colours towards grey before, and back after", minimum=0.0, maximum=0.33
    )
    white: float = parameter(100.0, "luminance of SDR white", minimum=10.0, maximum=200.0, unit="cd/m²")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2446c_inverse",
        title="ITU-R BT.2446 method C, SDR to HDR",
        direction=Direction.EXPAND,
        input=replace(LINEAR_DISPLAY, primaries=BT2020),
        output=replace(LINEAR_NITS, primaries=BT2020),
        citation="bt2446",
        scaling="dependent",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Crosstalk, luminance, inverse crosstalk."""
        mixing = rgb_to_xyz_matrix(BT2020) @ (np.eye(3) * (1.0 - 3.0 * self.crosstalk) + self.crosstalk)
        xyz = self.white * apply_matrix(image, mixing)
        light = xyz[:, 1:2]
        return apply_matrix(xyz * gain(light, expand(light)), np.linalg.inv(mixing))


def expand(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Luminance of SDR to luminance of HDR, both in cd/m².

    References:  [bt2446], method C, solved for the luminance of HDR.
    """
    joint = K1 * KNEE
    above = KNEE * (((light.clamp(min=joint) - K4) / K2).exp() + K3)
    return torch.where(light < joint, light / K1, above)
