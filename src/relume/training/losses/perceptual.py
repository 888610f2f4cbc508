"""Distances of VGG16 features.

References:  [simonyan2015] for the network, [johnson2016] for the loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.models.vgg16 import Vgg16 as Vgg16
from relume.models.vgg16 import vgg16 as vgg16

Means = tuple[float, float, float]
IMAGENET_MEAN: Means = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Means = (0.229, 0.224, 0.225)
"""What torchvision's weights were trained with, of RGB in 0..1."""


@dataclass(frozen=True, kw_only=True)
class Perceptual:
    """The weighted sum of mean squared distances between features; a loss to be called.

    Convention:  prediction and target in one domain, the one that the features are meant for (usually
    encoded 0..1); `mean` and `deviation` are taken out first.
    """

    features: Vgg16
    layers: Mapping[str, float]
    """Weight by layer."""
    mean: Means = IMAGENET_MEAN
    deviation: Means = IMAGENET_DEVIATION

    def __call__(
        self,
        prediction: Float[Tensor, "batch 3 height width"],
        target: Float[Tensor, "batch 3 height width"],
        *,
        mask: Float[Tensor, "batch 1 height width"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss; gradients flow to the prediction alone. Differences are multiplied by the mask."""
        features = self.features.to(prediction.device)
        wanted = frozenset(self.layers)
        ours = features(self._normalised(prediction), wanted)
        with torch.no_grad():
            theirs = features(self._normalised(target), wanted)
        distances = [
            weight * _masked(_at_least_float32(ours[layer]) - theirs[layer], mask).square().mean()
            for layer, weight in self.layers.items()
        ]
        return torch.stack(distances).sum()

    def _normalised(self, image: Tensor) -> Tensor:
        mean, deviation = (image.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.deviation))
        return (image - mean) / deviation


def _masked(
    difference: Float[Tensor, "batch channels rows columns"],
    mask: Float[Tensor, "batch 1 height width"] | None,
) -> Float[Tensor, "batch channels rows columns"]:
    if mask is None:
        return difference
    return difference * functional.interpolate(mask, size=difference.shape[-2:], mode="area")


def _at_least_float32(features: Tensor) -> Tensor:
    return features.to(torch.promote_types(features.dtype, torch.float32))
