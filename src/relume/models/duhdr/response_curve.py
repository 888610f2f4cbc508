"""INnet and Nnet: one curve for the whole picture, from code to irradiance and back."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from relume.response.basis import ResponseBasis
from relume.response.curve import lookup, monotone

COEFFICIENTS = 11
"""Vectors of the basis that a curve is made of; k in the paper."""

BINS = (4, 8, 16)
"""Of the soft histograms."""

CHANNELS = 3 + 6 + 3 * sum(bins + 1 for bins in BINS)
"""Of `described`: 102."""

_EPSILON = 1e-3
"""Added to the variance when features are normalised; that of the published code."""


class CurveNet(nn.Module):
    """Estimates the coefficients of a curve from edges and histograms of the picture, and applies the curve.

    The coefficients start at zero, and with them the curve at the mean of the basis.

    Convention:  any picture of which 0..1 matters → 0..1, through a curve that rises from exactly 0 to
        exactly 1; what is above 1 ends there. Any size of at least 32 pixels.

    Args:
        width: channels of the narrowest layers, 64 in the paper.
        basis: of responses (Nnet) or of inverse responses (INnet).
        momentum: how fast the running statistics of the normalisation follow.

    References:  [duhdr2023], eqs. 7 to 10. The text says ResNet-18; the published code has the shorter
    network of bottlenecks that is here, and its count of parameters is that of the paper. Nnet ends in a mean
    over the picture like INnet, where the published code ties it to pictures of 256 × 256.
    """

    mean: Tensor
    vectors: Tensor

    def __init__(self, width: int, basis: ResponseBasis, *, momentum: float) -> None:
        super().__init__()
        # Not in the weight file: half precision would roughen the curves.
        self.register_buffer("mean", basis.mean.float(), persistent=False)
        self.register_buffer("vectors", basis.first(COEFFICIENTS).vectors.float(), persistent=False)
        self.stem = nn.Conv2d(CHANNELS, width, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(width, eps=_EPSILON, momentum=momentum)
        self.blocks = nn.Sequential(
            _Bottleneck(width, width, stride=1, momentum=momentum),
            _Bottleneck(4 * width, width, stride=1, momentum=momentum),
            _Bottleneck(4 * width, width, stride=1, momentum=momentum),
            _Bottleneck(4 * width, 2 * width, stride=2, momentum=momentum),
            _Bottleneck(8 * width, 2 * width, stride=1, momentum=momentum),
        )
        self.head = nn.Linear(8 * width, len(self.vectors))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
        """The picture through its curve, eqs. 9 and 10."""
        return lookup(image, self.curve(image))

    def curve(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch samples"]:
        """The curve of each picture, eq. 8, repaired where it falls."""
        return monotone(self.estimate(image))

    def estimate(self, image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch samples"]:
        """The curve of each picture as the basis has it, which may fall."""
        features = functional.relu(self.norm(self.stem(described(image))))
        features = self.blocks(functional.max_pool2d(features, 3, stride=2, padding=1))
        coefficients = self.head(features.mean((-2, -1)))
        # 8 bits of a mantissa are no curve.
        coefficients = coefficients.to(torch.promote_types(coefficients.dtype, torch.float32))
        with torch.autocast(coefficients.device.type, enabled=False):
            basis = ResponseBasis(mean=self.mean, vectors=self.vectors)
            return basis.curves(coefficients)


def described(
    image: Float[Tensor, "batch 3 height width"],
) -> Float[Tensor, "batch 102 height width"]:
    """The picture, its edges, and where its values lie: what the curve is estimated from.

    References:  [duhdr2023], section 3.2; the numbers of bins are those of the published code.
    """
    return torch.cat([image, sobel(image), *(soft_histogram(image, bins=bins) for bins in BINS)], dim=1)


def sobel(image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 6 height width"]:
    """Derivatives by Sobel's filters, not normalised: down and along of each channel; mirrored borders."""
    down = image.new_tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])
    kernels = torch.stack([down, down.T])[:, None].repeat(3, 1, 1, 1)
    return functional.conv2d(functional.pad(image, (1, 1, 1, 1), mode="reflect"), kernels, groups=3)


def soft_histogram(
    image: Float[Tensor, "batch 3 height width"], *, bins: int
) -> Float[Tensor, "batch channels height width"]:
    """How near each value is to i/bins, i = 0..bins: max(0, 1 - bins·|x - i/bins|), for each channel.

    Convention:  for values in 0..1 the maps of a channel add up to 1.
    """
    centres = torch.arange(bins + 1, device=image.device, dtype=image.dtype) / bins
    distance = (image[:, :, None] - centres.view(1, 1, -1, 1, 1)).abs()
    return functional.relu(1.0 - bins * distance).flatten(1, 2)


class _Bottleneck(nn.Module):
    """1×1 to `width`, 3×3, 1×1 to four times as many, added to the input or its projection."""

    def __init__(self, channels: int, width: int, *, stride: int, momentum: float) -> None:
        super().__init__()
        sizes = [channels, width, width, 4 * width]
        shapes = [(1, stride), (3, 1), (1, 1)]
        layers: list[nn.Module] = []
        for (before, after), (kernel, step) in zip(pairwise(sizes), shapes, strict=True):
            layers += [*_normalised(before, after, kernel, step, momentum), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Sequential()
        if channels != 4 * width:
            self.shortcut = nn.Sequential(*_normalised(channels, 4 * width, 1, stride, momentum))

    def forward(
        self, features: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch wide rows columns"]:
        return functional.relu(self.body(features) + self.shortcut(features))


def _normalised(channels: int, width: int, kernel: int, stride: int, momentum: float) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width, eps=_EPSILON, momentum=momentum),
    ]
