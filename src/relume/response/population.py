"""Our population of responses: formulas that cameras, film and video use, over the ranges that occur.

It stands for the 201 measured curves of the DoRF data base, which may not be shipped. Member i is of family
i mod 4, and every second group of four is followed by a contrast curve on the codes, as cameras apply one:

    gamma      x^(1/γ), γ 1 to 2.8
    toe        the form of sRGB, γ 1.5 to 2.8, a 0.02 to 0.2
    sigmoid    n 0.5 to 1.4, s 0.15 to 3 (logarithm evenly)
    log        k 2 to 1024 (logarithm evenly)
    contrast   c 0.70 to 1.92, d 0.55 to 1.82 (logarithms evenly)

Parameters follow an additive recurrence, which fills their ranges evenly without a random number generator:
the population is the same on every machine.

References:  [grossberg2003] for what measured curves look like; [roberts2018] for the recurrence.
"""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from relume.response.formulas import gamma_curve, log_curve, sigmoid_curve, toe_curve, with_contrast

MEMBERS = 256


@lru_cache(maxsize=1)
def population() -> Float[Tensor, "members samples"]:
    """The curves, irradiance → code, in float64 on the CPU. Do not write into them."""
    u, v, contrast, darkening = _recurrence(MEMBERS, 4).T
    families = (
        gamma_curve(1.0 + 1.8 * u[0::4]),
        toe_curve(1.5 + 1.3 * u[1::4], 0.02 + 0.18 * v[1::4]),
        sigmoid_curve(0.5 + 0.9 * u[2::4], _log_between(v[2::4], 0.15, 3.0)),
        log_curve(_log_between(u[3::4], 2.0, 1024.0)),
    )
    plain = torch.stack(families, dim=1).flatten(0, 1)
    contrasted = with_contrast(plain, _log_between(contrast, 0.70, 1.92), _log_between(darkening, 0.55, 1.82))
    every_second = (torch.arange(MEMBERS) // len(families)) % 2 == 1
    return torch.where(every_second[:, None], contrasted, plain)


def _log_between(u: Float[Tensor, " members"], low: float, high: float) -> Float[Tensor, " members"]:
    return (math.log(low) + u * math.log(high / low)).exp()


def _recurrence(count: int, dimensions: int) -> Float[Tensor, "count dimensions"]:
    """Points that fill the unit cube evenly: multiples, less their whole part, of powers of one number."""
    ratio = 2.0  # becomes the root of r^(d+1) = r + 1, the golden ratio for d = 1
    for _ in range(64):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -torch.arange(1, dimensions + 1, dtype=torch.float64)
    return (0.5 + torch.arange(1, count + 1, dtype=torch.float64)[:, None] * steps) % 1.0
