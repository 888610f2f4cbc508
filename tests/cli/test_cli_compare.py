"""`relume compare`: the sheet, the table, and what happens to methods that fail."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from relume.cli.compare import Row, table_text
from relume.cli.main import main
from relume.cli.sheet import Tile, contact_sheet, darkened, tile
from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.image import Image
from relume.io import write
from relume.metrics.tmqi import tmqi

Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Run the verb; give exit code, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["compare", *map(str, arguments)])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    codes = np.linspace(0, 255, 24 * 16 * 3).reshape(16, 24, 3).astype(np.uint8)
    Pillow.fromarray(codes).save(path)
    return path


@pytest.fixture
def scene(tmp_path: Path, generator: torch.Generator) -> Path:
    path = tmp_path / "scene.exr"
    light = torch.randn(1, 180, 200, generator=generator).mul(2.0).exp2().expand(3, 180, 200)
    write(path, Image(light.contiguous(), LINEAR_SCENE))
    return path


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _size(path: Path) -> tuple[int, int]:
    with Pillow.open(path) as sheet:
        assert sheet.mode == "RGB"
        return sheet.size


def test_expansions_are_shown_at_three_exposures(photo: Path, tmp_path: Path, compare: Compare) -> None:
    code, out, err = compare(photo, "-o", tmp_path / "out", "--methods", "linear, akyuz2007:peak=406")
    assert (code, err) == (0, "")
    assert out.split() == [str(tmp_path / "out/photo.png"), str(tmp_path / "out/photo.csv")]
    linear, akyuz = _rows(tmp_path / "out/photo.csv")
    assert (linear["method"], akyuz["method"]) == ("linear", "akyuz2007:peak=406")
    assert akyuz["parameters"] == "peak=406.0 gamma=1.0"
    assert float(linear["above_white"]) == 0.0
    assert float(akyuz["peak_luminance"]) == pytest.approx(406.0, rel=1e-4)
    assert 0.2 < float(akyuz["above_white"]) < 0.5
    assert "tmqi" not in linear
    # The input and two methods, three tiles of 24 × 16 each, in two lines of six.
    assert _size(tmp_path / "out/photo.png") == (8 + 6 * (24 + 8), 2 * (16 + 28) + 8)


def test_tone_mappings_are_measured_with_tmqi(scene: Path, tmp_path: Path, compare: Compare) -> None:
    sheet = tmp_path / "sheet.png"
    names = ["reinhard2002", "drago2003"]
    assert (
        compare(scene, "-o", sheet, "--methods", ",".join(names), "--table", "json", "--tile", "50")[0] == 0
    )
    rows = json.loads(sheet.with_suffix(".json").read_text(encoding="utf-8"))
    assert [row["method"] for row in rows] == names
    assert all(0.0 < row["tmqi"] < 1.0 and row["seconds"] >= 0.0 and row["highest"] <= 1.0 for row in rows)
    assert rows[1]["parameters"]["bias"] == 0.85
    assert "peak_luminance" not in rows[0]
    assert _size(sheet) == (8 + 3 * (50 + 8), 45 + 28 + 8)


def test_tmqi_is_that_of_the_result(scene: Path, tmp_path: Path, compare: Compare) -> None:
    from relume.inference.apply import tonemap
    from relume.io import read

    assert compare(scene, "-o", tmp_path, "--methods", "drago2003")[0] == 0
    expected = float(tmqi(tonemap(scene, method="drago2003").pixels, read(scene).pixels).q)
    assert float(_rows(tmp_path / "scene.csv")[0]["tmqi"]) == pytest.approx(expected, rel=1e-4)


def test_a_small_picture_has_no_tmqi(scene: Path, tmp_path: Path, compare: Compare) -> None:
    assert compare(scene, "-o", tmp_path, "--methods", "drago2003", "--longest-side", "40")[0] == 0
    assert "tmqi" not in _rows(tmp_path / "scene.csv")[0]
    assert _size(tmp_path / "scene.png") == (8 + 2 * (40 + 8), 36 + 28 + 8)


def test_a_method_that_fails_is_listed_and_the_others_go_on(
    scene: Path, tmp_path: Path, compare: Compare
) -> None:
    code, _, err = compare(scene, "-o", tmp_path, "--methods", "ward1994,drago2003", "--table", "md")
    assert code == 1
    assert "ward1994" in err
    assert "--reference-white" in err
    table = (tmp_path / "scene.md").read_text(encoding="utf-8")
    assert "| error |" in table
    assert table.count("\n") == 4
    assert _size(tmp_path / "scene.png")[0] == 8 + 2 * (200 + 8)
    extra = ("--reference-white", "203", "--overwrite")
    assert compare(scene, "-o", tmp_path, "--methods", "ward1994,drago2003", *extra)[0] == 0


def test_nothing_is_written_where_all_fail(photo: Path, tmp_path: Path, compare: Compare) -> None:
    code, _, err = compare(photo, "-o", tmp_path / "out", "--methods", "drago2003")
    assert code == 1
    assert "relume expand" in err
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "nonsense"], "there is no method 'nonsense'"),
        (["--methods", "akyuz2007:peak"], "expected name:key=value"),
        (["--methods", ","], "--methods is empty"),
        (["-o", "sheet.jpg"], "the sheet is a PNG"),
        (["-o", "photo.png"], "exists already"),
    ],
)
def test_bad_usage_says_the_fix(
    photo: Path, compare: Compare, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    code, _, err = compare(photo, *arguments)
    assert code == 1
    assert message in err


def test_an_existing_table_stays(photo: Path, tmp_path: Path, compare: Compare) -> None:
    (tmp_path / "x.csv").write_text("mine")
    assert compare(photo, "-o", tmp_path / "x.png", "--methods", "linear")[0] == 1
    assert (tmp_path / "x.csv").read_text() == "mine"
    assert not (tmp_path / "x.png").exists()


def test_tables_escape_what_divides_their_cells() -> None:
    row = Row(method="a", error="one | two, three")
    assert table_text([row], "md").splitlines()[-1] == "| a | one \\| two, three |"
    assert table_text([row], "csv") == 'method,error\na,"one | two, three"\n'


def test_darkened_halves_light_with_each_stop() -> None:
    image = Image(torch.full((3, 1, 1), 4.0), replace(LINEAR_SCENE, white=203.0))
    values = [darkened(image, stops).to(SRGB.linear).pixels.mean().item() for stops in (0, -2, -3)]
    assert values == pytest.approx([1.0, 1.0, 0.5], rel=1e-5)


def test_tiles_are_reduced_but_never_enlarged() -> None:
    image = Image(torch.rand(3, 30, 60), SRGB)
    assert tile("x", image, width=20).codes.shape == (10, 20, 3)
    assert tile("x", image, width=100).codes.shape == (30, 60, 3)


def test_captions_stay_above_their_own_tile() -> None:
    black = Tile(caption="", codes=np.zeros((4, 40, 3), np.uint8))
    first = Tile(caption="W" * 50, codes=black.codes)
    sheet = contact_sheet([first, black], columns=2).numpy()
    assert sheet[:28, 8:48].max() > 0.5  # the caption
    assert sheet[:28, 48:].max() < 0.1  # nothing of it above the next
