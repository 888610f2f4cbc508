"""Kiser, Reinhard, Tocci, Tocci 2012: real time automated tone mapping for HDR video."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.method import Direction, Method, MethodSpec, Statistics, Temporal, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, log_mean, stops_of
from relume.operators.tonemap.reinhard2002 import Reinhard2002


@dataclass(frozen=True, kw_only=True)
class Kiser2012(Method):
    """The photographic curve with automatic key and white, from three numbers that leak from frame to frame.

    With A the stops from the log mean to the bright end and B those from the dark end to the log mean, the
    key is 0.18 · 4^((B-A)/(A+B)) and the white 1.5 · 2^(A+B-5). The log mean (in stops), A and B each become
    `memory` times their old value and 1 - `memory` times the measured one.

    Convention:  the ends are the 1st and the 99th percentile of the luminance; the white is not below 1.

    Agreement: with `reinhard2002` and the key of its 2003 estimate on the first frame; no reference values
    exist for clips.

    Picture: a frame by itself is as of `reinhard2002` with an automatic key, a little darker here.

    References:  [kiser2012]; [reinhard2003] for key and white.
    """

    memory: float = parameter(
        0.98, "share that the frames before have in key, white and exposure", minimum=0.0, maximum=0.9999
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="kiser2012",
        title="Kiser et al. 2012, automatic photographic curve for video",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="kiser2012",
        temporal=Temporal.RECURRENT,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The log mean in stops, and how far the bright and the dark end are from it."""
        light = light_of(image)
        low, middle, high = stops_of(light, log_mean(light), offset=LOG_OFFSET)
        return {"middle": middle, "above": high - middle, "below": middle - low}

    def carry(self, measured: Statistics, previous: Statistics | None) -> Statistics:
        """Leak."""
        if previous is None:
            return measured
        return {
            name: self.memory * previous[name] + (1.0 - self.memory) * now for name, now in measured.items()
        }

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """The photographic curve for these numbers."""
        statistics = statistics or self.measure(image)
        above, below = statistics["above"], statistics["below"]
        stops = above + below
        key = 0.18 * (2.0 * (below - above) / stops.clamp(min=1.0)).exp2()
        white = (1.5 * (stops - 5.0).exp2()).clamp(min=1.0)
        return Reinhard2002()(image, {"exposure": key / statistics["middle"].exp2(), "white": white})
