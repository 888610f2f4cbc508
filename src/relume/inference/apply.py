"""The two verbs of relume for Python: `expand` (SDR to HDR) and `tonemap` (HDR to SDR)."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from relume import catalog
from relume.color.encoding import SRGB, Encoding
from relume.errors import ImageError
from relume.image import Image
from relume.inference.light import checked_light
from relume.inference.runner import Progress, RunSettings, run
from relume.inference.sources import Source, as_image
from relume.method import Direction, Method, MethodSpec, configure


def expand(
    source: Source,
    *,
    method: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    encoding: Encoding | None = None,
    reference_white: float | None = None,
    peak: float | None = None,
    settings: RunSettings | None = None,
    masks: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Image:
    """Turn a picture for ordinary screens into high dynamic range.

    Convention:  returns linear, scene-referred light with 1.0 at diffuse white, `reference_white` cd/m²
        (203 unless given, BT.2408); highlights lie above 1.0. Alpha and metadata go along.

    Args:
        source: path, `Image`, PIL image, array (height, width[, 1, 3 or 4]) or tensor ([1, 3 or 4,]
            height, width). Arrays and tensors are sRGB-encoded: uint8, uint16, or floating point with 1.0
            at white.
        method: a name that `relume.methods()` lists; None: the default.
        parameters: values of the method's parameters by name.
        encoding: what the values of the source mean, in place of what it says of itself.
        peak: luminance in cd/m² that the brightest light may reach, for methods that have it.
        masks: whether the image keeps what the method tells of its pixels (clipped, confidence), if it does.
        force: go on with a picture that is HDR already, NaN, infinite or negative light.

    Raises:
        FileError: the file cannot be read.
        ImageError: the picture is HDR already, or its values are not light.
        MethodError: unknown method or parameter.
        MemoryLimitError: more memory would be needed than is allowed.
    """
    return apply(
        build(method, Direction.EXPAND, parameters or {}, peak=peak),
        as_image(source, Direction.EXPAND, encoding=encoding),
        name=_name(source),
        reference_white=reference_white,
        settings=settings,
        masks=masks,
        force=force,
        progress=progress,
    )


def tonemap(
    source: Source,
    *,
    method: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    encoding: Encoding | None = None,
    reference_white: float | None = None,
    peak: float | None = None,
    output: Encoding = SRGB,
    settings: RunSettings | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Image:
    """Turn a high dynamic range picture into one for ordinary screens.

    Convention:  returns display-relative values in 0..1, sRGB-encoded unless `output` says otherwise.
        Alpha and metadata go along.

    Args:
        source: as for `expand`; floating-point arrays and tensors are linear BT.709 light.
        method: a name that `relume.methods()` lists; None: the default.
        parameters: values of the method's parameters by name.
        encoding: what the values of the source mean, in place of what it says of itself.
        reference_white: luminance in cd/m² of 1.0 where the source is relative and the method asks for it.
        peak: luminance in cd/m² of the display's white, for methods that have it.
        output: the encoding of the result.
        force: go on with an SDR picture, NaN, infinite or negative light.

    Raises:
        EncodingError: the method needs absolute luminance and the source is relative.
        Others as `expand`.
    """
    return apply(
        build(method, Direction.TONEMAP, parameters or {}, peak=peak),
        as_image(source, Direction.TONEMAP, encoding=encoding),
        name=_name(source),
        reference_white=reference_white,
        output=output,
        settings=settings,
        force=force,
        progress=progress,
    )


def methods(direction: Direction | str | None = None) -> list[MethodSpec]:
    """The specs of all methods, or of those of one direction ("expand", "tonemap")."""
    wanted = None if direction is None else Direction(direction)
    return [m.spec for m in catalog.METHODS.values() if wanted in (None, m.spec.direction)]


def build(
    name: str | None, direction: Direction, parameters: Mapping[str, Any], *, peak: float | None = None
) -> Method:
    """The configured method; `peak` is short for its parameter of that name.

    Raises:
        MethodError: unknown method, wrong direction, unknown parameter or value outside its range.
    """
    method = catalog.find(name, direction)
    values = dict(parameters)
    if peak is not None:
        values["peak"] = peak
    return configure(method, values)


def parameter_values(method: Method) -> dict[str, Any]:
    """The method's parameters as they are set, by name."""
    return {item.name: getattr(method, item.name) for item in fields(method)}  # type: ignore[arg-type]


def apply(
    method: Method,
    image: Image,
    *,
    name: str = "the picture",
    reference_white: float | None = None,
    output: Encoding | None = None,
    settings: RunSettings | None = None,
    masks: bool = False,
    consume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Image:
    """Run a configured method on a picture, once it is certain that the picture is meant for it.

    Args:
        name: the subject of error messages, usually the file.
        output: the encoding of the result; None: sRGB after a tone mapping, linear light after an expansion.
        Others as `expand` and `tonemap`.

    Raises:
        ImageError: the picture goes the other way, or its values are not light; not with `force`.
        Others as `relume.inference.runner.run`.
    """
    direction = method.spec.direction
    if not force:
        _check_direction(image, direction, name)
    if output is None and direction is Direction.TONEMAP:
        output = SRGB
    return run(
        method,
        checked_light(image, name=name, repair=force),
        settings=settings,
        reference_white=reference_white,
        output=output,
        progress=progress,
        masks=masks,
        consume=consume,
    )


def _name(source: Source) -> str:
    return str(source) if isinstance(source, str | Path) else "the picture"


def _check_direction(image: Image, direction: Direction, name: str) -> None:
    if direction is Direction.EXPAND and image.is_hdr:
        raise ImageError(
            f"{name} is HDR already ({image.encoding}); expand takes SDR pictures. "
            "`relume tonemap` goes the other way; --force (force=True) expands it all the same, and "
            "--ignore-gain-map (read(path, gain_map=False)) takes the SDR picture under a gain map."
        )
    if direction is Direction.TONEMAP and not image.is_hdr:
        raise ImageError(
            f"{name} is an SDR picture ({image.encoding}); tonemap takes HDR. "
            "`relume expand` goes the other way; --force (force=True) tone maps it all the same."
        )
