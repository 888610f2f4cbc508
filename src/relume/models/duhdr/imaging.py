"""The secondary path: what a camera makes of light."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.filters.base_detail import truncate_base
from relume.method import Direction, MethodSpec, Statistics
from relume.models.duhdr.measuring_copy import measuring_copy
from relume.models.duhdr.response_curve import CurveNet
from relume.models.measuring import MeasuringNetwork
from relume.response.basis import ResponseBasis, own_basis
from relume.response.curve import lookup

MEAN = 0.5
"""Of the light that a picture is taken of, over pixels and channels, as in the data of [duhdr2023]."""

HALO = 4
"""How far the truncation looks: two windows of radius 2."""

SPEC = MethodSpec(
    name="duhdr_imaging",
    title="DuHDR's secondary path: truncation and a learned camera response",
    direction=Direction.TONEMAP,
    input=LINEAR_SCENE,
    output=SRGB,
    citation="duhdr2023",
    size_minimum=HALO + 1,
    precisions=("float32",),
    tolerance=1e-4,
    memory=32.0,
    upper=1.0,
)


@dataclass(frozen=True, kw_only=True)
class ImagingConfig:
    """How large Nnet is, and how light is truncated."""

    width: int = 64
    momentum: float = 0.001
    """Of the running statistics of its normalisation; the published code keeps 0.999 of them."""
    truncation: str = "base and detail"
    """C: "base and detail", or "clip"."""
    basis: ResponseBasis | None = None
    """Of responses, from `relume.response.tables.load_emor` for example; None: our own."""


class Imaging(MeasuringNetwork):
    """Nnet(C(H)): truncation, and the response that Nnet estimates.

    Called, it takes a picture of light in any unit: the mean of the light is brought to 0.5 first. `picture`
    takes light whose 1.0 is the level that clips. Quantization, the last step of eq. 1, is left to the writer
    of the file.

    References:  [duhdr2023], eqs. 1 and 10.
    """

    def __init__(self, config: ImagingConfig) -> None:
        super().__init__()
        self.truncation = config.truncation
        self.nnet = CurveNet(config.width, config.basis or own_basis(), momentum=config.momentum)

    def truncated(
        self, light: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """C(H) of light whose 1.0 is the level that clips."""
        return truncate_base(light) if self.truncation == "base and detail" else light.clamp(max=1.0)

    def picture(self, light: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The picture before quantization, Ĩ_n: light whose 1.0 is the level that clips → encoded 0..1."""
        result: Tensor = self.nnet(self.truncated(light))
        return result

    def measure(self, light: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The factor that brings the mean to 0.5, and the response of the camera."""
        light = light.clamp(min=0.0)
        exposure = MEAN / (light.mean((1, 2, 3), keepdim=True) + 1e-6)
        height, width = (max(HALO + 1 - side, 0) for side in light.shape[-2:])
        truncated = self.truncated(functional.pad(light * exposure, (0, width, 0, height), mode="replicate"))
        return {"exposure": exposure, "response": self.nnet.curve(measuring_copy(truncated))[..., None, None]}

    def forward(
        self, light: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """A picture of the light: linear, not negative, any unit → encoded 0..1."""
        statistics = statistics or self.measure(light)
        truncated = self.truncated(light.clamp(min=0.0) * statistics["exposure"])
        return lookup(truncated, statistics["response"][..., 0, 0])
