"""Ramsey, Johnson, Hansen 2004: adaptive temporal tone mapping."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.method import Direction, Method, MethodSpec, Statistics, Temporal, parameter
from relume.operators.statistics import light_of, log_mean
from relume.operators.tonemap.reinhard2002 import Reinhard2002


@dataclass(frozen=True, kw_only=True)
class Ramsey2004(Method):
    """The photographic curve, exposed for the geometric mean of a window of frames that fits itself.

    The window goes back from the current frame, at least `shortest` frames, then as long as the log means
    stay within `likeness` of that of the current frame, `longest` at most: steady scenes are smoothed over
    seconds, and after a change the old light is forgotten within a few frames.

    Convention:  without a white the curve is s/(1+s) and nothing burns.

    Agreement: with `reinhard2002 key=0.18` of the same white on the first frame, exactly; no reference values
    exist for clips. The lengths 5 and 60 and the 10 % are those that later surveys report.

    Picture: a frame by itself is as of `reinhard2002` with no white: bright parts a little duller.

    References:  [ramsey2004]; [reinhard2002], eqs. 1 to 4.
    """

    key: float = parameter(
        0.18, "what the carried log mean becomes: 0.18 is middle grey", minimum=1e-3, maximum=10.0
    )
    white: float = parameter(math.inf, "exposed luminance that becomes white", minimum=0.1)
    shortest: int = parameter(
        5, "frames that always count, if there are so many", minimum=1, maximum=1000, unit="frames"
    )
    longest: int = parameter(60, "frames that count at most", minimum=1, maximum=1000, unit="frames")
    likeness: float = parameter(
        0.1, "relative difference of the log mean up to which older frames count", minimum=0.0, maximum=10.0
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="ramsey2004",
        title="Ramsey et al. 2004, photographic curve over a window of frames",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="ramsey2004",
        temporal=Temporal.RECURRENT,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The log mean."""
        return {"mean": log_mean(light_of(image))}

    def carry(self, measured: Statistics, previous: Statistics | None) -> Statistics:
        """The geometric mean over the window; with the log mean of each frame, the newest first."""
        now = measured["mean"]
        if previous is None:
            return {"mean": now, "history": now}
        history = torch.cat((now, previous["history"]), dim=1)[:, : self.longest]
        alike = ((history - now).abs() <= self.likeness * now).to(now.dtype)
        alike[:, : self.shortest] = 1.0
        counted = alike.cumprod(dim=1)
        logarithm = (history.log() * counted).sum(1, keepdim=True) / counted.sum(1, keepdim=True)
        return {"mean": logarithm.exp(), "history": history}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The photographic curve for that mean."""
        statistics = statistics or self.measure(image)
        exposure = self.key / statistics["mean"]
        return Reinhard2002()(image, {"exposure": exposure, "white": torch.full_like(exposure, self.white)})
