"""An exposure bracket of a picture: what a camera would have taken at several exposures, in 8 bits."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import torch

from relume.color.encoding import SRGB
from relume.errors import EncodingError, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io.atomic import replacing
from relume.io.formats import WriteOptions, by_suffix
from relume.io.write import check_writable, write

_DEPTH = 8
_MARK = ".ev"

# Programs that merge brackets want all three. Where the photograph does not say, only the ratios of the
# exposure times mean something.
_NOMINAL = Metadata(exposure_time=1 / 64, f_number=8.0, iso=100)


def bracket_paths(path: Path, stops: Sequence[float]) -> list[Path]:
    """The names of the pictures: `photo.ev-2.png` and so on, of `photo.png` as well as of `photo.ev.png`."""
    stem = path.stem.removesuffix(_MARK)
    return [path.with_name(f"{stem}{_MARK}{exposure:+g}{path.suffix}") for exposure in stops]


def check_bracket(
    path: Path, stops: Sequence[float], *, overwrite: bool = False, options: WriteOptions | None = None
) -> None:
    """Refuse now, before any work, what `write_bracket` would refuse whatever the picture is.

    Raises:
        UnsupportedFormat: another format than PNG and JPEG, or a transfer for HDR screens.
        UnwritableFile: one of the files exists, or its folder does not.
    """
    row = by_suffix(path.suffix)
    if row is None or row.name not in ("PNG", "JPEG"):
        raise UnsupportedFormat(path, "a bracket consists of PNG or JPEG pictures; name it .png or .jpg.")
    if options is not None and options.transfer is not None:
        raise UnsupportedFormat(path, f"a bracket is sRGB; leave the transfer ({options.transfer}) out.")
    for target in bracket_paths(path, stops):
        check_writable(target, overwrite=overwrite, options=_in_8_bits(options))


def write_bracket(
    path: Path,
    image: Image,
    stops: Sequence[float],
    *,
    overwrite: bool = False,
    options: WriteOptions | None = None,
) -> list[Path]:
    """Write one picture for each exposure, all of them or none, and return their paths.

    Convention:  sRGB, 8 bits unless the options say 16; light · 2^stops, of which 1.0 is white and all above
        clips. EXIF tells exposure time · 2^stops and the exposure bias; where the photograph has no exposure
        time, aperture or sensitivity, 1/64 s, f/8 and ISO 100 stand for them. JPEG has no alpha.

    Args:
        path: see `bracket_paths`.
        image: linear light.
        stops: exposures; 0 shows 1.0 as white.

    Raises:
        EncodingError: the picture is not linear light.
        Others as `check_bracket`.
    """
    if image.encoding.transfer != "linear":
        raise EncodingError(f"the picture is {image.encoding}; expected linear light, `image.to(...)`.")
    check_bracket(path, stops, overwrite=overwrite, options=options)
    targets = bracket_paths(path, stops)
    workplace = Path(mkdtemp(prefix=".relume-", dir=path.parent))
    try:
        written = {workplace / target.name: target for target in targets}
        for temporary, exposure in zip(written, stops, strict=True):
            write(temporary, _exposed(image, exposure), options=_in_8_bits(options))
        _move(written, overwrite=overwrite)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return targets


def _in_8_bits(options: WriteOptions | None) -> WriteOptions:
    options = options or WriteOptions()
    return options if options.depth is not None else replace(options, depth=_DEPTH)


def _exposed(image: Image, stops: float) -> Image:
    """The picture that an exposure takes, clipped at black and white."""
    # Twice the exposure is half the white; 1.0 of a relative picture stands for any.
    white = image.encoding.white or 1.0
    source = image.assume(replace(image.encoding, white=white * 2.0**stops))
    shown = source.to(replace(SRGB, white=white))
    pixels = torch.where(shown.pixels.isnan(), 0.0, shown.pixels.clamp(0.0, 1.0))
    return replace(
        shown, pixels=pixels, encoding=SRGB, metadata=_at_exposure(image.metadata, stops), masks={}
    )


def _at_exposure(metadata: Metadata, stops: float) -> Metadata:
    time = (metadata.exposure_time or _NOMINAL.exposure_time or 1.0) * 2.0**stops
    return replace(
        metadata,
        exposure_time=time,
        exposure_bias=stops,
        f_number=metadata.f_number or _NOMINAL.f_number,
        iso=metadata.iso or _NOMINAL.iso,
    )


def _move(written: Mapping[Path, Path], *, overwrite: bool) -> None:
    """Move finished files to their names; if one cannot be, take back those that are new."""
    moved: list[Path] = []
    try:
        for temporary, target in written.items():
            existed = target.exists()
            with replacing(target, overwrite=overwrite) as place:
                temporary.rename(place)
            if not existed:
                moved.append(target)
    except BaseException:
        for target in moved:
            with suppress(OSError):
                target.unlink()
        raise
