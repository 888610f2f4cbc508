"""ColorVideoVDP, through the package of its authors (`cvvdp` on PyPI, the extra of the same name here).

The package needs torchvision, which has to be built for the torch that is installed: beside the CPU build of
torch, a torchvision built for CUDA fails on import. Nothing here repairs that; the error says which versions
met.

References:  [mantiuk2024]
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor

from relume.errors import ImageError, MethodError
from relume.metrics.metric import Direction, Metric, MetricSpec, Operands, Viewing, required
from relume.metrics.operands import Picture, absolute_operands

MINIMUM_SIZE = 2
"""Height and width below which the package fails: its pyramid has no level then."""

# The size of the display does not matter where pixels per degree are given.
_RESOLUTION = (3840, 2160)


def cvvdp(
    prediction: Picture,
    reference: Picture,
    *,
    pixels_per_degree: float = 30.0,
    peak: float = 1000.0,
    contrast: float = 1e6,
) -> Float[Tensor, "*batch"]:
    """Quality of still pictures by ColorVideoVDP, in JOD; 10 for equal pictures, higher is better.

    Convention:  linear BT.709 in cd/m² as on the display, as array (height, width, 3) or tensor
    (..., 3, height, width); one value for each picture. In a dark room. Computed in float32, on a GPU where
    there is one, without gradients.

    Args:
        pixels_per_degree: angular resolution.
        peak: of the display in cd/m²; light above it is cut.
        contrast: of the display; light below peak/contrast is raised to that.

    Raises:
        ImageError: shapes that differ, NaN, integers, relative light, smaller than 2×2.
        MethodError: the package is missing or does not load; says which versions met.

    References:  [mantiuk2024]
    """
    left, right = absolute_operands(prediction, reference)
    height, width = left.shape[-2:]
    if min(height, width) < MINIMUM_SIZE:
        raise ImageError(
            f"the pictures are {width}×{height}; ColorVideoVDP needs {MINIMUM_SIZE}×{MINIMUM_SIZE} pixels."
        )
    package = load()
    display = package.vvdp_display_photo_eotf(
        peak, contrast=contrast, source_colorspace="BT.709-linear", E_ambient=0
    )
    geometry = package.vvdp_display_geometry(_RESOLUTION, ppd=pixels_per_degree)
    metric = package.cvvdp(display_photometry=display, display_geometry=geometry, quiet=True)
    values = []
    with torch.no_grad():
        pairs = (light.float().reshape(-1, 3, height, width) for light in (left, right))
        for one, other in zip(*pairs, strict=True):
            quality, _ = metric.predict(one, other, dim_order="CHW")
            values.append(torch.as_tensor(quality, dtype=left.dtype, device=left.device).reshape(()))
    return torch.stack(values).view(left.shape[:-3])


def load() -> ModuleType:
    """The package of the authors.

    Raises:
        MethodError: it is not installed, or what it needs does not load.
    """
    try:
        return import_module("pycvvdp")
    except ModuleNotFoundError as error:
        if error.name == "pycvvdp":
            problem = "is not installed: install relume with its extra 'cvvdp' (pip install 'relume[cvvdp]')"
        else:
            problem = f"lacks the module '{error.name}': install the extra 'cvvdp' with its dependencies"
        raise MethodError(f"the package of ColorVideoVDP {problem}.") from error
    except (ImportError, OSError, RuntimeError) as error:
        raise MethodError(
            f"the package of ColorVideoVDP does not load with torch {_installed('torch')} and torchvision "
            f"{_installed('torchvision')} ({_first_line(error)}): install the torchvision that was built for "
            "this torch, both for the CPU or both for the same CUDA."
        ) from error


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(none)"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _score(prediction: Picture, reference: Picture | None, viewing: Viewing) -> Float[Tensor, "*batch"]:
    return cvvdp(
        prediction,
        required(reference),
        pixels_per_degree=viewing.pixels_per_degree,
        peak=viewing.peak,
    )


CVVDP = Metric(
    spec=MetricSpec(
        name="cvvdp",
        title="ColorVideoVDP",
        unit="JOD",
        direction=Direction.HIGHER,
        operands=Operands.HDR,
        domain="visible contrast of luminance and colour",
        version="0.5.7, contrast 1e6, dark room",
        citation="mantiuk2024",
        uses=("pixels_per_degree", "peak"),
        highest=10.0,
        identical=10.0,
        minimum_size=MINIMUM_SIZE,
        differentiable=False,
    ),
    score=_score,
)
