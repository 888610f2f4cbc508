"""Whatever happens to a file of an SDR format, reading gives a picture or an error for people."""

import io
from collections import Counter
from datetime import datetime
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from test_icc import table_profile

from relume.color.encoding import DISPLAY_P3_ENCODED
from relume.errors import RelumeError
from relume.image import Metadata
from relume.io import exif, icc
from relume.io.formats import FORMATS
from relume.io.read import read

MUTATIONS = 150
# The head of a file is where the sizes and the offsets are.
HEAD = 600
NASTY = (0, 1, 127, 128, 255)

COLORS = np.stack([*np.mgrid[:24, :30] * 7, np.zeros((24, 30))], axis=-1).astype(np.uint8)
PICTURE = Pillow.fromarray(COLORS)
PROFILE = icc.build(DISPLAY_P3_ENCODED)
EXIF = exif.build(Metadata(date=datetime(2024, 1, 1), make="Canon", exposure_time=0.004, iso=100))


def pillow(picture: Pillow.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def tiff(samples: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


WHOLE = {
    "jpeg": pillow(PICTURE, "JPEG", icc_profile=PROFILE, exif=exif.PREFIX + EXIF),
    "jpeg, progressive": pillow(PICTURE, "JPEG", progressive=True),
    "jpeg, CMYK": pillow(PICTURE.convert("CMYK"), "JPEG", icc_profile=table_profile(b"CMYK", 4)),
    "png": pillow(PICTURE, "PNG", icc_profile=PROFILE, exif=EXIF),
    "png, palette": pillow(PICTURE.quantize(8), "PNG", transparency=1),
    "png, 16 bits": imagecodecs.png_encode(COLORS.astype(np.uint16) * 257),
    "tiff": tiff(COLORS, compression="zlib", predictor=True, iccprofile=PROFILE),
    "tiff, floats": tiff(COLORS.astype(np.float32)),
    "tiff, tiles of BigTIFF": tiff(COLORS, tile=(16, 16), compression="lzw", bigtiff=True),
    "tiff, palette": pillow(PICTURE.quantize(8), "TIFF"),
    "tiff, fax": pillow(PICTURE.convert("1"), "TIFF", compression="group4"),
    "webp": pillow(PICTURE, "WEBP", icc_profile=PROFILE, exif=EXIF),
    "webp, lossless": pillow(PICTURE.convert("RGBA"), "WEBP", lossless=True),
    "bmp": pillow(PICTURE, "BMP"),
    "bmp, palette": pillow(PICTURE.quantize(8), "BMP"),
}


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """The file cut short, with a few bytes changed, or with some put in between."""
    kind = random.random()
    if kind < 0.15:
        return data[: random.integers(1, len(data))]
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        place = random.integers(len(data) if random.random() < 0.5 else min(len(data), HEAD))
        flipped = changed[place] ^ (1 << int(random.integers(8)))
        changed[place] = random.choice([*NASTY, flipped])
    if kind > 0.9:
        place = random.integers(len(data))
        changed[place:place] = random.bytes(random.integers(1, 20))
    return bytes(changed)


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_give_a_picture_or_our_error(tmp_path: Path, name: str):
    random = np.random.default_rng(sum(name.encode()))
    path = tmp_path / "in.bin"
    path.write_bytes(WHOLE[name])
    assert read(path).width == 30
    outcomes: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(WHOLE[name], random))
        try:
            image = read(path)
        except RelumeError as error:
            # A type that is not what a function says would be our fault, and look like damage.
            outcomes["type error" if "Type-check" in str(error) else "refused"] += 1
        else:
            assert image.pixels.shape[0] == 3
            outcomes["read"] += 1
    assert outcomes.keys() == {"refused", "read"}


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_nothing_but_a_signature_is_refused(tmp_path: Path, row: object):
    for signature in row.signatures:
        for rest in (b"", bytes(100), b"\xff" * 100):
            (tmp_path / "in.bin").write_bytes(signature + rest)
            with pytest.raises(RelumeError):
                read(tmp_path / "in.bin")
