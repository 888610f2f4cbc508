"""PFM: exact floats both ways, both byte orders, the bottom row first."""

from pathlib import Path

import numpy as np
import pytest
import torch

from relume.color.encoding import LINEAR_SCENE, Encoding, Reference
from relume.color.primaries import BT709, BT2020
from relume.errors import UnreadableFile, UnsupportedFormat
from relume.image import Image
from relume.io import probe, read, write

# Rows from the top: 1 2 / 3 4 in red, 10 times that in green, 100 times in blue.
PICTURE = np.array([[[1, 10, 100], [2, 20, 200]], [[3, 30, 300], [4, 40, 400]]], np.float32)


def pfm(kind: str, samples: np.ndarray, scale: str) -> bytes:
    height, width = samples.shape[:2]
    order = "<f4" if scale.startswith("-") else ">f4"
    return f"{kind}\n{width} {height}\n{scale}\n".encode() + samples[::-1].astype(order).tobytes()


@pytest.mark.parametrize(("scale", "factor"), [("-1.0", 1.0), ("1", 1.0), ("-2.5", 2.5), ("1e-2", 0.01)])
def test_reads_both_byte_orders_upright_and_scaled(scale: str, factor: float, tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(pfm("PF", PICTURE, scale))
    image = read(path)
    assert image.encoding == LINEAR_SCENE
    np.testing.assert_array_equal(image.numpy(), PICTURE * np.float32(factor))


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(pfm("Pf", PICTURE[:, :, 0], "-1"))
    np.testing.assert_array_equal(read(path).numpy(), np.repeat(PICTURE[:, :, :1], 3, axis=2))
    assert probe(path).channels == "Y"


@pytest.mark.parametrize("separator", ["\n", " ", "\r\n", "\t"])
def test_any_white_space_separates_the_header(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(separator.join(("PF", "2", "2", "-1.0", "")).encode() + PICTURE[::-1].tobytes())
    np.testing.assert_array_equal(read(path).numpy(), PICTURE)


def test_written_bytes_are_the_format(tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    write(path, Image(torch.from_numpy(PICTURE).permute(2, 0, 1), LINEAR_SCENE))
    assert path.read_bytes() == b"PF\n2 2\n-1.0\n" + PICTURE[::-1].astype("<f4").tobytes()


def test_float_round_trip_is_exact(tmp_path: Path, generator: torch.Generator) -> None:
    pixels = torch.randn(3, 700, 601, generator=generator).exp() * 1e4  # more than one strip
    pixels[0, 0, :4] = torch.tensor([torch.nan, torch.inf, -torch.inf, -1e-42])
    path = tmp_path / "a.pfm"
    write(path, Image(pixels, LINEAR_SCENE))
    torch.testing.assert_close(read(path).pixels, pixels, rtol=0, atol=0, equal_nan=True)


def test_other_primaries_are_converted_because_the_file_cannot_name_them(tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    image = Image(torch.rand(3, 4, 5), Encoding(BT2020, "linear", Reference.SCENE, 100.0))
    write(path, image)
    expected = image.to(Encoding(BT709, "linear", Reference.SCENE, 100.0)).pixels
    torch.testing.assert_close(read(path).pixels, expected, rtol=0, atol=0)
    assert read(path).encoding.white is None


def test_probe_tells_byte_order_and_scale(tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(pfm("PF", np.zeros((3, 7, 3), np.float32), "2"))
    info = probe(path)
    assert (info.format, info.width, info.height, info.channels, info.sample) == ("PFM", 7, 3, "RGB", "float")
    assert info.tags == {"byte order": "big-endian", "scale": "2"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PF\n2 2\n-1.0\n" + bytes(47), "60 bytes, it has 59"),
        (b"PF\n2 2\n0\n" + bytes(48), "scale factor '0'"),
        (b"PF\n2 2\n-1e999\n" + bytes(48), "scale factor"),
        (b"PF\n2 2\n1.2.3\n" + bytes(48), "scale factor"),
        (b"PF\n0 2\n-1.0\n" + bytes(48), "0 × 2 pixels"),
        (b"PF\n2\n-1.0\n" + bytes(48), "expected PF or Pf"),
        (b"PF\n-2 2\n-1.0\n" + bytes(48), "expected PF or Pf"),
        (b"PF\n99999 99999\n-1.0\n" + bytes(48), "is cut short: 99999 × 99999"),
        (b"PF\n", "expected PF or Pf"),
    ],
)
def test_damage_is_told(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(content)
    for look in (probe, read):
        with pytest.raises(UnreadableFile, match=message):
            look(path)


def test_four_channels_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(b"PF4\n2 2\n-1.0\n" + bytes(64))
    with pytest.raises(UnsupportedFormat, match="PF4"):
        read(path)


def test_transparency_is_refused_and_opaque_alpha_is_not(tmp_path: Path) -> None:
    pixels = torch.rand(3, 4, 5)
    write(tmp_path / "opaque.pfm", Image(pixels, LINEAR_SCENE, torch.ones(1, 4, 5)))
    with pytest.raises(UnsupportedFormat, match="partly transparent, which PFM cannot hold"):
        write(tmp_path / "glass.pfm", Image(pixels, LINEAR_SCENE, torch.full((1, 4, 5), 0.5)))
    assert [path.name for path in tmp_path.iterdir()] == ["opaque.pfm"]
