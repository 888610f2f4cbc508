"""ITU-R BT.2446, method C: HDR to SDR that keeps the chromaticity, with super-whites."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS, REFERENCE_WHITE
from relume.color.primaries import BT2020, apply_matrix, rgb_to_xyz_matrix, white_to_xyz
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import gain

K1, K3 = 0.83802, 0.74204
KNEE = 58.535 / K1
"""cd/m² of HDR, from which luminance is compressed."""
# What makes value and slope continuous at the knee; the report prints 15.09968 and 78.99439.
K2 = K1 * KNEE * (1.0 - K3)
K4 = K1 * KNEE - K2 * math.log(1.0 - K3)

_HDR_PEAK = 1000.0
"""cd/m², where chroma correction reaches its full strength."""


@dataclass(frozen=True, kw_only=True)
class Bt2446c(Method):
    """Luminance straight up to 70 cd/m², logarithmic above; chromaticity stays.

    Crosstalk between the channels, undone after, makes saturated colours count as brighter than they are.

    Convention:  linear BT.2020 in cd/m² in, 1.0 is `peak` out. Diffuse white at 203 cd/m² becomes 91 cd/m²,
        1000 cd/m² becomes 118: super-white, which a file of 0..1 cuts unless `peak` is 118.

    Agreement: luminance with the formula recomputed in numpy, 1e-12; no reference program.

    Picture: bright, with the contrast of the scene up to diffuse white; sunlit surfaces and glow around lamps
        turn flat.

    References:  [bt2446], method C.
    """

    crosstalk: float = parameter(
        0.04, "α: higher holds bright saturated colours down", minimum=0.0, maximum=0.33
    )
    chroma_correction: float = parameter(
        0.0, "σ: how much chroma what is as bright as 1000 cd/m² loses", minimum=0.0, maximum=1.0
    )
    peak: float = parameter(
        100.0, "luminance of the SDR picture that is 1.0", minimum=10.0, maximum=1e3, unit="cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="bt2446c",
        title="ITU-R BT.2446 method C",
        direction=Direction.TONEMAP,
        input=replace(LINEAR_NITS, primaries=BT2020),
        output=replace(LINEAR_DISPLAY, primaries=BT2020),
        citation="bt2446",
        scaling="dependent",
    )

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Crosstalk, chroma correction, luminance, inverse crosstalk."""
        mixing = np.eye(3) * (1.0 - 3.0 * self.crosstalk) + self.crosstalk
        xyz = apply_matrix(image, rgb_to_xyz_matrix(BT2020) @ mixing)
        if self.chroma_correction > 0.0:
            xyz = reduce_chroma(xyz, self.chroma_correction)
        light = xyz[:, 1:2]
        mapped = xyz * (gain(light, compress(light)) / self.peak)
        return apply_matrix(mapped, np.linalg.inv(rgb_to_xyz_matrix(BT2020) @ mixing))


def compress(light: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Luminance of HDR to luminance of SDR, both in cd/m².

    References:  [bt2446], method C.
    """
    above = K2 * (light.clamp(min=KNEE) / KNEE - K3).log() + K4
    return torch.where(light < KNEE, K1 * light, above)


def reduce_chroma(
    xyz: Float[Tensor, "batch 3 height width"], strength: float
) -> Float[Tensor, "batch 3 height width"]:
    """Chroma of CIE LCh reduced above reference white, in proportion to lightness.

    Convention:  XYZ in cd/m², as it is up to 203 cd/m²; lightness and hue stay. Cube roots throughout: what
        is darker than the straight part of CIELAB is not touched.

    References:  [bt2446], method C, chroma correction.
    """
    white = torch.tensor(white_to_xyz(BT2020.white), dtype=xyz.dtype, device=xyz.device).view(3, 1, 1)
    roots = _cube_root(xyz / white)
    bright, full = (level ** (1.0 / 3.0) for level in (REFERENCE_WHITE, _HDR_PEAK))
    lightness = roots[:, 1:2]
    kept = (1.0 - strength * (lightness - bright) / (full - bright)).clamp(0.0, 1.0)
    faded = torch.lerp(lightness, roots, kept) ** 3 * white
    return torch.where(kept < 1.0, faded, xyz)


def _cube_root(values: Tensor) -> Tensor:
    return values.clamp(min=1e-9).log().div(3.0).exp()
