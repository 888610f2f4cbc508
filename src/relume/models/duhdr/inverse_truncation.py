"""ITnet: rebuilds the light that was truncated."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_CONVOLUTIONS = (2, 2, 3, 3, 3)
"""In each block of VGG16."""

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
"""What torchvision's weights of VGG16 were trained with, of RGB in 0..1."""


class ITnet(nn.Module):
    """An encoder of the shape of VGG16 and a decoder with skips, whose result is added where light clips.

    Convention:  truncated light, linear, about 0..1 → light, linear, 1.0 = the level that clips. Light is
        never less than the truncated light, and equal to it where no channel is above the threshold. Height
        and width must be multiples of 32.

    Args:
        width: channels of the first block, 64 in VGG16.
        threshold: α, above which light counts as truncated, more and more up to 1; 0.95 in the paper.

    References:  [duhdr2023], section 3.3 and eq. 15; the layers are those of [liu2020].
    """

    def __init__(self, width: int, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.encoder = Encoder(widths)
        deepest = widths[-1]
        self.middle = nn.Sequential(
            nn.Conv2d(deepest, deepest, 3, padding=1), nn.BatchNorm2d(deepest), nn.ReLU()
        )
        channels = [deepest, *reversed(widths)]
        self.up = nn.ModuleList(_Up(channels[level], channels[level + 1]) for level in range(len(widths)))
        self.head = nn.Sequential(nn.Conv2d(width, 3, 1), nn.BatchNorm2d(3), nn.ReLU())
        self.last = fusion(3)

    def forward(
        self, truncated: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The light, eq. 15."""
        return self.fill(truncated, self.hallucinated(truncated))

    def refined(
        self,
        truncated: Float[Tensor, "batch 3 height width"],
        again: Float[Tensor, "batch 3 height width"],
    ) -> Float[Tensor, "batch 3 height width"]:
        """The light when the network looks at `again`, what it found before and truncated, eq. 19.

        The result is still added to the first truncated light, under its mask.
        """
        return self.fill(truncated, self.hallucinated(again))

    def hallucinated(
        self, truncated: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """What the encoder and decoder find, not negative; SAE in eq. 15."""
        mean, deviation = (truncated.new_tensor(values).view(3, 1, 1) for values in (_MEAN, _DEVIATION))
        features, skips = self.encoder((truncated - mean) / deviation)
        features = self.middle(features)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            features = block(features, skip)
        result: Tensor = functional.relu(self.last(torch.cat([self.head(features), truncated], dim=1)))
        return result

    def fill(
        self,
        truncated: Float[Tensor, "batch 3 height width"],
        found: Float[Tensor, "batch 3 height width"],
    ) -> Float[Tensor, "batch 3 height width"]:
        """What was found, added under the mask."""
        return truncated + clipping_mask(truncated, threshold=self.threshold) * found.to(truncated.dtype)


class Encoder(nn.Module):
    """The convolutions of VGG16, by the names `conv1_1` to `conv5_3`.

    It starts at random. Its state dict has the names of `relume.models.vgg16.Vgg16`, so that
    trained weights, where one has them, can be loaded into it as they are.
    """

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        channels = 3
        for block, (count, width) in enumerate(zip(_CONVOLUTIONS, widths, strict=True), start=1):
            for number in range(1, count + 1):
                layer = nn.Conv2d(channels, width, 3, padding=1)
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
                self.add_module(f"conv{block}_{number}", layer)
                channels = width

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch deep rows columns"], list[Tensor]]:
        """The features after the fifth pooling, and those before each of the five."""
        features, skips = image, []
        for block, count in enumerate(_CONVOLUTIONS, start=1):
            for number in range(1, count + 1):
                features = functional.relu(self.get_submodule(f"conv{block}_{number}")(features))
            skips.append(features)
            features = functional.max_pool2d(features, 2)
        return features, skips


def clipping_mask(
    light: Float[Tensor, "batch 3 height width"], *, threshold: float
) -> Float[Tensor, "batch 1 height width"]:
    """max(0, x - α)/(1 - α) of the largest channel, at most 1.

    References:  [duhdr2023], section 3.3; the largest channel is taken in the published code.
    """
    return ((light.amax(1, keepdim=True) - threshold) / (1.0 - threshold)).clamp(0.0, 1.0)


def fusion(channels: int) -> nn.Conv2d:
    """A convolution of 1×1 that joins two sets of features; at first it adds them."""
    layer = nn.Conv2d(2 * channels, channels, 1)
    same = torch.eye(channels)[..., None, None]
    with torch.no_grad():
        layer.weight.copy_(torch.cat([same, same], dim=1))
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class _Up(nn.Module):
    """Twice the size by repetition, a convolution, and the features of the encoder added to it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.fusion = fusion(width)

    def forward(
        self,
        features: Float[Tensor, "batch channels rows columns"],
        skip: Float[Tensor, "batch wide height width"],
    ) -> Float[Tensor, "batch wide height width"]:
        larger = functional.interpolate(features, scale_factor=2, mode="nearest")
        larger = functional.relu(self.norm(functional.relu(self.convolution(larger))))
        result: Tensor = self.fusion(torch.cat([larger, skip], dim=1))
        return result
