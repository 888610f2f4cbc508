"""How RASSDL teaches itself: what each region should look like, and the training on one picture.

A region that holds much information keeps its contrast and is partly equalized; one that holds little, a
wall or a sky, stays as it is, so that its noise is not stretched.

References:  [rassdl2022], published code
"""

import math
from copy import deepcopy

import torch
from jaxtyping import Float, Int
from torch import Tensor

from relume.models.rassdl import HALO, Light, Rassdl
from relume.models.vgg16 import Vgg16

PATCH = 64
STRIDE = 32

LEVELS = 256
_FLOOR = 1e-8
"""Added to shares before their logarithms."""

# The blend: w = WEIGHT / (1 + exp(STEEPNESS (KL − MIDDLE))).
_WEIGHT, _STEEPNESS, _MIDDLE = 0.7, 1.5, 10.7

LAYERS = {"relu1_2": 1000.0 / 64**2, "relu2_2": 1000.0 / 128**2, "relu3_3": 1000.0 / 256**2}
"""Layers of VGG16 and their weights: a thousand over the square of the channels."""

_RATE, _LAST_RATE = 1e-4, 1e-6
_BATCH = 64
_SEED = 35
_ROWS = 256
"""Rows of lightness that are computed at once."""

Patches = Float[Tensor, "count 1 height width"]
Values = Float[Tensor, " count"]


def divergence(patches: Patches) -> Values:
    """How little the histogram of a region says: Σ u ln(u / h), from a uniform histogram u to its own, h.

    Convention:  values 0..1 in 256 bins; 0 where all bins are equally full, 12.80 where one has all.
    """
    shares = _histogram((patches * LEVELS).long().clamp(0, LEVELS - 1)) / patches[0].numel()
    uniform = 1.0 / LEVELS + _FLOOR
    return (uniform * (math.log(uniform) - (shares + _FLOOR).log())).sum(1)


def blend_weight(information_loss: Values) -> Values:
    """The weight of the equalized region in its target, 0.03 (nothing to see) to 0.7."""
    return _WEIGHT * torch.sigmoid(_STEEPNESS * (_MIDDLE - information_loss))


def equalized(patches: Patches) -> Patches:
    """Each region with its histogram equalized in 8 bits; one without contrast stays as it is.

    Convention:  0..1, truncated to codes; the darkest code that occurs becomes 0 and the lightest 1.
    """
    codes = (255.0 * patches).long().clamp(0, 255)
    below = _histogram(codes).cumsum(1)
    # The cumulated count at the darkest code that occurs.
    first = below.masked_fill(below == 0, math.inf).amin(1, keepdim=True)
    span = patches[0].numel() - first
    table = (255.0 * (below - first) / span.clamp(min=1.0)).round().clamp(min=0.0)
    identity = torch.arange(LEVELS, device=patches.device, dtype=patches.dtype)
    table = torch.where(span > 0, table.to(patches.dtype), identity)
    return (table.gather(1, codes.flatten(1)) / 255.0).view_as(patches)


def _histogram(codes: Int[Tensor, "count 1 height width"]) -> Float[Tensor, "count levels"]:
    flat = codes.flatten(1)
    counts = torch.zeros(flat.shape[0], LEVELS, device=codes.device)
    return counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=counts.dtype))


def supervision_loss(output: Patches, patches: Patches, features: Vgg16) -> Float[Tensor, ""]:
    """Σ over regions of (1 − w) P(output, region) + w P(output, equalized region).

    P is the squared distance of VGG16 features of the grey picture, as it is, without ImageNet's mean.

    Args:
        output: lightness that the network made of the regions.
        patches: the regions, of encoded light.
    """
    features = features.to(output.device, output.dtype)
    wanted = frozenset(LAYERS)
    ours = features(output.expand(-1, 3, -1, -1), wanted)
    with torch.no_grad():
        weight = blend_weight(divergence(patches))
        as_it_is = features(patches.expand(-1, 3, -1, -1), wanted)
        stretched = features(equalized(patches).expand(-1, 3, -1, -1), wanted)
    return sum(
        (
            factor
            * (
                (1.0 - weight) * (ours[layer] - as_it_is[layer]).square().mean((1, 2, 3))
                + weight * (ours[layer] - stretched[layer]).square().mean((1, 2, 3))
            ).sum()
            for layer, factor in LAYERS.items()
        ),
        output.new_zeros(()),
    )


def regions(encoded: Float[Tensor, "1 1 _ _"]) -> Patches:
    """All regions of 64×64, half overlapping; of a smaller picture, all of it."""
    height, width = (min(side, PATCH) for side in encoded.shape[-2:])
    windows = encoded[0, 0].unfold(0, height, STRIDE).unfold(1, width, STRIDE)
    return windows.reshape(-1, 1, height, width)


def adapted(network: Rassdl, encoded: Light, *, steps: int, features: Vgg16) -> Rassdl:
    """A copy of the network that went on learning on one picture.

    Adam from 1e-4 down to 1e-6 along half a cosine, batches of 64 regions in an order that is always the
    same. Pictures below 16×16 say too little: the network comes back as it is.

    Args:
        encoded: the picture as `rassdl.encode` gives it, one in the batch.
        steps: updates; the published code makes 180 from random weights on a picture of 768×512.
        features: for the loss.
    """
    if min(encoded.shape[-2:]) < 16:
        return network
    network = deepcopy(network).train().requires_grad_(True)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=_LAST_RATE)
    generator = torch.Generator().manual_seed(_SEED)
    patches = regions(encoded)
    order = torch.empty(0, dtype=torch.long)
    with torch.enable_grad():
        for _ in range(steps):
            if not order.numel():
                order = torch.randperm(patches.shape[0], generator=generator)
            batch, order = patches[order[:_BATCH]], order[_BATCH:]
            optimizer.zero_grad()
            supervision_loss(network.lightness(batch), batch, features).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network.eval().requires_grad_(False)


def whole_lightness(network: Rassdl, encoded: Light) -> Light:
    """The lightness of a whole picture, computed a few rows at a time."""
    height = encoded.shape[-2]
    strips = []
    for top in range(0, height, _ROWS):
        start, bottom = max(top - HALO, 0), min(top + _ROWS, height)
        strip = network.lightness(encoded[..., start : min(bottom + HALO, height), :])
        strips.append(strip[..., top - start : bottom - start, :])
    return torch.cat(strips, dim=-2)
