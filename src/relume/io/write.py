"""Write a picture file, whole or not at all."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from relume.color.encoding import REFERENCE_WHITE, Encoding, Reference
from relume.color.primaries import BT709, BT2020, DISPLAY_P3, PRIMARIES
from relume.color.transfer import hlg, pq
from relume.errors import (
    EncodingError,
    FileError,
    ImageError,
    RelumeError,
    UnsupportedFormat,
    UnwritableFile,
)
from relume.image import Image, convert
from relume.io.atomic import EXISTS, reason, replacing
from relume.io.formats import Format, WriteOptions, by_suffix, known_suffixes
from relume.io.probe import identify
from relume.io.read import read
from relume.io.rendering import render

Encode = Callable[[Path, Image, WriteOptions], None]

_DEFAULTS = WriteOptions()

# What float32 arithmetic leaves around black and white is no light beyond them.
_TOLERANCE = 1e-6
_LARGEST_SCALE = 64

_FLOAT = 32
"""Bits of a depth that is linear light in floats."""


def write(
    path: str | Path, image: Image, *, overwrite: bool = False, options: WriteOptions = _DEFAULTS
) -> None:
    """Write a picture in the format that the suffix names.

    Convention:  formats for HDR hold linear light. Formats for HDR screens (PNG, AVIF, HEIC, JPEG XL) hold
        PQ or HLG of an HDR picture: absolute light, with highlights that roll off towards the peak and
        colours outside the gamut moved inside. The others hold display-relative values of which 1.0 is
        white (203 cd/m² of a display-absolute picture, 1.0 of all others). Light beyond black and white is
        refused there, or clipped where the options allow it, NaN becoming black. A JPEG of a picture with
        light above white is written as Ultra HDR: an SDR picture with a gain map.

    Args:
        path: its suffix decides the format. The file appears when it is complete; until then an existing one
            stays what it was.
        image: in any encoding, on any device.
        overwrite: whether an existing file may be replaced.
        options: depth, quality, clipping, and what a file for HDR screens is made for.

    Raises:
        UnsupportedFormat: a suffix that is not known, or a depth that the format does not have.
        UnwritableFile: the file exists, its folder does not, the disk is full, permission is missing.
        EncodingError: light above white for a format that has no room for it.
    """
    path = Path(path)
    check_writable(path, overwrite=overwrite, options=options)
    check_holds(path, image)
    row = _format(path)
    hdr = bool(row.hdr_depths) and (image.is_hdr or options.transfer is not None)
    depth = options.depth or _default_depth(row, options, hdr=hdr)
    image, encode = _on_cpu(image), row.write
    if needs_base(path, image, options):
        encode, options = row.write_hdr, _with_base(options)
        image = image.to(replace(image.encoding, primaries=sdr_encoding(image, options).primaries))
    elif row.transfers and hdr and depth in row.hdr_depths:
        transfer = options.transfer or ("linear" if depth == _FLOAT else row.transfers[0])
        image = _for_screens(path, image, options, transfer=transfer)
    else:
        image = _in_primaries(image, options.primaries)
        if row.transfers or depth not in row.hdr_depths:
            image = _between_black_and_white(path, image, clip=options.clip)
    assert encode is not None  # or there would be no such suffix to write
    with replacing(path, overwrite=overwrite) as temporary:
        _encode(row, encode, path, temporary, image, replace(options, depth=depth))


def needs_base(path: str | Path, image: Image, options: WriteOptions = _DEFAULTS) -> bool:
    """Whether the file will hold an SDR picture and a gain map: HDR, with light above white, to a JPEG."""
    if _format(Path(path)).write_hdr is None or options.clip or not image.is_hdr:
        return False
    _, brightest = _extremes(image.to(_display_relative(image.encoding).linear))
    return brightest > 1 + _TOLERANCE


def sdr_encoding(image: Image, options: WriteOptions = _DEFAULTS) -> Encoding:
    """Of the SDR picture of Ultra HDR: in the primaries of the picture if screens know them, else P3."""
    primaries = PRIMARIES[options.primaries] if options.primaries else image.encoding.primaries
    known = options.primaries or primaries in (BT709, DISPLAY_P3, BT2020)
    return Encoding(primaries if known else DISPLAY_P3, "srgb", Reference.DISPLAY_RELATIVE)


def keeps_masks(path: str | Path) -> bool:
    """Whether files of that name keep the masks of a picture."""
    return _format(Path(path)).masks


def check_holds(path: str | Path, image: Image) -> None:
    """Refuse now, before any work, a picture that the format cannot hold whatever becomes of its light.

    Raises:
        UnsupportedFormat: a suffix that is not known.
        UnwritableFile: transparency, or a size, that the format does not have.
    """
    row = _format(Path(path))
    if row.check is None:
        return
    try:
        row.check(image)
    except ValueError as error:
        raise UnwritableFile(path, f"{row.name} cannot hold this picture: {error}") from error


def check_writable(path: str | Path, *, overwrite: bool = False, options: WriteOptions = _DEFAULTS) -> None:
    """Refuse now, before any work, what `write` would refuse whatever the picture is.

    Raises:
        UnsupportedFormat: a suffix that is not known, or a depth that the format does not have.
        UnwritableFile: the file exists, its folder does not, there is no permission, quality out of range.
    """
    path = Path(path)
    row = _format(path)
    if options.depth is not None and options.depth not in row.depths:
        depths = " or ".join(map(str, row.depths))
        raise UnsupportedFormat(path, f"{row.name} has no depth of {options.depth} bits; expected {depths}.")
    if not 1 <= options.quality <= 100:
        raise UnwritableFile(path, f"the quality is {options.quality}; expected 1 to 100.")
    _check_light(path, row, options)
    if row.check_installed is not None:
        row.check_installed(path)
    if options.gain_map_channels not in (1, 3) or not 1 <= options.gain_map_scale <= _LARGEST_SCALE:
        raise UnwritableFile(
            path,
            f"a gain map of {options.gain_map_channels} channels with a value for {options.gain_map_scale} "
            f"pixels each way is not possible; expected 1 or 3 channels and 1 to {_LARGEST_SCALE} pixels.",
        )
    _check_place(path, overwrite=overwrite)


def _check_light(path: Path, row: Format, options: WriteOptions) -> None:
    """Refuse curves, primaries and peaks that the format cannot say."""
    if options.primaries is not None and options.primaries not in row.primaries:
        known = ", ".join(row.primaries) or "none, as it cannot say which they are"
        raise UnsupportedFormat(
            path, f"{row.name} has no primaries '{options.primaries}'; expected one of {known}."
        )
    if options.transfer is not None and options.transfer not in row.transfers:
        known = ", ".join(row.transfers) or "none, as it is not for HDR screens"
        raise UnsupportedFormat(
            path, f"{row.name} has no transfer '{options.transfer}'; expected one of {known}."
        )
    if options.transfer and options.depth and (options.transfer == "linear") != (options.depth == _FLOAT):
        raise UnsupportedFormat(
            path,
            f"{row.name} has no {options.transfer} in {options.depth} bits; linear light needs 32, "
            "PQ and HLG have fewer.",
        )
    most = hlg.NOMINAL_PEAK if options.transfer == "hlg" else pq.PEAK
    if not 1.0 <= options.peak <= most:
        curve = (options.transfer or "pq").upper()
        raise UnwritableFile(
            path, f"the peak is {options.peak:g} cd/m²; {curve} holds 1 to {most:g}, give --peak within."
        )


def _format(path: Path) -> Format:
    row = by_suffix(path.suffix)
    if row is None or row.write is None:
        known = known_suffixes(writable=True)
        what = f"no picture can be written as '{path.suffix}'" if path.suffix else "the name has no suffix"
        raise UnsupportedFormat(path, f"{what}; expected one of {known}.")
    return row


def _check_place(path: Path, *, overwrite: bool) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise UnwritableFile(path, "is a folder; expected the name of a file.")
    if not os.path.isdir(folder):
        raise UnwritableFile(path, f"the folder {folder} does not exist; create it first.")
    try:
        exists = bool(os.stat(path))
    except FileNotFoundError:
        exists = False
    except OSError as error:
        raise UnwritableFile(path, reason(error)) from error
    if exists and not overwrite:
        raise UnwritableFile(path, EXISTS)
    if not os.access(folder, os.W_OK):
        raise UnwritableFile(path, f"there is no permission to write in the folder {folder}.")


def _on_cpu(image: Image) -> Image:
    pixels = image.pixels.detach().to("cpu", torch.float32)
    alpha = None if image.alpha is None else image.alpha.detach().to("cpu", torch.float32)
    return replace(image, pixels=pixels, alpha=alpha)


def _default_depth(row: Format, options: WriteOptions, *, hdr: bool) -> int:
    if options.transfer == "linear":
        return _FLOAT
    return (row.hdr_depths if hdr else row.depths)[0]


def _for_screens(path: Path, image: Image, options: WriteOptions, *, transfer: str) -> Image:
    """The picture as PQ, HLG or absolute linear light, in primaries that files for HDR screens can name."""
    primaries = PRIMARIES[options.primaries or "bt2020"]
    if options.clip:
        image = replace(image, pixels=image.pixels.nan_to_num(0.0))
    try:
        return render(image, transfer=transfer, primaries=primaries, peak=options.peak)
    except (EncodingError, ImageError) as error:
        raise type(error)(f"{path}: {error}") from error


def _in_primaries(image: Image, name: str | None) -> Image:
    if name is None:
        return image
    return image.to(replace(image.encoding, primaries=PRIMARIES[name]))


def _between_black_and_white(path: Path, image: Image, *, clip: bool) -> Image:
    """The picture with encoded display-relative values within 0..1, for a format that holds no others."""
    image = image.to(_display_relative(image.encoding))
    darkest, brightest = _extremes(image)
    if not clip and not (darkest >= -_TOLERANCE and brightest <= 1 + _TOLERANCE):
        raise EncodingError(
            f"{path}: the light goes from {darkest:.3g} to {brightest:.3g} and this format holds 0 to 1, "
            "black to white; map it with `relume tonemap`, write .exr or let it clip (options.clip, --force)."
        )
    if darkest >= 0.0 and brightest <= 1.0:
        return image
    return replace(image, pixels=image.pixels.nan_to_num(0.0, 1.0, 0.0).clamp(0.0, 1.0))


def _display_relative(encoding: Encoding) -> Encoding:
    """Encoded values of the same primaries, with 1.0 at white."""
    absolute = encoding.reference is Reference.DISPLAY_ABSOLUTE
    curve = "srgb" if encoding.is_hdr or encoding.transfer == "linear" else encoding.transfer
    white = REFERENCE_WHITE if absolute else encoding.white
    return Encoding(encoding.primaries, curve, Reference.DISPLAY_RELATIVE, white)


def _extremes(image: Image) -> tuple[float, float]:
    """The least and the most light of any channel."""
    extremes = torch.stack(image.pixels.aminmax()).expand(3, 1, 2)
    darkest, brightest = convert(extremes, image.encoding, image.encoding.linear)[0, 0].tolist()
    return darkest, brightest


def _with_base(options: WriteOptions) -> WriteOptions:
    """The options with their base read, unless it is a file that stays as it is.

    Raises:
        FileError: it cannot be read.
        EncodingError: it is HDR.
    """
    base = options.base
    if base is None or (isinstance(base, Path) and identify(base).read_base is not None):
        return options
    picture = read(base, gain_map=False) if isinstance(base, Path) else _on_cpu(base)
    if picture.is_hdr:
        raise EncodingError(
            f"the base is HDR ({picture.encoding}); expected what an ordinary screen shows, for example of "
            "`relume tonemap`."
        )
    return replace(options, base=picture)


def _encode(
    row: Format, encode: Encode, path: Path, temporary: Path, image: Image, options: WriteOptions
) -> None:
    """Write to the temporary path; what goes wrong is told of the path that the user knows."""
    try:
        encode(temporary, image, options)
    except FileError as error:
        raise (error if error.path == options.base else type(error)(path, error.problem)) from error
    except RelumeError:
        raise
    except (RuntimeError, ValueError) as error:  # what encoders raise on a picture they cannot hold
        raise UnwritableFile(path, f"{row.name} cannot hold this picture: {error}") from error
