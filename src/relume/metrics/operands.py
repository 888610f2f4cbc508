"""What metrics are given, turned into what they compute on: two tensors of one shape, type and device."""

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from relume.errors import ImageError

# The sides are nameless, so that two pictures of different size reach the sentence that says so.
Picture = Shaped[np.ndarray, "_ _ 3"] | Shaped[Tensor, "... 3 _ _"]
"""One picture as an array (height, width, 3), or any number of them as a tensor (..., 3, height, width)."""


def operands(
    prediction: Picture, reference: Picture
) -> tuple[Float[Tensor, "*batch 3 height width"], Float[Tensor, "*batch 3 height width"]]:
    """The two pictures of a full-reference metric, in light.

    Convention:  arrays become float64 tensors; of two types the more precise is taken; an array follows a
    tensor to its device.

    Raises:
        ImageError: integers, another shape, two shapes that differ, an empty picture, NaN or infinity.
    """
    left = light_tensor(prediction, "prediction")
    right = light_tensor(reference, "reference")
    require_same_shape(left, right, ("prediction", "reference"))
    return matched(left, right)


def absolute_operands(
    prediction: Picture, reference: Picture
) -> tuple[Float[Tensor, "*batch 3 height width"], Float[Tensor, "*batch 3 height width"]]:
    """`operands` of a metric that depends on luminance in cd/m².

    Raises:
        ImageError: see `operands`; or no light in either is above 1 cd/m², which is relative light (0..1)
            rather than a display.
    """
    left, right = operands(prediction, reference)
    require_absolute(left, right)
    return left, right


def require_absolute(*pictures: Float[Tensor, "*batch 3 height width"]) -> None:
    """Raise an `ImageError` that says how to make light absolute unless some of it is above 1 cd/m²."""
    highest = max(picture.max().item() for picture in pictures)
    if highest <= 1.0:
        raise ImageError(
            f"no light is above {highest:g} cd/m², so this seems to be relative light; this metric needs "
            "cd/m²: multiply the pictures by the luminance that 1.0 has on the display, such as 1000."
        )


def light_tensor(
    picture: Shaped[np.ndarray, "..."] | Shaped[Tensor, "..."], name: str, *, channels: int = 3
) -> Float[Tensor, "*batch channels height width"]:
    """One picture as a tensor of at least float32; integers are refused, since they are codes, not light.

    Args:
        channels: 3, or 1 for luminance, see `channels_first`.

    Raises:
        ImageError: see `operands`; the message calls the picture by `name`.
    """
    tensor = channels_first(picture, name, channels=channels)
    if not tensor.is_floating_point():
        raise ImageError(f"{name} holds {tensor.dtype}; expected light as floating point: decode it first.")
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    if not torch.isfinite(tensor).all():
        raise ImageError(f"{name} holds NaN or infinity; replace those pixels before measuring.")
    return tensor


def channels_first(
    picture: Shaped[np.ndarray, "..."] | Shaped[Tensor, "..."], name: str, *, channels: int = 3
) -> Shaped[Tensor, "*batch channels height width"]:
    """The picture as a tensor (..., channels, height, width); floating arrays become float64.

    Args:
        channels: 3 for arrays (height, width, 3); 1 for arrays (height, width) of luminance.

    Raises:
        ImageError: another shape, or an empty picture.
    """
    shape = tuple(picture.shape)
    if isinstance(picture, np.ndarray):
        side = (channels,) if channels > 1 else ()
        fits, wanted = shape[2:] == side and picture.ndim >= 2, f"(height, width{', 3' if side else ''})"
    else:
        fits, wanted = picture.ndim >= 3 and shape[-3] == channels, f"(..., {channels}, height, width)"
    if not fits or 0 in shape:
        raise ImageError(
            f"{name} is a {type(picture).__name__} of shape {shape}; expected {wanted}, not empty."
        )
    if isinstance(picture, Tensor):
        return picture
    if np.issubdtype(picture.dtype, np.floating):
        picture = picture.astype(np.float64)
    return torch.from_numpy(np.ascontiguousarray(picture.reshape(*shape[:2], channels).transpose(2, 0, 1)))


def require_same_shape(left: Tensor, right: Tensor, names: tuple[str, str]) -> None:
    """Raise an `ImageError` that gives both shapes unless they are equal."""
    if left.shape != right.shape:
        raise ImageError(
            f"{names[0]} has shape {tuple(left.shape)} and {names[1]} {tuple(right.shape)} "
            "(channels first); expected two pictures of the same size."
        )


def matched(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the more precise of their types; one on the CPU goes to the device of the other."""
    dtype = torch.promote_types(left.dtype, right.dtype)
    device = right.device if left.device.type == "cpu" else left.device
    return left.to(device, dtype), right.to(device, dtype)
