"""Photographs out of panoramas: perspective views of an equirectangular picture."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from relume.errors import ImageError, MethodError

Angle = Float[Tensor, "*#views"] | float | int
"""Degrees, one for all views or one for each."""


class Views(NamedTuple):
    """Where cameras look and how wide they see, in degrees; see `perspective_view`."""

    yaw: Float[Tensor, " views"]
    pitch: Float[Tensor, " views"]
    roll: Float[Tensor, " views"]
    horizontal_field_of_view: Float[Tensor, " views"]


def random_views(
    count: int,
    *,
    generator: torch.Generator,
    pitch: tuple[float, float] = (-30.0, 30.0),
    roll: tuple[float, float] = (-5.0, 5.0),
    horizontal_field_of_view: tuple[float, float] = (50.0, 95.0),
) -> Views:
    """Cameras as people hold them: any direction, near the horizon, nearly upright.

    Each angle is uniform in its range (degrees); the tensors lie on the device of the generator.
    """

    def uniform(low: float, high: float) -> Float[Tensor, " views"]:
        return low + (high - low) * torch.rand(count, generator=generator, device=generator.device)

    return Views(
        yaw=uniform(-180.0, 180.0),
        pitch=uniform(*pitch),
        roll=uniform(*roll),
        horizontal_field_of_view=uniform(*horizontal_field_of_view),
    )


def perspective_view(
    panorama: Float[Tensor, "3 panorama_height panorama_width"],
    *,
    yaw: Angle,
    pitch: Angle,
    roll: Angle,
    horizontal_field_of_view: Angle,
    size: tuple[int, int],
) -> Float[Tensor, "*views 3 height width"]:
    """What pinhole cameras see that stand in the middle of an equirectangular panorama.

    Each pixel is an average of panorama pixels with weights that are not negative, over an area about that
    of the pixel where the view is coarser than the panorama. So no light is lost between samples, and a sun
    of one pixel neither rings nor flickers.

    Convention:  linear light in any unit → the same unit. The middle of the panorama is yaw 0, its left
    and right edges meet at yaw 180, its top row is the zenith. Degrees: yaw turns right, pitch up,
    roll turns the camera clockwise (the picture counter-clockwise). Square pixels.

    Args:
        panorama: 360° × 180°, on the device on which the views are wanted.
        yaw: direction; angles that are tensors give a batch of views, of the broadcast shape.
        pitch: elevation.
        roll: about the optical axis.
        horizontal_field_of_view: between the left and the right edge of the view, in 0..180.
        size: (height, width) of a view in pixels.

    Raises:
        ImageError: an empty panorama.
        MethodError: an empty size, or a field of view outside 0..180.
    """
    if 0 in panorama.shape:
        raise ImageError(f"the panorama has shape {tuple(panorama.shape)}; expected at least one pixel.")
    if min(size) < 1:
        raise MethodError(f"the size of the view is {size}; expected (height, width) of at least 1 pixel.")
    panorama = panorama.to(torch.promote_types(panorama.dtype, torch.float32))
    given = (yaw, pitch, roll, horizontal_field_of_view)
    radians = [torch.as_tensor(angle, device=panorama.device).double().deg2rad() for angle in given]
    shape = torch.broadcast_shapes(*(angle.shape for angle in radians))  # type: ignore[no-untyped-call]
    *turns, field_of_view = (angle.expand(shape).reshape(-1) for angle in radians)
    if not ((field_of_view > 0) & (field_of_view < math.pi)).all():
        raise MethodError(f"the field of view is {horizontal_field_of_view}°; expected between 0 and 180.")
    focal_length = 0.5 * size[1] / (0.5 * field_of_view).tan()

    texel = min(2.0 * math.pi / panorama.shape[2], math.pi / panorama.shape[1])
    # A pixel in the middle of the view covers the largest angle. At two samples for each panorama pixel it
    # matters little (a few per cent) where between them a small light falls.
    pixel = 1.0 / float(focal_length.min())
    samples = math.ceil(2.0 * pixel / texel)
    spacing = pixel / samples
    rays = _rays(focal_length.to(panorama.dtype), size, samples)
    directions = torch.einsum("nij,nhwj->nhwi", _rotation(*turns).to(panorama.dtype), rays)
    dense = _sample(_average_along_parallels(panorama, 2.0 * spacing), directions)
    return functional.avg_pool2d(dense, samples).reshape(*shape, 3, *size)


def _rays(
    focal_length: Float[Tensor, " n"], size: tuple[int, int], samples: int
) -> Float[Tensor, "n dense_height dense_width 3"]:
    """Directions through the samples of each pixel for a camera that looks ahead: x right, y up, z ahead."""

    def centred(length: int) -> Float[Tensor, " dense"]:
        position = torch.arange(length * samples, dtype=focal_length.dtype, device=focal_length.device)
        return (position + 0.5) / samples - 0.5 * length

    y, x = torch.meshgrid(-centred(size[0]), centred(size[1]), indexing="ij")
    plane = torch.stack([x, y], dim=-1) / focal_length.view(-1, 1, 1, 1)
    return functional.pad(plane, (0, 1), value=1.0)


def _rotation(
    yaw: Float[Tensor, " n"], pitch: Float[Tensor, " n"], roll: Float[Tensor, " n"]
) -> Float[Tensor, "n 3 3"]:
    """From the camera to the world: roll about z, then pitch about x, then yaw about y."""
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def matrix(*rows: tuple[Tensor, Tensor, Tensor]) -> Float[Tensor, "n 3 3"]:
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)

    about_y = matrix((yaw.cos(), zero, yaw.sin()), (zero, one, zero), (-yaw.sin(), zero, yaw.cos()))
    about_x = matrix((one, zero, zero), (zero, pitch.cos(), pitch.sin()), (zero, -pitch.sin(), pitch.cos()))
    about_z = matrix((roll.cos(), roll.sin(), zero), (-roll.sin(), roll.cos(), zero), (zero, zero, one))
    return about_y @ about_x @ about_z


def _sample(
    panorama: Float[Tensor, "3 panorama_height panorama_width"], directions: Float[Tensor, "n height width 3"]
) -> Float[Tensor, "n 3 height width"]:
    """Bilinear interpolation in the panorama, across the seam and across the poles."""
    height, width = panorama.shape[1:]
    # Beyond a pole lies the same parallel on the other side.
    opposite = panorama[:, [0, -1]].roll(width // 2, dims=-1)
    ring = torch.cat([opposite[:, :1], panorama, opposite[:, 1:]], dim=1)
    ring = torch.cat([ring[..., -1:], ring, ring[..., :1]], dim=-1)

    x, y, z = directions.unbind(-1)
    column = (torch.atan2(x, z) / (2.0 * math.pi) + 0.5) * width + 1.0
    row = (0.5 - torch.atan2(y, torch.hypot(x, z)) / math.pi) * height + 1.0
    grid = torch.stack([2.0 * column / (width + 2) - 1.0, 2.0 * row / (height + 2) - 1.0], dim=-1)
    # The views on top of each other as one tall picture, so that the panorama need not be repeated.
    tall = functional.grid_sample(ring[None], grid.flatten(0, 1)[None], mode="bilinear", align_corners=False)
    return tall.reshape(3, *x.shape).movedim(0, 1)


def _average_along_parallels(
    panorama: Float[Tensor, "3 height width"], angle: float
) -> Float[Tensor, "3 height width"]:
    """Replace each pixel by the mean of those neighbours in its row that lie within `angle` radians of sky.

    Towards the poles the pixels of an equirectangular picture crowd together; bilinear samples would meet
    some of them and skip others.
    """
    height, width = panorama.shape[1:]
    rows, columns = (torch.arange(side, device=panorama.device).double() for side in (height, width))
    latitude = ((rows + 0.5) / height - 0.5) * math.pi
    count = (angle * width / (2.0 * math.pi * latitude.cos())).clamp(1.0, float(width))
    # The integral of the row from far left of its first pixel; float64, since means are differences of it.
    margin = width // 2 + 1
    ring = torch.cat([panorama[..., -margin:], panorama, panorama[..., :margin]], dim=-1).double()
    integral = functional.pad(ring.cumsum(-1), (1, 0))
    middle = columns + margin + 0.5
    half = 0.5 * count[:, None]
    total = _interpolated(integral, middle + half) - _interpolated(integral, middle - half)
    mean = (total / count[:, None]).to(panorama.dtype)
    # An average lies within its values; rounding may say otherwise by a hair.
    return mean.clamp(panorama.amin(), panorama.amax())


def _interpolated(
    integral: Float[Tensor, "3 height nodes"], position: Float[Tensor, "height width"]
) -> Float[Tensor, "3 height width"]:
    """The integral of each row between its nodes, where pixels are constant."""
    left = position.floor()
    index = left.long().clamp(max=integral.shape[-1] - 2).expand(3, -1, -1)
    before, after = integral.gather(-1, index), integral.gather(-1, index + 1)
    return torch.lerp(before, after, (position - left).expand_as(before))
