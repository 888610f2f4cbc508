"""Random turns of hue and changes of saturation, as HDRCNN varied the colours of its scenes."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from relume.camera import draws


@dataclass(frozen=True, kw_only=True)
class HueSaturation:
    """Gaussian changes of hue and saturation in the HSV of the square root of the light.

    Convention:  linear RGB → linear RGB of the same largest channel, no upper bound; saturation ends at 0 and
        at 1. Greys, to which HSV gives the hue of red, become reddish where saturation is added.

    Args:
        hue: standard deviation of the turn, in degrees.
        saturation: standard deviation of what is added to the saturation.

    References:  [eilertsen2017] and its virtual camera; [smith1978] for HSV.
    """

    hue: float = 7.0
    saturation: float = 0.1

    def draw(
        self, light: Float[Tensor, "batch 3 height width"], generator: torch.Generator
    ) -> Float[Tensor, "batch 2"]:
        """Degrees to turn by, and what to add to the saturation."""
        hue = draws.normal(light, generator, 0.0, self.hue)
        return torch.stack([hue, draws.normal(light, generator, 0.0, self.saturation)], dim=1)

    def apply(
        self, light: Float[Tensor, "batch 3 height width"], changes: Float[Tensor, "batch 2"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The light in its new colours."""
        hue, saturation = changes[:, :, None, None, None].unbind(1)
        top = light.clamp(min=0.0).amax(1, keepdim=True)
        # Relative to the largest channel the square root has no infinite slope but at 0, which the clamp
        # guards, and the largest channel itself comes back to the last digits.
        safe = torch.where(top > 0, top, 1.0)
        root = (light / safe).clamp(min=1e-12).sqrt()
        turned = _turn(root, hue, saturation)
        return torch.where(top > 0, turned.square() * top, light)


def _turn(
    encoded: Float[Tensor, "batch 3 height width"],
    degrees: Float[Tensor, "batch 1 1 1"],
    added: Float[Tensor, "batch 1 1 1"],
) -> Float[Tensor, "batch 3 height width"]:
    """HSV of an RGB whose largest channel is 1, hue turned and saturation added to, and back."""
    red, green, blue = encoded.chunk(3, dim=1)
    chroma = 1.0 - encoded.amin(1, keepdim=True)
    divisor = torch.where(chroma > 0, chroma, 1.0)
    sector = torch.where(
        red >= torch.maximum(green, blue),
        (green - blue) / divisor,
        torch.where(green >= blue, 2.0 + (blue - red) / divisor, 4.0 + (red - green) / divisor),
    )
    saturation = (chroma + added).clamp(0.0, 1.0)
    offsets = torch.tensor([5.0, 3.0, 1.0], dtype=encoded.dtype, device=encoded.device).view(1, 3, 1, 1)
    position = (offsets + sector + degrees / 60.0) % 6.0
    return 1.0 - saturation * torch.minimum(position, 4.0 - position).clamp(0.0, 1.0)
