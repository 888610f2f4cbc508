"""Reinhard et al. 2002 for video: the photographic curve with a mean and a white that leak."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.method import Direction, Method, MethodSpec, Statistics, Temporal, parameter
from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.reinhard2002 import Reinhard2002

_DARKEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Reinhard2002Coherent(Method):
    """`reinhard2002` whose log mean and brightest light leak from frame to frame.

    x_t = x_{t-1}^(1-leak) x^leak for both, x what was measured of the frame: a lamp that comes into the
    picture no longer darkens all else at once. The first frame, and that after a cut, are those of
    `reinhard2002`. Kang et al. took the mean of the log luminance over a window of frames for the same end;
    the leak is its recursive form and the one that other programs offer. The cut is ours.

    Convention:  the curve itself takes out exposure that is measured, so a camera whose exposure flickers is
        steadied by `reinhard2002` and not by this: what is steadied here is a scene of steady exposure.

    Agreement: with `reinhard2002` on the first frame, exactly; no reference values exist for clips.

    Picture: a frame by itself is as of `reinhard2002`.

    References:  [reinhard2002], eqs. 1, 2 and 4; [kang2003] for the mean over frames.
    """

    key: float = parameter(
        0.18, "what the carried log mean becomes: 0.18 is middle grey", minimum=1e-3, maximum=10.0
    )
    leak: float = parameter(
        0.1,
        "share that a new frame has in mean and white; 1: each frame by itself",
        minimum=1e-3,
        maximum=1.0,
    )
    cut: float = parameter(
        2.0, "change of the log mean from which a new scene begins", minimum=0.1, maximum=100.0, unit="stops"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="reinhard2002_coherent",
        title="Reinhard et al. 2002, coherent in time",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="reinhard2002",
        temporal=Temporal.RECURRENT,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The log mean and the largest luminance."""
        light = light_of(image)
        return {"mean": log_mean(light), "top": light.amax((-2, -1), keepdim=True).clamp(min=_DARKEST)}

    def carry(self, measured: Statistics, previous: Statistics | None) -> Statistics:
        """Leak, or begin anew at a cut."""
        if previous is None:
            return measured
        changed = (measured["mean"] / previous["mean"]).log2().abs() > self.cut
        return {
            name: torch.where(changed, now, previous[name] ** (1.0 - self.leak) * now**self.leak)
            for name, now in measured.items()
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The photographic curve for that mean and white."""
        statistics = statistics or self.measure(image)
        exposure = self.key / statistics["mean"]
        white = (statistics["top"] * exposure).clamp(min=1.0)
        return Reinhard2002()(image, {"exposure": exposure, "white": white})
