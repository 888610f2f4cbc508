"""The one runner that every method goes through.

It reads the method's spec and does what the method need not know: conversion of the encoding, statistics of
the whole image, tiles with context and padding, device, precision, and a bound on memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import torch
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE, Encoding, Reference
from relume.errors import ImageError, MethodError
from relume.filters.enlarge import enlarged
from relume.image import Image, convert
from relume.inference.memory import FLOAT_BYTES, check_memory, needed_bytes
from relume.inference.tiling import CACHED_PIXELS, Tile, pad, tile_shape, tiles, with_contexts
from relume.method import Direction, Method, MethodSpec, Statistics
from relume.parallel import for_each

Progress = Callable[[float], None]
"""Told the finished share, 0..1."""

Carry = Callable[[Statistics], Statistics]
"""Makes of the statistics of a frame those to use for it; see `relume.inference.temporal`."""

# A guess of the floats per pixel that a method's temporaries take within a tile.
_TILE_FLOATS = 32

# Steps of a mask; finer ones would mean nothing and compress badly.
_MASK_LEVELS = 255


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where and how a method runs; what it computes does not depend on it, but for rounding."""

    device: str = "auto"
    """"auto" (a GPU if there is one), or what torch calls a device: "cpu", "cuda", "cuda:1"."""
    precision: str = "auto"
    """"auto" (the first of the spec's precisions) or one of them."""
    max_memory: int | None = None
    """Bytes that the work may take in all; None: what the machine has free."""


def run(
    method: Method,
    image: Image,
    *,
    settings: RunSettings | None = None,
    reference_white: float | None = None,
    output: Encoding | None = None,
    progress: Progress | None = None,
    carry: Carry | None = None,
    masks: bool = False,
    consume: bool = False,
) -> Image:
    """Run a method on a picture of any size.

    Convention:  the result of an expansion is linear, scene-referred, with 1.0 at `reference_white`; the
        result of a tone mapping is display-relative and clipped to 0..1, the range of the display.

    Args:
        reference_white: luminance in cd/m² of diffuse white: of 1.0 in a relative HDR picture, and of 1.0
            in the result of an expansion (203 unless given).
        output: encoding of the result in place of the method's own.
        carry: makes of the measured statistics those to use; None: they are used as they are.
        masks: whether to ask the method for its masks, where it has any, and keep them with the result, in
            half and in steps of 1/255.
        consume: whether the pixels of the picture may be overwritten, because nobody needs them any more. The
            result then takes their memory.

    Raises:
        EncodingError: the method needs absolute luminance and the picture is relative.
        MethodError: a precision that the method is not exact in, or a device that is not there.
        MemoryLimitError: the picture does not fit the allowed memory.
    """
    return run_batch(
        method,
        [image],
        settings=settings,
        reference_white=reference_white,
        output=output,
        progress=progress,
        carry=carry,
        masks=masks,
        consume=consume,
    )[0]


def run_batch(
    method: Method,
    images: Sequence[Image],
    *,
    settings: RunSettings | None = None,
    reference_white: float | None = None,
    output: Encoding | None = None,
    progress: Progress | None = None,
    carry: Carry | None = None,
    masks: bool = False,
    consume: bool = False,
) -> list[Image]:
    """Run a method on several pictures of one size and encoding at once; see `run`.

    Raises:
        ImageError: the sizes or encodings differ. Others as `run`.
    """
    settings, spec = settings or RunSettings(), method.spec
    first = _same_kind(images)
    device, dtype = _device(settings.device), _dtype(spec, settings.precision)
    needed = needed_bytes(
        spec,
        first.height,
        first.width,
        converted=first.encoding != spec.input,
        consumed=consume,
        alpha=first.alpha is not None,
    )
    check_memory(
        len(images) * needed,
        settings.max_memory,
        what=f"{spec.name} on {first.width} × {first.height} pixels",
    )
    sources = [_with_reference_white(image, spec, reference_white).to(spec.input) for image in images]
    native = _native_output(spec, sources[0], reference_white)
    target = output or _scene_white(native, reference_white)
    pixels = sources[0].pixels[None] if len(images) == 1 else torch.stack([s.pixels for s in sources])
    results, told = _process(
        method,
        pixels.to(device),
        dtype=dtype,
        largest=_tile_pixels(settings, pixels, device),
        finish=_finish(spec, native, target),
        progress=progress,
        carry=carry,
        masks=spec.masks if masks else (),
        consume=consume,
    )
    return [
        replace(
            image,
            pixels=result,
            encoding=target,
            masks=dict(zip(spec.masks if masks else (), maps, strict=True)),
        )
        for image, result, maps in zip(images, results, told, strict=True)
    ]


def _same_kind(images: Sequence[Image]) -> Image:
    first, *others = images
    for other in others:
        if other.pixels.shape != first.pixels.shape or other.encoding != first.encoding:
            raise ImageError(
                f"a batch holds {first.width} × {first.height} pixels ({first.encoding}) and "
                f"{other.width} × {other.height} ({other.encoding}); expected one size and encoding."
            )
    return first


def _with_reference_white(image: Image, spec: MethodSpec, reference_white: float | None) -> Image:
    """A relative HDR picture gets the white that the caller gives it.

    Where the caller gives none and the method takes scene light with a white, 1.0 is taken to be that white;
    methods that need the luminance of a display refuse instead.
    """
    if spec.input.reference is Reference.SCENE:
        reference_white = reference_white or spec.input.white
    if spec.direction is Direction.EXPAND or image.encoding.white is not None or reference_white is None:
        return image
    return image.assume(replace(image.encoding, white=reference_white))


def _native_output(spec: MethodSpec, source: Image, reference_white: float | None) -> Encoding:
    """What the method's own numbers mean: an expansion's 1.0 is reference white unless it is absolute."""
    if spec.direction is Direction.EXPAND and spec.output.white is None:
        return replace(spec.output, white=reference_white or REFERENCE_WHITE)
    return spec.output


def _scene_white(native: Encoding, reference_white: float | None) -> Encoding:
    """Expansions that return light of a display become light with 1.0 at reference white."""
    if native.reference is Reference.DISPLAY_ABSOLUTE:
        white = reference_white or REFERENCE_WHITE
        return replace(native, transfer="linear", reference=Reference.SCENE, white=white)
    return native


def _finish(spec: MethodSpec, native: Encoding, target: Encoding) -> Callable[[Tensor], Tensor]:
    """What happens to each tile after the method: the wanted encoding, and the end of the display's range."""

    def finish(result: Tensor) -> Tensor:
        if spec.direction is Direction.EXPAND:
            return convert(result, native, target)
        shown = convert(result.clamp(0.0, 1.0), native, target)
        # Saturated colours of wide primaries lie outside narrower ones.
        return shown if native.primaries == target.primaries else shown.clamp(0.0, 1.0)

    return finish


@torch.no_grad()
def _process(
    method: Method,
    images: Tensor,
    *,
    dtype: torch.dtype,
    largest: int | None,
    finish: Callable[[Tensor], Tensor],
    progress: Progress | None,
    carry: Carry | None,
    masks: tuple[str, ...],
    consume: bool,
) -> tuple[Tensor, Tensor]:
    """The results, and the masks of these names."""
    height, width = images.shape[-2:]
    halo, multiple, minimum = method.halo, method.spec.size_multiple, method.spec.size_minimum
    lock = Lock()
    statistics = method.measure(images.to(dtype)) if _measures(method) else {}
    if carry is not None:
        statistics = carry(statistics)
    kind = torch.promote_types(dtype, torch.float32)
    on_cpu = images.device.type == "cpu"
    in_place = consume and on_cpu and images.dtype == kind
    results = images if in_place else torch.empty_like(images, dtype=kind, device="cpu")
    told = torch.empty(len(images), len(masks), height, width, dtype=torch.float16)
    shape = tile_shape(height, width, halo=halo, multiple=multiple, largest=largest, cached=on_cpu)
    done = 0

    @torch.no_grad()
    def work(piece: tuple[Tile, Tensor]) -> None:
        nonlocal done
        tile, outer = piece

        def padded(part: Tensor) -> Tensor:
            return pad(part.to(dtype), multiple=multiple, minimum=minimum)

        maps = {
            name: value if tuple(value.shape[-2:]) == (1, 1) else padded(value)
            for name, value in tile_statistics(method, statistics, tile, size=(height, width)).items()
        }
        image = padded(outer)
        if masks:  # before the result, which may take the place of the image
            levels = tile.crop(method.mask(image, maps)) * _MASK_LEVELS
            tile.inner(told).copy_(levels.round() / _MASK_LEVELS)
        tile.inner(results).copy_(finish(tile.crop(method(image, maps)).to(results.dtype)))
        with lock:
            done += tile.pixels
            if progress is not None:
                progress(done / (height * width))

    pieces = tiles(height, width, shape, halo=halo, multiple=multiple)
    begun = with_contexts(pieces, images, overwritten=in_place and halo > 0)
    if on_cpu and shape[0] * shape[1] <= CACHED_PIXELS:
        for_each(work, begun)
    else:  # large tiles keep all cores, or the GPU, busy by themselves
        for piece in begun:
            work(piece)
    return results, told


def tile_statistics(
    method: Method, statistics: Statistics, tile: Tile, *, size: tuple[int, int]
) -> Statistics:
    """The statistics of an image of that size for a tile of it: its part of maps, and numbers as they are."""

    def part(name: str, value: Tensor) -> Tensor:
        if name in method.spec.small_maps:
            rows, columns = (tile.outer_top, tile.outer_bottom), (tile.outer_left, tile.outer_right)
            return enlarged(value, size=size, rows=rows, columns=columns, wraps=method.wraps)
        return tile.outer(value) if tuple(value.shape[-2:]) == size else value

    return {name: part(name, value) for name, value in statistics.items()}


def _measures(method: Method) -> bool:
    return type(method).measure is not Method.measure


def _tile_pixels(settings: RunSettings, pixels: Tensor, device: torch.device) -> int | None:
    """The pixels of one tile that the memory left over by whole pictures allows; None: no bound."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return max(1, free // 2 // (_TILE_FLOATS * FLOAT_BYTES))
    if settings.max_memory is None:
        return None
    held = 2 * pixels.numel() * FLOAT_BYTES
    return max(4096, (settings.max_memory - held) // 2 // (_TILE_FLOATS * FLOAT_BYTES))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise MethodError(
            f"device '{name}' cannot be used here; expected auto, cpu, or cuda with a GPU."
        ) from error


def _dtype(spec: MethodSpec, precision: str) -> torch.dtype:
    name = spec.precisions[0] if precision == "auto" else precision
    if name not in spec.precisions:
        raise MethodError(
            f"{spec.name} is not exact in precision '{name}'; expected auto or one of "
            f"{', '.join(spec.precisions)}."
        )
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype
