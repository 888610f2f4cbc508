"""OpenEXR: linear light in half or float.

The library works on the pixels; what the header says is read by `exr_header`.

References:  [openexr_attributes] for the header; [openexr_technical] for premultiplied alpha, and luminance
             with chroma.
"""

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import Encoding, Reference
from relume.color.luminance import luminance_weights
from relume.color.primaries import BT709
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image, Metadata
from relume.io.formats.chromaticities import numbers_of, primaries_of
from relume.io.formats.dates import parse_date, print_date
from relume.io.formats.exr_header import MAGIC, Header, Window, read_header
from relume.io.formats.format import FileInfo, Format, WriteOptions
from relume.io.rendering import peak_luminance
from relume.parallel import for_each

_HALF_MAX = 65504.0
_STRIP_PIXELS = 1 << 16

# Attributes of ours, of pictures that have a white.
_PEAK, _HEADROOM = "peakLuminance", "headroomStops"

# Kind of picture → its channels and at which fraction of the size they are stored.
_KINDS = {
    "RGB": {"R": 1, "G": 1, "B": 1},
    "YC": {"Y": 1, "RY": 2, "BY": 2},
    "Y": {"Y": 1},
}

# Field of `Metadata` → standard attribute.
_TEXTS = {
    "make": "cameraMake",
    "model": "cameraModel",
    "lens": "lensModel",
    "description": "comments",
    "copyright": "owner",
}
_NUMBERS = {
    "exposure_time": "expTime",
    "f_number": "aperture",
    "iso": "isoSpeed",
    "focal_length": "nominalFocalLength",
}


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """The channels that make the picture."""

    kind: str
    """RGB, Y (luminance alone) or YC (luminance, and chroma at half the size)."""
    alpha: bool
    prefix: str
    """Of their names: empty, or that of a layer, "diffuse."."""

    @property
    def names(self) -> list[str]:
        return [self.prefix + channel for channel in (*_KINDS[self.kind], *("A" * self.alpha))]


def probe(path: Path) -> FileInfo:
    """What the header says; the size is that of the display window."""
    header = read_header(path)
    layer = _layer(header, path)
    return FileInfo(
        path=path,
        format=FORMAT.name,
        width=header.display_window.width,
        height=header.display_window.height,
        channels=layer.kind + "A" * layer.alpha,
        sample=header.channels[layer.names[0]].sample,
        encoding=_encoding(header),
        metadata=_metadata(header),
        tags=_tags(header, layer),
    )


def read(path: Path) -> Image:
    """The picture in the display window of the first part, black where the file has no pixels.

    Convention:  linear, scene-referred; primaries by `chromaticities` (BT.709 without), white by
        `whiteLuminance`. Premultiplied alpha becomes straight; where alpha is 0 the light stays as it is.
        Luminance alone becomes three equal channels.
    """
    header = read_header(path)
    layer = _layer(header, path)
    encoding = _encoding(header)
    planes = _planes(path, header, layer)
    alpha = _framed([planes.pop()], header) if layer.alpha else None
    if layer.kind == "YC":
        planes = _without_chroma(planes, encoding)
    pixels = _framed(planes * 3 if layer.kind == "Y" else planes, header)
    if alpha is not None:
        pixels /= _coverage(alpha)
    return Image(pixels, encoding, alpha, _metadata(header))


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write channels R, G, B and, where there is alpha, A, and masks as layers; compressed without loss.

    Convention:  linear, in the primaries of the image, which are always stated, like its white where it has
        one; then also the largest luminance in cd/m² (`peakLuminance`) and how many stops it lies above that
        white (`headroomStops`). Alpha is premultiplied; where it is 0 the light stays as it is. At depth 16
        finite light beyond ±65504 is held there; infinities and NaN are kept. A mask becomes the channel
        `<name>.Y`, in half. Half floats are compressed with PIZ, which is faster than ZIP and smaller, floats
        with ZIP.
    """
    import OpenEXR

    half = options.depth != 32
    header = {
        "compression": OpenEXR.PIZ_COMPRESSION if half else OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": numbers_of(image.encoding.primaries),
        **_attributes(image),
    }
    channels = _channels(image.to(image.encoding.linear), half=half)
    # Given a path the library does not notice a disk that fills up with the last bytes; a stream does.
    with path.open("wb") as stream, OpenEXR.File(header, channels, num_threads=_threads()) as file:
        file.write(stream)


def _layer(header: Header, path: Path) -> _Layer:
    """The plain channels where they are a picture, or else the first layer that is one."""
    stored = header.channels
    prefixes = dict.fromkeys(("", *(name[: name.rfind(".") + 1] for name in stored)))
    for prefix in prefixes:
        for kind, channels in _KINDS.items():
            if all(prefix + channel in stored for channel in channels):
                layer = _Layer(kind=kind, alpha=prefix + "A" in stored, prefix=prefix)
                _check_sampling(header, layer, path)
                return layer
    listed = ", ".join(name if name.isprintable() else repr(name) for name in stored)
    raise UnsupportedFormat(path, f"has no channels R, G, B or Y to show; it has {listed or 'none'}.")


def _check_sampling(header: Header, layer: _Layer, path: Path) -> None:
    expected = (*_KINDS[layer.kind].values(), *([1] * layer.alpha))
    for name, step in zip(layer.names, expected, strict=True):
        sampling = header.channels[name].sampling
        if sampling != (step, step):
            raise UnsupportedFormat(
                path,
                f"samples {name!r} every {sampling[0]} × {sampling[1]} pixels; expected {step} × {step}.",
            )


def _encoding(header: Header) -> Encoding:
    white = header.numbers.get("whiteLuminance", 0.0)
    return Encoding(
        primaries_of(header.chromaticities) or BT709,
        "linear",
        Reference.SCENE,
        _decimal(white) if 0 < white < math.inf else None,
    )


def _metadata(header: Header) -> Metadata:
    numbers = {
        field: _decimal(header.numbers[name])
        for field, name in _NUMBERS.items()
        if 0 < header.numbers.get(name, 0.0) < math.inf
    }
    texts = {field: header.texts[name] for field, name in _TEXTS.items() if header.texts.get(name)}
    return Metadata(date=parse_date(header.texts.get("capDate", "")), **numbers, **texts)  # type: ignore[arg-type]


def _decimal(number: float) -> float:
    """The decimal that a float32 was made of: 2.8 rather than 2.7999999523."""
    return float(f"{number:.7g}")


def _attributes(image: Image) -> dict[str, float | str]:
    """What goes into the header beside the pixels' own description."""
    metadata = image.metadata
    attributes: dict[str, float | str] = {}
    if image.encoding.white is not None:
        attributes["whiteLuminance"] = float(image.encoding.white)
        if (peak := peak_luminance(image)) > 0.0:
            attributes |= {_PEAK: peak, _HEADROOM: math.log2(peak / image.encoding.white)}
    if metadata.date is not None:
        attributes["capDate"] = print_date(metadata.date)
    for field, name in _NUMBERS.items():
        if (number := getattr(metadata, field)) is not None:
            attributes[name] = float(number)
    for field, name in _TEXTS.items():
        if (text := getattr(metadata, field)) is not None:
            attributes[name] = text
    return attributes


def _tags(header: Header, layer: _Layer) -> dict[str, str]:
    others = [name for name in header.channels if name not in layer.names]
    data, frame = header.data_window, header.display_window
    said = {
        "compression": header.compression,
        "tiles": header.tile and "{} × {}".format(*header.tile),
        "parts": header.parts > 1 and f"{header.parts}, the first is read",
        "layer": layer.prefix.rstrip("."),
        "other channels": ", ".join(others),
        "data window": data != frame and f"{data.width} × {data.height} at ({data.left}, {data.top})",
        "display window": data != frame and f"{frame.width} × {frame.height} at ({frame.left}, {frame.top})",
        "peak": _PEAK in header.numbers and f"{header.numbers[_PEAK]:.4g} cd/m²",
        "headroom": _HEADROOM in header.numbers and f"{header.numbers[_HEADROOM]:.1f} stops above white",
        "software": header.texts.get("software"),
    }
    return {name: text for name, text in said.items() if text}


def _planes(path: Path, header: Header, layer: _Layer) -> list[np.ndarray]:
    """The layer's channels as they are stored, in the data window."""
    import OpenEXR

    with path.open("rb") as stream:
        try:
            file = OpenEXR.File(stream, separate_channels=True, num_threads=_threads())
        except UnicodeDecodeError as error:
            raise UnsupportedFormat(
                path, "has text in its header that is not UTF-8, as the format wants it; save it anew."
            ) from error
        with file:
            # The library prints what is wrong with a part and goes on without it.
            if len(file.parts) != header.parts:
                raise UnreadableFile(path, "is damaged: its pixels cannot be decompressed.")
            channels = file.channels()
            return [channels[name].pixels for name in layer.names]


def _framed(planes: list[np.ndarray], header: Header) -> Float[Tensor, "channels height width"]:
    """The part of the planes that lies in the display window, and zero around it."""
    data, frame = header.data_window, header.display_window
    overlap = Window(
        max(data.left, frame.left),
        max(data.top, frame.top),
        min(data.right, frame.right),
        min(data.bottom, frame.bottom),
    )
    framed = torch.zeros(len(planes), frame.height, frame.width)
    if overlap.area:
        for target, plane in zip(framed, planes, strict=True):
            target[overlap.slices(frame)] = torch.from_numpy(plane[overlap.slices(data)])
    return framed


def _coverage(alpha: Tensor) -> Tensor:
    """What premultiplied light is divided by. Light without coverage (a glow, a flame) stays what it is."""
    return torch.where(alpha > 0, alpha, 1.0)


def _channels(image: Image, *, half: bool) -> dict[str, np.ndarray]:
    """The channels of the file, by name; a further layer is a further entry."""
    planes = image.pixels.float()
    if image.alpha is not None:
        planes = torch.cat([planes * _coverage(image.alpha), image.alpha.float()])
    samples = _half(planes) if half else planes.contiguous()
    masks = {f"{name}.Y": mask.detach().cpu().half().numpy() for name, mask in image.masks.items()}
    return dict(zip("RGBA", samples.numpy(), strict=False)) | masks


def _half(planes: Float[Tensor, "channels height width"]) -> Float[Tensor, "channels height width"]:
    """In half, finite light within what it holds; strip by strip, so that temporaries stay small."""
    out = torch.empty_like(planes, dtype=torch.float16, memory_format=torch.contiguous_format)
    rows = max(1, _STRIP_PIXELS // planes.shape[-1])

    def work(top: int) -> None:
        strip = planes[:, top : top + rows]
        if not bool(strip.abs().amax() <= _HALF_MAX):
            strip = torch.where(strip.isinf(), strip, strip.clamp(-_HALF_MAX, _HALF_MAX))
        out[:, top : top + rows] = strip

    for_each(work, range(0, planes.shape[-2], rows))
    return out


def _without_chroma(planes: list[np.ndarray], encoding: Encoding) -> list[np.ndarray]:
    """Red, green and blue from luminance Y and the chroma (R - Y) / Y and (B - Y) / Y at half the size."""
    light, red_chroma, blue_chroma = (torch.from_numpy(plane).float() for plane in planes)
    weights = luminance_weights(encoding.primaries)
    red, blue = ((1.0 + _doubled(_doubled(chroma).T).T) * light for chroma in (red_chroma, blue_chroma))
    green = (light - weights[0] * red - weights[2] * blue) / weights[1]
    return [plane.numpy() for plane in (red, green, blue)]


def _doubled(plane: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows twice_columns"]:
    """Twice as many columns: those there are, and between each two what six of them give (Lanczos)."""
    distance = torch.arange(-2.5, 3.0)
    taps = torch.sinc(distance) * torch.sinc(distance / 3.0)
    padded = torch.nn.functional.pad(plane[None], (2, 3), mode="replicate")[0]
    between = (padded.unfold(1, 6, 1) * (taps / taps.sum())).sum(-1)
    return torch.stack((plane, between), dim=-1).flatten(1)


def _threads() -> int:
    """How many threads the library may use on a file: those of torch, but none in a forked process."""
    return torch.get_num_threads() if _pool_owner() == os.getpid() else 0


@cache
def _pool_owner() -> int:
    """Start the library's threads, once; the process that has them. A fork would wait for them forever."""
    import OpenEXR

    OpenEXR.set_global_thread_count(torch.get_num_threads())
    return os.getpid()


FORMAT = Format(
    name="OpenEXR",
    suffixes=(".exr",),
    signatures=(MAGIC,),
    depths=(16, 32),
    hdr_depths=(16, 32),
    masks=True,
    probe=probe,
    read=read,
    write=write,
)
