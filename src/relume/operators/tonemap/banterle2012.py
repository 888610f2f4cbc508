"""Banterle et al. 2012: differential zone mapping based on psychophysical experiments."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_NITS
from relume.color.luminance import luminance
from relume.filters.gaussian import gaussian_blur
from relume.filters.laplacian import coarser, collapse, finer, level_count
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import light_of, percentile
from relume.operators.tonemap.drago2003 import Drago2003
from relume.operators.tonemap.reinhard2002 import Reinhard2002Local

_DARKEST, _BRIGHTEST = 0.015, 3000.0
"""cd/m² between which the experiments were made."""
_REINHARD_ZONES = (0, 2)
"""Log10 cd/m² of the zones, one log10 unit each, where viewers liked the local photographic operator best."""
_SMALLEST = 0.005
"""Share of the picture below which a patch of a zone goes to a neighbour."""
_GAMMA = 2.2


@dataclass(frozen=True, kw_only=True)
class Banterle2012(Method):
    """Map each zone of luminance by the operator that viewers preferred for it, and blend them band by band.

    Zones are the log10 units of the blurred luminance in cd/m², small patches given to what surrounds them.
    1 to 10 and 100 to 1000 cd/m² go to the local operator of Reinhard et al., key 0.5, all else to that of
    Drago et al.; the two pictures, encoded with gamma 2.2, are blended by Laplacian pyramids.

    Convention:  where both are used, the mean light of both is mixed and the operators differ in detail only;
        what is brightest clips with the local one.

    Agreement: 99.2, 100 and 100 % of the pixels are in the zones of the three cases of BanterleTMO of the HDR
    Toolbox, given its rescaling. Its picture is not comparable: its local operator is not that of the paper
    (see `reinhard2002_local`).

    Picture: bright; small lit shapes have light rims, and zones of crisp texture lie beside smooth ones, with
        a seam between.

    References:  [banterle2012]; [reinhard2002]; [drago2003]; [burt1983] for the blend.
    """

    calibrated: bool = parameter(
        True, "yes: luminances are what the input says; no: its 99.9th percentile counts as 3000 cd/m²"
    )

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="banterle2012",
        title="Banterle et al. 2012, an operator for each zone",
        direction=Direction.TONEMAP,
        input=LINEAR_NITS,
        output=LINEAR_DISPLAY,
        citation="banterle2012",
        memory=42.0,
        scaling="dependent",
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The picture."""
        with torch.no_grad():
            return {"shown": torch.cat([self._shown(part) for part in torch.split(image.detach(), 1)])}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Take the picture's part."""
        statistics = statistics or self.measure(image)
        return statistics["shown"].clone()

    def _shown(self, image: Float[Tensor, "1 3 height width"]) -> Float[Tensor, "1 3 height width"]:
        if not self.calibrated:
            image = image * (_BRIGHTEST / percentile(light_of(image), 0.999).clamp(min=1e-9))
        image = image.clamp(_DARKEST, _BRIGHTEST)
        local = np.isin(zones(image), _REINHARD_ZONES)
        if not local.any():
            return Drago2003()(image)
        if local.all():
            return Reinhard2002Local(key=0.5)(image)
        mask = torch.from_numpy(local).to(image)[None, None]
        pictures = (Reinhard2002Local(key=0.5)(image), Drago2003()(image))
        first, second = (picture ** (1.0 / _GAMMA) for picture in pictures)
        return blend(first, second, mask).clamp(min=0.0) ** _GAMMA


def zones(image: Float[Tensor, "1 3 height width"]) -> np.ndarray:
    """The log10 unit of luminance, rounded down, that each pixel of a picture in cd/m² belongs to."""
    from scipy.ndimage import label

    light = gaussian_blur(luminance(image), 1.0, radius=2)[0, 0]
    found: np.ndarray = light.log10().floor().cpu().numpy().astype(np.int8)
    patches, count = np.zeros(found.shape, dtype=np.int32), 0
    for zone in np.unique(found):
        labelled, more = label(found == zone)
        patches += np.where(labelled > 0, labelled + count, 0).astype(np.int32)
        count += more
    return _without_small_patches(found, patches)


def _without_small_patches(found: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """Small patches take the zone of the nearest pixel of a large one."""
    from scipy.ndimage import distance_transform_edt

    small = np.bincount(patches.ravel())[patches] < _SMALLEST * patches.size
    if small.all():
        return found
    row, column = distance_transform_edt(small, return_distances=False, return_indices=True)
    nearest: np.ndarray = found[row, column]
    return nearest


def blend(
    first: Float[Tensor, "1 3 height width"],
    second: Float[Tensor, "1 3 height width"],
    share: Float[Tensor, "1 1 height width"],
) -> Float[Tensor, "1 3 height width"]:
    """The first picture where its share is 1, the second where it is 0, mixed band by band in between.

    Convention:  any domain and unit; may leave the range of both.
    """
    bands = []
    for _ in range(level_count(*share.shape[-2:]) - 1):
        size = tuple(share.shape[-2:])
        low_first, low_second = coarser(first), coarser(second)
        bands.append(torch.lerp(second - finer(low_second, *size), first - finer(low_first, *size), share))
        first, second, share = low_first, low_second, coarser(share)
    return collapse([*bands, torch.lerp(second, first, share)])
