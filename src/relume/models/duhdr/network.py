"""DuHDR as a whole: its sizes, and what it is as a method."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.method import Direction, MethodSpec, Statistics
from relume.models.duhdr.dequantization import Dnet
from relume.models.duhdr.imaging import Imaging, ImagingConfig
from relume.models.duhdr.inverse_truncation import ITnet
from relume.models.duhdr.measuring_copy import MULTIPLE, measuring_copy, needs_measuring
from relume.models.duhdr.optimization import OOnet, OOnetConfig
from relume.models.duhdr.response_curve import CurveNet
from relume.models.measuring import MeasuringNetwork
from relume.response.basis import ResponseBasis, own_basis
from relume.response.curve import lookup

HALO = 256
"""What lies further away than this changes a pixel by less than the tolerance, though the networks look
further: the halvings alone reach that far, and the attention of OOnet four times as far."""

SPEC = MethodSpec(
    name="duhdr",
    title="DuHDR: dual learning of the camera's imaging process",
    direction=Direction.EXPAND,
    input=SRGB,
    output=LINEAR_SCENE,
    citation="duhdr2023",
    size_multiple=MULTIPLE,
    size_minimum=MULTIPLE,
    precisions=("float32",),
    tolerance=1e-2,
    memory=24.0,
    scaling="dependent",
)


@dataclass(frozen=True, kw_only=True)
class DuHDRConfig:
    """How large the networks are; the defaults are those of the paper."""

    dnet_width: int = 16
    innet_width: int = 64
    innet_momentum: float = 0.001
    """Of the running statistics of INnet's normalisation; the published code keeps 0.999 of them."""
    inverse_basis: ResponseBasis | None = None
    """Of inverse responses, from `relume.response.tables.load_emor` for example; None: our own."""
    itnet_width: int = 64
    threshold: float = 0.95
    """α: where light begins to count as truncated."""
    oonet: OOnetConfig | None = OOnetConfig()
    """None: the light that ITnet finds is the result."""
    imaging: ImagingConfig = ImagingConfig()
    """The secondary path."""


_PAPER = DuHDRConfig()
_COMPACT = DuHDRConfig(
    dnet_width=8,
    innet_width=32,
    innet_momentum=0.01,
    itnet_width=16,
    oonet=OOnetConfig(width=8),
    imaging=ImagingConfig(width=32, momentum=0.01),
)

PRESETS = {
    "paper": _PAPER,
    # The variant whose parameters the paper counts: two convolutions in place of receptive field blocks.
    "paper_plain": replace(_PAPER, oonet=OOnetConfig(rfb=False)),
    "compact": _COMPACT,
    # For the ablations of Tables 3 and 4.
    "compact_rfb": replace(_COMPACT, oonet=OOnetConfig(width=8, attention=False)),
    "compact_unet": replace(_COMPACT, oonet=OOnetConfig(width=8, rfb=False, attention=False)),
    "compact_itnet": replace(_COMPACT, oonet=None),
    "compact_itnet_clip": replace(
        _COMPACT, oonet=None, imaging=ImagingConfig(width=32, momentum=0.01, truncation="clip")
    ),
    "smoke": DuHDRConfig(
        dnet_width=4,
        innet_width=8,
        innet_momentum=0.1,
        itnet_width=4,
        oonet=OOnetConfig(width=8),
        imaging=ImagingConfig(width=8, momentum=0.1),
    ),
}


class DuHDR(MeasuringNetwork):
    """The way from a picture back to the light, and the camera that leads the other way.

    Convention:  SDR, encoded 0..1 → light, linear, 1.0 = the level that clips, no upper end. Height and width
        must be multiples of 64.

    References:  [duhdr2023], eqs. 1, 2 and 21.
    """

    def __init__(self, config: DuHDRConfig) -> None:
        super().__init__()
        self.dnet = Dnet(config.dnet_width)
        self.innet = CurveNet(
            config.innet_width,
            config.inverse_basis or own_basis(inverse=True),
            momentum=config.innet_momentum,
        )
        self.itnet = ITnet(config.itnet_width, config.threshold)
        self.oonet = OOnet(config.oonet) if config.oonet is not None else None
        self.imaging = Imaging(config.imaging)

    def measure(self, sdr: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The curve that INnet finds and the gates of OOnet, of the picture reduced to one megapixel."""
        nonlinear = self.dnet(measuring_copy(sdr))
        curve = self.innet.curve(nonlinear)
        statistics = {"inverse_response": curve[..., None, None]}
        if self.oonet is not None:
            truncated = lookup(nonlinear, curve)
            gates = self.oonet.gates(self.itnet(truncated), truncated, nonlinear)
            statistics |= {f"gate_{number}": gate for number, gate in enumerate(gates)}
        return statistics

    def forward(
        self, sdr: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The light, Ĥ_OO; Ĥ where there is no OOnet."""
        if statistics is None and needs_measuring(sdr):
            statistics = self.measure(sdr)
        nonlinear = self.dnet(sdr)
        curve = statistics["inverse_response"][..., 0, 0] if statistics else self.innet.curve(nonlinear)
        truncated = lookup(nonlinear, curve)
        light: Tensor = self.itnet(truncated)
        if self.oonet is None:
            return light
        # Of a picture of one pixel, a runner takes numbers for maps and repeats them.
        numbers = {name: value[..., :1, :1] for name, value in (statistics or {}).items()}
        gates = [gate for name, gate in numbers.items() if name.startswith("gate_")]
        result: Tensor = self.oonet(light, truncated, nonlinear, gates)
        return result
