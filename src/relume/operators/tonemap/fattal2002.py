"""Fattal, Lischinski, Werman 2002: gradient domain high dynamic range compression."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.color.encoding import LINEAR_DISPLAY, LINEAR_SCENE
from relume.color.luminance import luminance
from relume.filters.laplacian import coarser
from relume.filters.poisson import solve_poisson_dirichlet, solve_poisson_neumann
from relume.method import Direction, Method, MethodSpec, Statistics, parameter
from relume.operators.statistics import LOG_OFFSET, light_of, percentile

_SMALLEST_LEVEL = 32
"""Pixels on the shorter side of the coarsest level."""
_WHITE = 0.995
_WHITE_OF_TOOLBOX = 0.99995
_FLATTEST = 1e-4
"""Natural log units a pixel: flatter gradients are amplified no more than this one."""

Field = tuple[Tensor, Tensor]
"""Components to the right and down."""


@dataclass(frozen=True, kw_only=True)
class Fattal2002(Method):
    """Attenuate strong gradients of log luminance, lift weak ones, and find the picture that has them.

    At each level of a pyramid, gradients are multiplied by (|∇| / α mean|∇|)^(β-1); the factors of all levels
    are multiplied together at each pixel; Poisson's equation gives the log luminance. Colours are (C/L)^s Ld.

    Convention:  white is the 99.5th percentile of the luminance found (the paper leaves it open): what is
        above clips. Halos and a flat, drawing-like light are the price of the method; β under 0.8 exaggerates
        them.

    Agreement: 1e-7 (relative, float64) with FattalTMO of the HDR Toolbox in all three cases, with
    variant=toolbox (β 0.95, saturation 1). Its pictures are nearly black where the range is great, since it
    takes the brightest pixels for white: nobody would want them.

    Picture: misty: middle tones light grey, faded colours, large soft gradients; every detail can be seen.

    References:  [fattal2002], sections 3 to 5.
    """

    alpha: float = parameter(
        0.1, "gradients of this many times the mean keep their size", minimum=1e-3, maximum=10.0
    )
    beta: float = parameter(0.9, "lower compresses more; 0.8 to 0.95", minimum=0.3, maximum=1.0)
    saturation: float = parameter(
        0.5, "exponent of the colour ratios, of the paper's variant", minimum=0.0, maximum=2.0
    )
    variant: str = parameter(
        "paper",
        "paper: forward differences, a mean for each level, free borders, colour as `saturation`; toolbox: "
        "central differences, the finest mean for all, zeros around the picture, colour ratios as they are",
        choices=("paper", "toolbox"),
    )
    normalize: bool = parameter(True, "of the toolbox's variant: the 99.995th percentile is white, and cut")

    spec: ClassVar[MethodSpec] = MethodSpec(
        name="fattal2002",
        title="Fattal et al. 2002, gradient domain compression",
        direction=Direction.TONEMAP,
        input=LINEAR_SCENE,
        output=LINEAR_DISPLAY,
        citation="fattal2002",
        memory=36.0,
        differentiable=False,
    )

    def measure(self, image: Float[Tensor, "batch 3 height width"]) -> Statistics:
        """The luminance of the result at each pixel."""
        with torch.no_grad():
            logarithm = (light_of(image.detach()).double() + LOG_OFFSET).log()
            shown = self._as_published(logarithm) if self.variant == "paper" else self._as_toolbox(logarithm)
        return {"light": shown.to(image.dtype)}

    def __call__(
        self, image: Float[Tensor, "batch 3 height width"], statistics: Statistics | None = None
    ) -> Float[Tensor, "batch 3 height width"]:
        """Give the new luminance to the old colours."""
        statistics = statistics or self.measure(image)
        light = luminance(image)
        lit = light > 0.0
        ratios = (image / torch.where(lit, light, 1.0)).clamp(min=0.0)
        if self.variant == "paper":
            ratios = ratios**self.saturation
        return torch.where(lit, ratios * statistics["light"], 0.0)

    def _as_published(
        self, logarithm: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        levels = [logarithm]
        while min(levels[-1].shape[-2:]) >= 2 * _SMALLEST_LEVEL:
            levels.append(coarser(levels[-1]))
        attenuation = torch.ones_like(levels[-1])
        for number in range(len(levels) - 1, -1, -1):
            size = _magnitude(_central(levels.pop(), number, mode="replicate")).clamp(min=_FLATTEST)
            mean = size.mean((-2, -1), keepdim=True)
            factor = (size / (self.alpha * mean)) ** (self.beta - 1.0)
            attenuation = factor * _at_size(attenuation, factor)
        divergence = torch.zeros_like(logarithm)
        for dim in (-1, -2):
            flow = logarithm.diff(dim=dim) * attenuation.narrow(dim, 0, logarithm.shape[dim] - 1)
            divergence.narrow(dim, 0, flow.shape[dim]).add_(flow)
            divergence.narrow(dim, 1, flow.shape[dim]).sub_(flow)
        found = solve_poisson_neumann(divergence)
        return (found - percentile(found, _WHITE)).exp()

    def _as_toolbox(
        self, logarithm: Float[Tensor, "batch 1 height width"]
    ) -> Float[Tensor, "batch 1 height width"]:
        count = max(int(torch.tensor(min(logarithm.shape[-2:])).double().log2() + 0.5) - 4, 1)
        levels = [logarithm]
        for _ in range(count - 1):
            levels.append(_reduced(levels[-1]))
        fields = [_central(level, number, mode="constant") for number, level in enumerate(levels)]
        mean = _magnitude(fields[0]).mean((-2, -1), keepdim=True).clamp(min=1e-12)
        attenuation = torch.ones_like(levels[-1])
        for field in reversed(fields):
            size = _magnitude(field)
            factor = (size / (self.alpha * mean)) ** (self.beta - 1.0)
            infinite = factor.isinf()
            total = torch.where(infinite, 0.0, factor).sum((-2, -1), keepdim=True)
            typical = total / (~infinite).sum((-2, -1), keepdim=True).clamp(min=1)
            attenuation = torch.where(infinite, typical, factor) * _at_size(attenuation, factor)
        right, down = (part * attenuation for part in fields[0])
        # Down is taken upwards there: so are its differences.
        divergence = right - functional.pad(right, (1, 0))[..., :-1]
        divergence += functional.pad(down, (0, 0, 0, 1))[..., 1:, :] - down
        light = solve_poisson_dirichlet(divergence).exp()
        return (light / percentile(light, _WHITE_OF_TOOLBOX)).clamp(max=1.0) if self.normalize else light


def _central(level: Tensor, number: int, *, mode: str) -> Field:
    """Central differences in units of pixels of the finest level."""
    wide = functional.pad(level, (1, 1, 1, 1), mode=mode)
    right = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]
    down = wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    return right / 2.0 ** (number + 1), down / 2.0 ** (number + 1)


def _magnitude(field: Field) -> Tensor:
    return torch.hypot(*field)


def _at_size(image: Tensor, like: Tensor) -> Tensor:
    if image.shape == like.shape:
        return image
    size = tuple(like.shape[-2:])
    return functional.interpolate(image, size=size, mode="bilinear", align_corners=False)


def _reduced(level: Tensor) -> Tensor:
    """Half the size: binomial blur with zeros around, then the triangle over four pixels."""
    binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=level.dtype, device=level.device) / 16.0
    triangle = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=level.dtype, device=level.device) / 8.0
    blurred = functional.conv2d(level, torch.outer(binomial, binomial)[None, None], padding=2)
    height, width = level.shape[-2:]
    wide = functional.pad(blurred, (1, 1 + width % 2, 1, 1 + height % 2), mode="replicate")
    return functional.conv2d(wide, torch.outer(triangle, triangle)[None, None], stride=2)
