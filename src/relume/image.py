"""`Image`: the one value that travels at the edges. Pixels, what they mean, and what goes along."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color import primaries as primaries_module
from relume.color.encoding import Encoding
from relume.color.luminance import luminance, luminance_weights
from relume.color.transfer import TRANSFERS
from relume.errors import EncodingError, ImageError
from relume.parallel import for_each

# Conversions go strip by strip: temporaries stay in the cache of a core and never add up to a picture.
_STRIP_PIXELS = 1 << 14
_STRIP_PIXELS_ELSEWHERE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file tells of a picture beside its pixels, where it still holds for the result.

    Orientation, gamma and the like are not here: a reader applies them and forgets them.
    """

    date: datetime | None = None
    """When the picture was taken, in the camera's own time."""
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    exposure_time: float | None = None
    """Seconds."""
    exposure_bias: float | None = None
    """Stops by which the picture was exposed more than the camera, or whoever made it, took for right."""
    f_number: float | None = None
    iso: float | None = None
    focal_length: float | None = None
    """Millimetres."""
    description: str | None = None
    copyright: str | None = None
    panorama: bool | None = None
    """Whether it goes all the way round, so that its left edge is where its right one ends."""

    def __bool__(self) -> bool:
        return any(getattr(self, item.name) is not None for item in fields(self))


@dataclass(frozen=True, eq=False, repr=False)
class Image:
    """A picture: pixels, the encoding that gives them meaning, straight alpha, metadata.

    The pixels are never changed in place; each conversion returns a new `Image`.

    Args:
        pixels: floating-point tensor (3, height, width).
        encoding: what the values mean.
        alpha: straight (unassociated) coverage 0..1 of shape (1, height, width), or None.
        metadata: what goes along from file to file.
        masks: what a method told of its pixels, 0..1, by name; formats with layers keep them.

    Raises:
        ImageError: another shape, an integer tensor or an empty picture.
    """

    pixels: Float[Tensor, "3 height width"]
    encoding: Encoding
    alpha: Float[Tensor, "1 height width"] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    masks: Mapping[str, Float[Tensor, "height width"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = tuple(self.pixels.shape)
        if len(shape) != 3 or shape[0] != 3 or not self.pixels.is_floating_point():
            raise ImageError(
                f"pixels are {self.pixels.dtype} of shape {shape}; expected floats (3, height, width)."
            )
        if 0 in shape:
            raise ImageError(f"the picture is empty: {self.width} × {self.height} pixels.")
        if self.alpha is not None and tuple(self.alpha.shape) != (1, *shape[1:]):
            raise ImageError(f"alpha has shape {tuple(self.alpha.shape)}; expected {(1, *shape[1:])}.")
        for name, mask in self.masks.items():
            if tuple(mask.shape) != shape[1:]:
                raise ImageError(f"the mask {name} has shape {tuple(mask.shape)}; expected {shape[1:]}.")

    def __repr__(self) -> str:
        alpha = "" if self.alpha is None else ", with alpha"
        return f"Image({self.width} × {self.height}, {self.encoding}{alpha})"

    @property
    def height(self) -> int:
        """Rows."""
        return self.pixels.shape[-2]

    @property
    def width(self) -> int:
        """Columns."""
        return self.pixels.shape[-1]

    @property
    def is_hdr(self) -> bool:
        """Whether the encoding can express light above white."""
        return self.encoding.is_hdr

    def numpy(self) -> np.ndarray:
        """The pixels as an array (height, width, 3) on the CPU, in the image's encoding."""
        return self.pixels.detach().permute(1, 2, 0).cpu().numpy()

    def luminance(self) -> Float[Tensor, "1 height width"]:
        """Luminance in units of the encoding's white: cd/m² once multiplied by it, else relative."""
        weights = luminance_weights(self.encoding.primaries)
        return luminance(self.to(self.encoding.linear).pixels, weights=weights)

    def assume(self, encoding: Encoding) -> "Image":
        """State what untagged values mean; the numbers stay as they are."""
        return replace(self, encoding=encoding)

    def to(self, encoding: Encoding) -> "Image":
        """The same light in another encoding.

        Convention:  decodes the transfer, scales from the old white to the new, converts the primaries
            (Bradford where the whites differ) and encodes. Nothing is clipped except where a curve is
            defined on a range only (PQ, HLG). A target without white keeps the white of the source, so a
            picture in PQ goes to SRGB with 1.0 at 10 000 cd/m²: give the target the white that is meant.
            Another `reference` by itself leaves the numbers as they are. Half precision becomes float32.

        Raises:
            EncodingError: the target is absolute and the source is relative: say what its 1.0 means with
                `assume`, or `reference_white`.
        """
        source, target = self.encoding, _with_white(encoding, self.encoding)
        if source == target:
            return self
        if source == replace(target, reference=source.reference):
            return replace(self, encoding=target)
        out = torch.empty_like(self.pixels, dtype=_working_type(self.pixels))
        alone = self.pixels.device.type == "cpu" and not self.pixels.requires_grad
        rows = max(1, (_STRIP_PIXELS if alone else _STRIP_PIXELS_ELSEWHERE) // self.width)

        def work(top: int) -> None:
            out[:, top : top + rows] = convert(self.pixels[:, top : top + rows], source, target)

        tops = range(0, self.height, rows)
        if alone:
            for_each(work, tops)
        else:  # one tape of gradients, or a device that is kept busy by one thread
            for top in tops:
                work(top)
        return replace(self, pixels=out, encoding=target)


def convert(
    pixels: Float[Tensor, "*batch 3 height width"], source: Encoding, target: Encoding
) -> Float[Tensor, "*batch 3 height width"]:
    """Pixel values of one encoding in another; the tensor form of `Image.to`.

    Convention:  as there; float64 stays float64, all else becomes float32.

    Raises:
        EncodingError: the target has a white and the source has none.
    """
    target = _with_white(target, source)
    values = pixels.to(_working_type(pixels))
    light = TRANSFERS[source.transfer].decode(values, source.white, source.primaries)
    if source.white is not None and target.white is not None and source.white != target.white:
        light = light * (source.white / target.white)
    light = primaries_module.convert(light, source.primaries, target.primaries)
    return TRANSFERS[target.transfer].encode(light, target.white, target.primaries)


def _working_type(pixels: Tensor) -> torch.dtype:
    """Float32 at least: half precision cannot tell the darks apart where 1.0 is 10 000 cd/m²."""
    return torch.promote_types(pixels.dtype, torch.float32)


def _with_white(target: Encoding, source: Encoding) -> Encoding:
    """The target with its white settled; refuses to invent the one of a relative source."""
    if target.white is None:
        return replace(target, white=source.white)
    if source.white is None:
        raise EncodingError(
            f"the picture is relative ({source}) but {target.white:g} cd/m² for 1.0 is wanted; "
            "say what its 1.0 means: --reference-white 203, or image.assume(encoding with a white)."
        )
    return target
