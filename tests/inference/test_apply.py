"""`relume.expand` and `relume.tonemap` take whatever a caller has."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import relume
from relume.color.encoding import LINEAR_SCENE, PQ_BT2020, SRGB
from relume.color.transfer import srgb


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def _light(codes: np.ndarray) -> torch.Tensor:
    return srgb.eotf(torch.from_numpy(codes).permute(2, 0, 1).float() / 255)


def test_every_kind_of_source_means_the_same(codes: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Pillow.fromarray(codes).save(path)
    floats = codes.astype(np.float32) / 255
    sources = [
        path,
        str(path),
        codes,
        codes.astype(np.uint16) * 257,
        floats,
        torch.from_numpy(codes).permute(2, 0, 1),
        torch.from_numpy(floats).permute(2, 0, 1),
        Pillow.fromarray(codes),
        relume.Image(torch.from_numpy(floats).permute(2, 0, 1), SRGB),
    ]
    for source in sources:
        result = relume.expand(source, method="linear")
        torch.testing.assert_close(result.pixels, _light(codes), rtol=1e-5, atol=1e-6)
        assert result.encoding.white == 203.0


def test_grey_and_alpha(codes: np.ndarray) -> None:
    grey = relume.expand(codes[..., 0], method="linear")
    torch.testing.assert_close(grey.pixels, _light(codes[..., :1]).expand(3, -1, -1))
    rgba = np.concatenate([codes, codes[..., :1]], axis=-1)
    result = relume.expand(rgba, method="linear")
    assert result.alpha is not None
    torch.testing.assert_close(result.alpha[0], torch.from_numpy(codes[..., 0]).float() / 255)


def test_pillow_with_palette_transparency_and_orientation(codes: np.ndarray, tmp_path: Path) -> None:
    image = Pillow.fromarray(codes).convert("P", palette=Pillow.Palette.ADAPTIVE)
    expected = _light(np.array(image.convert("RGB")))
    torch.testing.assert_close(relume.expand(image, method="linear").pixels, expected, rtol=1e-5, atol=1e-6)


def test_arrays_for_tonemap_are_linear_light() -> None:
    scene = np.random.default_rng(1).random((8, 9, 3), dtype=np.float32) * 50
    result = relume.tonemap(scene, method="drago2003")
    assert result.encoding == SRGB
    assert 0 <= float(result.pixels.min()) <= float(result.pixels.max()) <= 1
    same = relume.tonemap(
        relume.Image(torch.from_numpy(scene).permute(2, 0, 1), LINEAR_SCENE), method="drago2003"
    )
    assert torch.equal(result.pixels, same.pixels)


def test_encoding_overrides_what_a_source_says() -> None:
    signal = np.full((4, 4, 3), 0.58, np.float32)
    result = relume.tonemap(signal, encoding=PQ_BT2020, method="drago2003")
    assert result.encoding == SRGB


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((4,), np.uint8), "shape"),
        (np.zeros((4, 4, 3), np.int64), "int64; expected uint8, uint16 or floating"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        (torch.zeros(3, 4, 4, dtype=torch.int32), "int32"),
        (torch.zeros(7, 4, 4), "shape"),
    ],
)
def test_what_is_no_picture(source: object, message: str) -> None:
    with pytest.raises(relume.ImageError, match=message):
        relume.expand(source)  # type: ignore[arg-type]


def test_methods_lists_specs_by_direction() -> None:
    assert {spec.direction for spec in relume.methods("expand")} == {"expand"}
    assert len(relume.methods()) == len(relume.methods("expand")) + len(relume.methods("tonemap"))
