"""Write a picture file, whole or not at all."""

import os
from dataclasses import replace
from pathlib import Path

import torch

from relume.color.encoding import REFERENCE_WHITE, Encoding, Reference
from relume.errors import EncodingError, FileError, RelumeError, UnsupportedFormat, UnwritableFile
from relume.image import Image, convert
from relume.io.atomic import EXISTS, reason, replacing
from relume.io.formats import Format, WriteOptions, by_suffix, known_suffixes

_DEFAULTS = WriteOptions()

# What float32 arithmetic leaves around black and white is no light beyond them.
_TOLERANCE = 1e-6


def write(
    path: str | Path, image: Image, *, overwrite: bool = False, options: WriteOptions = _DEFAULTS
) -> None:
    """Write a picture in the format that the suffix names.

    Convention:  formats for HDR hold linear light; the others hold display-relative values of which 1.0 is
        white (203 cd/m² of a display-absolute picture, 1.0 of all others). Light beyond black and white is
        refused there, or clipped where the options allow it, NaN becoming black.

    Args:
        path: its suffix decides the format. The file appears when it is complete; until then an existing one
            stays what it was.
        image: in any encoding, on any device.
        overwrite: whether an existing file may be replaced.
        options: depth, quality, clipping.

    Raises:
        UnsupportedFormat: a suffix that is not known, or a depth that the format does not have.
        UnwritableFile: the file exists, its folder does not, the disk is full, permission is missing.
        EncodingError: light above white for a format that has no room for it.
    """
    path = Path(path)
    check_writable(path, overwrite=overwrite, options=options)
    row = _format(path)
    depth = options.depth or (row.hdr_depths if image.is_hdr and row.hdr_depths else row.depths)[0]
    image = _on_cpu(image)
    if depth not in row.hdr_depths:
        image = _between_black_and_white(path, image, clip=options.clip)
    with replacing(path, overwrite=overwrite) as temporary:
        _encode(row, path, temporary, image, replace(options, depth=depth))


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
    _check_place(path, overwrite=overwrite)


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


def _between_black_and_white(path: Path, image: Image, *, clip: bool) -> Image:
    """The picture with encoded display-relative values within 0..1, for a format that holds no others."""
    encoding = image.encoding
    absolute = encoding.reference is Reference.DISPLAY_ABSOLUTE
    curve = "srgb" if encoding.is_hdr or encoding.transfer == "linear" else encoding.transfer
    white = REFERENCE_WHITE if absolute else encoding.white
    target = Encoding(encoding.primaries, curve, Reference.DISPLAY_RELATIVE, white)
    image = image.to(target)
    extremes = torch.stack(image.pixels.aminmax()).expand(3, 1, 2)
    darkest, brightest = convert(extremes, target, target.linear)[0, 0].tolist()
    if not clip and not (darkest >= -_TOLERANCE and brightest <= 1 + _TOLERANCE):
        raise EncodingError(
            f"{path}: the light goes from {darkest:.3g} to {brightest:.3g} and this format holds 0 to 1, "
            "black to white; map it with `relume tonemap`, write .exr or let it clip (options.clip, --force)."
        )
    if darkest >= 0.0 and brightest <= 1.0:
        return image
    return replace(image, pixels=image.pixels.nan_to_num(0.0, 1.0, 0.0).clamp(0.0, 1.0))


def _encode(row: Format, path: Path, temporary: Path, image: Image, options: WriteOptions) -> None:
    """Write to the temporary path; what goes wrong is told of the path that the user knows."""
    assert row.write is not None
    try:
        row.write(temporary, image, options)
    except FileError as error:
        raise type(error)(path, error.problem) from error
    except RelumeError:
        raise
    except (RuntimeError, ValueError) as error:  # what encoders raise on a picture they cannot hold
        raise UnwritableFile(path, f"{row.name} cannot hold this picture: {error}") from error
