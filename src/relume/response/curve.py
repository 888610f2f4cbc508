"""Sampled curves: looking values up in them, turning them round, making them monotone."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SAMPLES = 1024
"""Samples of a curve, as in the tables of Grossberg and Nayar and in the networks built on them."""


def sample_points(samples: int = SAMPLES) -> Float[Tensor, " samples"]:
    """Where curves are sampled, in float64: evenly from 0 to 1, both included."""
    return torch.linspace(0.0, 1.0, samples, dtype=torch.float64)


def lookup(
    values: Float[Tensor, "batch channels height width"], curve: Float[Tensor, "batch samples"]
) -> Float[Tensor, "batch channels height width"]:
    """Each value through the curve of its item, linear between samples.

    Convention:  0..1 → the range of the curve; values outside 0..1 end at the nearer end, and the ends are
        met exactly. Gradients flow to the values and to the curve.
    """
    position = (values.clamp(0.0, 1.0) * (curve.shape[1] - 1)).flatten(1)
    index = position.detach().long()
    rise = functional.pad(curve.diff(dim=1), (0, 1))
    found = curve.gather(1, index).addcmul(rise.gather(1, index), position.frac())
    return found.view_as(values)


def pinned(curve: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch samples"]:
    """The curve with ends that are exactly 0 and 1, and nothing outside."""
    inner = curve[:, 1:-1].clamp(0.0, 1.0)
    return torch.cat([torch.zeros_like(inner[:, :1]), inner, torch.ones_like(inner[:, :1])], dim=1)


def monotone(curve: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch samples"]:
    """Repair curves: raise all steps until none falls, then scale so that they go from 0 to 1, exactly.

    Convention:  a curve that already does so stays as it is, but for rounding. Differentiable. One steep fall
        bends the whole curve towards a straight line: this is for curves that are nearly right.

    References:  [liu2020], the published code; [duhdr2023] does the same.
    """
    steps = curve.diff(dim=1)
    steps = steps + (-steps.amin(1, keepdim=True)).clamp(min=0.0)
    total = steps.sum(1, keepdim=True).clamp(min=torch.finfo(steps.dtype).tiny)
    rising = (steps / total).cumsum(1)
    return pinned(torch.cat([rising[:, :1], rising], dim=1))


def inverse_lookup(
    values: Float[Tensor, "batch *shape"], curve: Float[Tensor, "batch samples"]
) -> Float[Tensor, "batch *shape"]:
    """Where the curve of its item has each value, linear between samples: `lookup` turned round.

    Convention:  the range of the curve, rising → 0..1; where the curve is flat, the largest. Values outside
        the range come out at the nearer end. No gradient flows.
    """
    curve, wanted = curve.detach().contiguous(), values.detach().flatten(1).contiguous()
    above = torch.searchsorted(curve, wanted, right=True).clamp(1, curve.shape[1] - 1)
    low, high = curve.gather(1, above - 1), curve.gather(1, above)
    step = high - low
    share = torch.where(step > 0, (wanted - low) / torch.where(step > 0, step, 1.0), 1.0).clamp(0.0, 1.0)
    return ((above - 1 + share) / (curve.shape[1] - 1)).view_as(values)


def inverse_curve(curve: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch samples"]:
    """The curve from code to irradiance of a curve from irradiance to code, and back.

    Convention:  0..1 → 0..1, rising; where the curve is flat, the largest irradiance that has the code. No
        gradient flows.
    """
    codes = sample_points(curve.shape[1]).to(curve).expand_as(curve)
    return pinned(inverse_lookup(codes, curve))
