"""What the libraries that encode AVIF and HEIC leave out: what the codes mean, how bright they are, EXIF.

References:  [cta_861_3] for MaxCLL and MaxFALL; ISO/IEC 23008-12 (HEIF), 6.5 and annex A.
"""

import struct
from dataclasses import replace
from io import BytesIO

from relume.image import Image
from relume.io import cicp, exif, icc
from relume.io.formats.isobmff import Container, Item, Property, Reference, build, read_container
from relume.io.formats.mastering import mastering_fields
from relume.io.rendering import BLACK, light_level

_LARGEST_ITEM = 1 << 32
_MOST_NITS = 65_535.0


def completed(encoded: bytes, image: Image, *, matrix: int, peak: float) -> bytes:
    """A file as a library encoded it, with all that is known of its picture.

    Args:
        encoded: the file; its codes are in full range.
        image: what was encoded.
        matrix: to Y'CbCr, by its number in ITU-T H.273.
        peak: of the display that the picture was fit to, in cd/m².
    """
    file = BytesIO(encoded)
    container = read_container(file)
    kept = {
        number: item
        for number, item in container.items.items()
        if item.kind != b"Exif" and item.kind != b"mime"
    }
    references = tuple(row for row in container.references if row.source in kept)
    payloads = {number: container.data(file, number, most=_LARGEST_ITEM) for number in kept}
    container = replace(container, items=kept, references=references)
    container = _with_properties(container, _said_of(image, matrix, peak))
    if block := exif.build(image.metadata):
        number = max(kept) + 1
        payloads[number] = bytes(4) + block  # the offset of its first byte comes before
        item = Item(kind=b"Exif", name=b"Exif")
        container = replace(
            container,
            items={**container.items, number: item},
            references=(*container.references, Reference(b"cdsc", number, (container.primary,))),
        )
    return build(container, payloads)


def _said_of(image: Image, matrix: int, peak: float) -> tuple[Property, ...]:
    """Code points, a profile where they do not suffice, and of HDR the light."""
    points = struct.pack(">3HB", *cicp.points_or_unspecified(image.encoding), matrix, 1 << 7)
    color = Property(b"colr", b"nclx" + points)
    if image.is_hdr:
        level = light_level(image)
        numbers = (round(min(value, _MOST_NITS)) for value in (level.max_cll, level.max_fall))
        mastering = mastering_fields(image.encoding.primaries, peak=peak, black=BLACK, order="GBR")
        return (color, Property(b"clli", struct.pack(">HH", *numbers)), Property(b"mdcv", mastering))
    if cicp.to_points(image.encoding) is None:
        return (color, Property(b"colr", b"prof" + icc.build(image.encoding)))
    return (color,)


def _with_properties(container: Container, added: tuple[Property, ...]) -> Container:
    """The container whose main picture has these properties in place of what it had of colour."""
    main = container.items[container.primary]
    kept = tuple(row for row in main.properties if row.kind != b"colr")
    items = {**container.items, container.primary: replace(main, properties=(*kept, *added))}
    return replace(container, items=items)
