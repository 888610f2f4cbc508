"""JPEG, the format of nearly every photograph: 8 bits, lossy, SDR; with a gain map behind it, Ultra HDR.

References:  ITU-T T.81, annex B (markers); ICC.1:2022, annex B.4 (profiles in APP2); CIPA DC-008-2023, 4.7;
             Google, Photo Sphere XMP metadata (GPano).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase, BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.color.encoding import REFERENCE_WHITE, Encoding, Reference
from relume.color.luminance import luminance_weights
from relume.color.primaries import Primaries
from relume.errors import EncodingError, UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import exif, icc
from relume.io.formats import gain_map, ultrahdr
from relume.io.formats.format import FileInfo, Format, WriteOptions
from relume.io.formats.jpeg_segments import APP1, APP2, Segment, end_of_picture, segments
from relume.io.formats.ultrahdr import Attached
from relume.io.rendering import fit

_PROCESSES = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC9: "extended, arithmetic",
    0xCA: "progressive, arithmetic",
}
_ICC_PREFIX = b"ICC_PROFILE\0"
_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_CHANNELS = {1: "Y", 3: "RGB", 4: "CMYK"}

# A block of 8 × 8 samples takes a bit at least: no picture has more pixels than that for a byte of its file.
_MOST_PIXELS_PER_BYTE = 2048
_LONGEST_SIDE = 65_500
_LEAST_MAP_QUALITY = 95

# Properties of a panorama in XMP, as attributes or as elements.
_GPANO = re.compile(rb"""GPano:(\w+)(?:\s*=\s*["']|>)\s*(\w+)""")


@dataclass(frozen=True, kw_only=True)
class _Header:
    width: int
    height: int
    components: int
    precision: int
    process: str
    profile: bytes
    exif: exif.Exif
    gain_map: Attached | None
    gain_map_problem: str
    """Why a gain map that is announced cannot be used."""
    scan: int
    """Where the compressed data of the first scan begins."""

    @property
    def profile_used(self) -> icc.Profile:
        """What the samples mean."""
        return icc.interpret(self.profile, space=_SPACES[self.components])[0]

    @property
    def light(self) -> Encoding | None:
        """Of the HDR picture; None where there is none."""
        if self.gain_map is None:
            return None
        primaries = self.profile_used.encoding.primaries
        if not self.gain_map.meaning.in_base_colors and self.gain_map.profile:
            primaries = icc.interpret(self.gain_map.profile)[0].encoding.primaries
        return _light(primaries)


def probe(path: Path) -> FileInfo:
    """What the segments before the pixels say, and those of a gain map."""
    return _info(path, gain_map=True)


def probe_base(path: Path) -> FileInfo:
    """As `probe`, but of a file with a gain map the SDR picture."""
    return _info(path, gain_map=False)


def _info(path: Path, *, gain_map: bool) -> FileInfo:
    with path.open("rb") as file:
        header = _header(path, file)
    if not gain_map:
        header = replace(header, gain_map=None, gain_map_problem="")
    profile, tags = icc.interpret(header.profile, space=_SPACES[header.components])
    if header.gain_map is not None:
        tags |= ultrahdr.tags(header.gain_map)
    elif header.gain_map_problem:
        tags["gain map"] = f"not used: {header.gain_map_problem}"
    width, height = header.width, header.height
    return FileInfo(
        path=path,
        format=FORMAT.name if header.gain_map is None else "Ultra HDR JPEG",
        width=height if header.exif.swaps_sides else width,
        height=width if header.exif.swaps_sides else height,
        channels=_CHANNELS[header.components],
        sample=f"{header.precision} bit",
        encoding=header.light or profile.encoding,
        metadata=header.exif.metadata,
        tags={"process": header.process, **tags},
    )


def read(path: Path) -> Image:
    """Decode the picture, upright, in the primaries of its profile; where it has a gain map, its HDR light.

    Raises:
        UnreadableFile: truncated, corrupt or not a JPEG.
        UnsupportedFormat: a number of components that is none of grey, RGB and CMYK.
    """
    data = path.read_bytes()
    header = _header(path, BytesIO(data))
    base = _decode(path, data, header)
    if header.gain_map is None or header.light is None:
        return base
    stored = _stored(path, data, header)
    light = base.to(replace(base.encoding.linear, primaries=header.light.primaries))
    pixels = gain_map.apply(light.pixels, stored, header.gain_map.meaning)
    return replace(base, pixels=pixels, encoding=header.light)


def read_base(path: Path) -> Image:
    """As `read`, but of a file with a gain map the SDR picture."""
    data = path.read_bytes()
    return _decode(path, data, _header(path, BytesIO(data)))


def _decode(path: Path, data: bytes, header: _Header) -> Image:
    samples = header.exif.upright(_samples(path, data, header))
    profile = header.profile_used
    pixels, _ = icc.decode(samples, profile, top=2**header.precision - 1)
    return Image(pixels, profile.encoding, metadata=header.exif.metadata)


def _stored(path: Path, data: bytes, header: _Header) -> Float[Tensor, "_ _ _"]:
    """The values of the gain map, 0..1, upright."""
    assert header.gain_map is not None
    part = data[header.gain_map.offset :][: header.gain_map.length]
    try:
        codes = _samples(path, part, _header(path, BytesIO(part)))
    except UnreadableFile as error:
        raise UnreadableFile(
            path,
            "its gain map is cut short or damaged; get a whole copy, or read the SDR picture alone "
            "(gain_map=False, --ignore-gain-map).",
        ) from error
    planes = np.ascontiguousarray(header.exif.upright(codes).transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(planes).div_(255.0)


def _light(primaries: Primaries) -> Encoding:
    """What a gain map leads to: light of a display on which the SDR picture's white has 203 cd/m²."""
    return Encoding(primaries, "linear", Reference.DISPLAY_ABSOLUTE, REFERENCE_WHITE)


def check(image: Image) -> None:
    """Refuse what no JPEG holds.

    Raises:
        ValueError: transparency, or more rows or columns than a JPEG holds.
    """
    if image.alpha is not None and not bool((image.alpha > 1 - 1 / 512).all()):
        raise ValueError("it is partly transparent; write PNG or TIFF instead.")
    if max(image.width, image.height) > _LONGEST_SIDE:
        raise ValueError(
            f"it has {image.width} × {image.height} pixels, and {_LONGEST_SIDE} a side are the most; "
            "write PNG or TIFF instead."
        )


def write(path: Path, image: Image, options: WriteOptions) -> None:
    """Write 8 bits with profile and EXIF; from quality 90 on, colour has the full resolution."""
    path.write_bytes(_encode(image, options))


def write_hdr(path: Path, image: Image, options: WriteOptions) -> None:
    """Write Ultra HDR: an SDR picture and the gain map that leads from it, as it is decoded, to this light.

    The SDR picture is `options.base`; pixels, profile and metadata of a JPEG file stay as they are. Without
    one it is this picture with its highlights rolled off below white by BT.2390, as they are in the HDR
    picture below `options.peak`.

    Raises:
        ValueError: the base has another size.
        UnreadableFile: the base is damaged.
    """
    name, data = _base(path, image, options)
    header = _header(name, BytesIO(data))
    base = _decode(name, data, header)
    if (base.height, base.width) != (image.height, image.width):
        raise ValueError(
            f"its SDR picture has {base.width} × {base.height} pixels and it has "
            f"{image.width} × {image.height}; give another base."
        )
    primaries = base.encoding.primaries
    meaning, codes = gain_map.measure(
        base.to(base.encoding.linear).pixels,
        _shown(image, primaries, peak=options.peak),
        weights=luminance_weights(primaries),
        channels=options.gain_map_channels,
        scale=options.gain_map_scale,
    )
    quality = max(options.quality, _LEAST_MAP_QUALITY)
    stored = _compress(header.exif.as_stored(codes), quality=quality)
    path.write_bytes(ultrahdr.assemble(name, data, stored, meaning, strip=options.strip))


def _shown(image: Image, primaries: Primaries, *, peak: float) -> Float[Tensor, "3 height width"]:
    """Linear light on a display with that peak in cd/m²; 1.0 is the white of the SDR picture."""
    encoding = image.encoding
    white = REFERENCE_WHITE if encoding.reference is Reference.DISPLAY_ABSOLUTE else encoding.white
    relative = image.to(Encoding(primaries, "linear", encoding.reference, white))
    return fit(relative.assume(_light(primaries)), peak=peak).pixels


def _base(path: Path, image: Image, options: WriteOptions) -> tuple[Path, bytes]:
    """The SDR picture as a JPEG file, with the name that messages are to give it."""
    base = options.base
    if isinstance(base, Path):
        data = base.read_bytes()
        header = _header(base, BytesIO(data))
        if (header.components, header.precision) == (3, 8) and header.profile_used.tables is None:
            return base, data
        # Readers of gain maps know no grey pictures, no ink, no 12 bits and no tables in profiles.
        base = read_base(base)
    if base is None:
        base = _rolled_off(image)
    elif base.encoding.transfer == "linear":
        base = base.to(replace(base.encoding, transfer="srgb"))
    base = replace(base, pixels=base.pixels.clamp(0.0, 1.0), metadata=image.metadata)
    return path, _encode(base, options)


def _rolled_off(image: Image) -> Image:
    """The picture for a display of which white is the top."""
    primaries = image.encoding.primaries
    shown = _shown(image, primaries, peak=REFERENCE_WHITE)
    target = Encoding(primaries, "srgb", Reference.DISPLAY_RELATIVE)
    return replace(image, pixels=shown, encoding=target.linear).to(target)


def _encode(image: Image, options: WriteOptions) -> bytes:
    """The file of an SDR picture."""
    block = exif.build(image.metadata)
    return _compress(
        icc.quantize(replace(image, alpha=None), 8),
        quality=options.quality,
        icc_profile=icc.build(image.encoding),
        exif=exif.PREFIX + block if block else b"",
    )


def _compress(samples: np.ndarray, *, quality: int, icc_profile: bytes = b"", exif: bytes = b"") -> bytes:
    """The file of samples (height, width, 1 or 3)."""
    from PIL import Image as Pillow

    file = BytesIO()
    Pillow.fromarray(np.ascontiguousarray(samples[..., 0] if samples.shape[2] == 1 else samples)).save(
        file,
        "JPEG",
        quality=quality,
        subsampling="4:4:4" if quality >= 90 else "4:2:0",
        icc_profile=icc_profile,
        exif=exif,
    )
    return file.getvalue()


def _header(path: Path, file: BufferedIOBase) -> _Header:
    frame, process, block, panorama = b"", "", b"", False
    profile: dict[int, bytes] = {}
    head = list(segments(path, file))
    scan = file.tell()
    for marker, payload, _ in head:
        if marker in _PROCESSES:
            frame, process = payload, _PROCESSES[marker]
        elif marker == APP1 and payload.startswith(exif.PREFIX):
            block = block or payload
        elif marker == APP1 and payload.startswith(ultrahdr.XMP_PREFIX):
            panorama = panorama or _goes_round(payload)
        elif marker == APP2 and payload.startswith(_ICC_PREFIX) and len(payload) > 14:
            profile[payload[12]] = payload[14:]
    if len(frame) < 6:
        raise UnreadableFile(
            path, "is damaged: it says nothing of its size, or has a process that is not in use."
        )
    header = _Header(
        precision=frame[0],
        height=int.from_bytes(frame[1:3]),
        width=int.from_bytes(frame[3:5]),
        components=frame[5],
        process=process,
        profile=b"".join(part for _, part in sorted(profile.items())),
        exif=_about(block, panorama=panorama),
        gain_map=None,
        gain_map_problem="",
        scan=scan,
    )
    if header.components not in _SPACES:
        raise UnsupportedFormat(
            path, f"has {header.components} components; expected 1 (grey), 3 (RGB) or 4 (CMYK)."
        )
    if not header.width or not header.height:
        raise UnreadableFile(
            path, f"is damaged: it says that it has {header.width} × {header.height} pixels."
        )
    return _with_gain_map(path, file, head, header)


def _about(block: bytes, *, panorama: bool) -> exif.Exif:
    about = exif.parse(block)
    return replace(about, metadata=replace(about.metadata, panorama=True)) if panorama else about


def _goes_round(packet: bytes) -> bool:
    """Whether XMP tells of an equirectangular panorama of which no columns were cut off."""
    said = {name.decode(): value.decode() for name, value in _GPANO.findall(packet)}
    whole = said.get("FullPanoWidthPixels")
    return (
        said.get("ProjectionType") == "equirectangular"
        and said.get("CroppedAreaImageWidthPixels", whole) == whole
    )


def _with_gain_map(path: Path, file: BufferedIOBase, head: Sequence[Segment], header: _Header) -> _Header:
    """The header with the gain map that the file announces, or with the reason why it cannot be used."""
    if not ultrahdr.is_announced(head):
        return header
    try:
        found = ultrahdr.find(path, file, head, height=header.height, width=header.width)
    except EncodingError as error:
        return replace(header, gain_map_problem=str(error))
    if header.profile_used.encoding.is_hdr:
        return replace(header, gain_map_problem="the picture is HDR without it.")
    return replace(header, gain_map=found)


def _check_complete(path: Path, data: bytes, header: _Header) -> None:
    """Refuse a file that ends before its picture; the decoder would fill the rest with grey."""
    whole = end_of_picture(data, header.scan) is not None
    if not whole or header.width * header.height > _MOST_PIXELS_PER_BYTE * len(data):
        raise UnreadableFile(path, "is cut short or damaged: its picture does not end; get a whole copy.")


def _samples(path: Path, data: bytes, header: _Header) -> np.ndarray:
    """Codes (height, width, components); of CMYK, ink."""
    import imagecodecs

    _check_complete(path, data, header)
    samples: np.ndarray = imagecodecs.jpeg8_decode(data)
    shape = (header.height, header.width, header.components)
    if samples.size != np.prod(shape):
        raise UnreadableFile(
            path, f"is damaged: it holds {samples.shape} samples where its head says {shape}."
        )
    samples = samples.reshape(shape)
    # Adobe began to store how much ink is not there; all that read and write CMYK followed.
    return ~samples if header.components == 4 else samples


FORMAT = Format(
    name="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    signatures=(b"\xff\xd8\xff",),
    depths=(8,),
    probe=probe,
    read=read,
    probe_base=probe_base,
    read_base=read_base,
    write=write,
    write_hdr=write_hdr,
    check=check,
)
