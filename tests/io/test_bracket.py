"""Brackets: the exposures are right, other programs see by how much they differ, and none comes alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.color.transfer import srgb
from relume.errors import EncodingError, UnsupportedFormat, UnwritableFile
from relume.image import Image, Metadata
from relume.io.bracket import bracket_paths, write_bracket
from relume.io.formats import WriteOptions
from relume.io.read import read

STOPS = (-2.0, 0.0, 1.5)
CAMERA_DIRECTORY, TIME, BIAS, APERTURE, ISO = 0x8769, 0x829A, 0x9204, 0x829D, 0x8827


def _scene() -> Image:
    light = torch.linspace(0.0, 6.0, 16 * 20).view(1, 16, 20) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    return Image(light, LINEAR_SCENE, metadata=Metadata(make="Maker", exposure_time=1 / 250, f_number=2.8))


@pytest.mark.parametrize("white", [None, 203.0])
def test_each_picture_is_the_light_at_its_exposure(tmp_path: Path, white: float | None) -> None:
    scene = _scene()
    scene = scene.assume(scene.encoding.__class__(scene.encoding.primaries, white=white))
    paths = write_bracket(tmp_path / "a.png", scene, STOPS)
    assert [path.name for path in paths] == ["a.ev-2.png", "a.ev+0.png", "a.ev+1.5.png"]
    for path, exposure in zip(paths, STOPS, strict=True):
        expected = srgb.inverse_eotf((scene.pixels * 2.0**exposure).clamp(0.0, 1.0)) * 255
        assert read(path).encoding == SRGB
        torch.testing.assert_close(read(path).pixels * 255, expected.round(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_other_programs_see_the_exposures(tmp_path: Path, suffix: str) -> None:
    for path, exposure in zip(write_bracket(tmp_path / f"a{suffix}", _scene(), STOPS), STOPS, strict=True):
        with Pillow.open(path) as picture:
            camera = picture.getexif().get_ifd(CAMERA_DIRECTORY)
        assert float(camera[TIME]) == pytest.approx(2.0**exposure / 250, rel=1e-5)
        assert float(camera[BIAS]) == exposure
        assert (float(camera[APERTURE]), camera[ISO]) == (pytest.approx(2.8), 100)


def test_opencv_merges_a_bracket_to_the_light_it_came_from(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    scene = _scene()
    paths = write_bracket(tmp_path / "a.png", scene, (-3.0, -2.0, -1.0, 0.0, 1.0))
    pictures = [cv2.imread(str(path))[..., ::-1] for path in paths]
    times = np.array([read(path).metadata.exposure_time for path in paths], dtype=np.float32)
    response = srgb.eotf(torch.linspace(0.0, 1.0, 256)).view(-1, 1, 1).expand(-1, 1, 3).contiguous().numpy()
    merged = torch.from_numpy(cv2.createMergeDebevec().process(pictures, times, response)) / 250
    light = scene.pixels.permute(1, 2, 0)
    # OpenCV gives some weight to what is clipped, so that the brightest light comes out too dark.
    seen = (light > 0.05) & (light < 2.0)
    assert (merged[seen] / light[seen]).log2().abs().max() < 0.2


def test_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ev+0.png").write_bytes(b"precious")
    with pytest.raises(UnwritableFile, match=r"ev\+0.png: exists already"):
        write_bracket(tmp_path / "a.png", _scene(), STOPS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ev+0.png"]
    # Somebody else takes the name in the meantime.
    monkeypatch.setattr("relume.io.bracket.check_bracket", lambda *_, **__: None)
    with pytest.raises(UnwritableFile, match="exists already"):
        write_bracket(tmp_path / "a.png", _scene(), STOPS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ev+0.png"]
    assert (tmp_path / "a.ev+0.png").read_bytes() == b"precious"
    write_bracket(tmp_path / "a.png", _scene(), STOPS, overwrite=True)
    assert sorted(tmp_path.iterdir()) == sorted(bracket_paths(tmp_path / "a.png", STOPS))


def test_what_cannot_be_a_bracket(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="consists of PNG or JPEG"):
        write_bracket(tmp_path / "a.exr", _scene(), STOPS)
    with pytest.raises(UnsupportedFormat, match="a bracket is sRGB"):
        write_bracket(tmp_path / "a.png", _scene(), STOPS, options=WriteOptions(transfer="pq"))
    with pytest.raises(EncodingError, match="expected linear light"):
        write_bracket(tmp_path / "a.png", Image(torch.ones(3, 2, 2), SRGB), STOPS)


def test_light_that_is_none_is_black_or_white(tmp_path: Path) -> None:
    light = torch.tensor([-0.1, torch.nan, torch.inf]).expand(3, 1, 3)
    [path] = write_bracket(tmp_path / "a.png", Image(light, LINEAR_SCENE), (0.0,))
    assert read(path).pixels[0, 0].tolist() == [0.0, 0.0, 1.0]
