"""`relume pack` as a person uses it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from relume.cli.main import main
from relume.color.encoding import LINEAR_SCENE, SRGB
from relume.data.manifest import Entry, write_manifest
from relume.data.pack import read_pack
from relume.image import Image
from relume.io.write import write

Relume = Callable[..., tuple[int, str]]


@pytest.fixture
def relume(capsys: pytest.CaptureFixture[str]) -> Relume:
    """Run the command; give exit code and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        return int(stop.value.code or 0), capsys.readouterr().err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve photographs and a panorama."""
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(12):
        write(folder / f"{index}.hdr", Image(torch.full((3, 12, 8), 2.0**index), LINEAR_SCENE))
    write(folder / "round.exr", Image(torch.ones(3, 8, 16), LINEAR_SCENE))
    return folder


def test_a_folder_of_light_becomes_a_pack(folder: Path, tmp_path: Path, relume: Relume) -> None:
    out = tmp_path / "x.pack"
    assert relume("pack", folder, "-o", out, "--validation", "0.3", "--longest-side", "6") == (0, "")
    pack = read_pack(out)
    assert len(pack.entries) == 13
    assert {entry.split for entry in pack.entries} == {"train", "validation"}
    assert {entry.scene: entry.kind for entry in pack.entries}["round"] == "panorama"
    light = {entry.file: picture for entry, picture in zip(pack.entries, pack.pictures, strict=True)}
    assert light["3.hdr"].shape == (3, 6, 4)
    assert float(light["3.hdr"].float().mean()) == pytest.approx(8.0, rel=0.05)


def test_test_scenes_stay_out_unless_asked_for(folder: Path, tmp_path: Path, relume: Relume) -> None:
    splits = ("train", "validation", "test")
    entries = [Entry(file=f"{i}.hdr", scene=f"scene {i}", split=splits[i], licence="CC0") for i in range(3)]
    write_manifest(folder / "manifest.csv", entries)
    assert relume("pack", folder, "-o", tmp_path / "a.pack", "--validation", "0.9")[0] == 0
    # The manifest has a validation split, so no other is made.
    assert [(entry.file, entry.split) for entry in read_pack(tmp_path / "a.pack").entries] == [
        ("0.hdr", "train"),
        ("1.hdr", "validation"),
    ]
    assert relume("pack", folder, "-o", tmp_path / "b.pack", "--split", "test")[0] == 0
    assert [entry.file for entry in read_pack(tmp_path / "b.pack").entries] == ["2.hdr"]
    write_manifest(folder / "manifest.csv", entries[2:])
    code, error = relume("pack", folder, "-o", tmp_path / "c.pack")
    assert code == 1
    assert "all 1 pictures are for other uses; ask with --split test" in error


def test_a_published_layout_by_name(tmp_path: Path, relume: Relume) -> None:
    for name in ("HDR", "LDR_exposure_0"):
        (tmp_path / name).mkdir()
    write(tmp_path / "HDR/HDR_001.hdr", Image(torch.ones(3, 8, 8), LINEAR_SCENE))
    code, error = relume("pack", tmp_path, "-o", tmp_path / "x.pack", "--dataset", "ldr-hdr-pair")
    assert code == 1
    assert "expected HDR/HDR_001.hdr and LDR_exposure_0" in error
    write(tmp_path / "LDR_exposure_0/LDR_001.jpg", Image(torch.ones(3, 8, 8), SRGB))
    options = ("--dataset", "ldr-hdr-pair", "--validation", "0")
    assert relume("pack", tmp_path, "-o", tmp_path / "x.pack", *options) == (0, "")
    [entry] = read_pack(tmp_path / "x.pack").entries
    assert (entry.file, entry.split, entry.source) == ("HDR/HDR_001.hdr", "train", "LDR-HDR-pair")


def test_what_exists_stays_unless_told(folder: Path, tmp_path: Path, relume: Relume) -> None:
    out = tmp_path / "x.pack"
    out.write_bytes(b"precious")
    code, error = relume("pack", folder, "-o", out)
    assert code == 1
    assert "exists already" in error
    assert out.read_bytes() == b"precious"
    assert relume("pack", folder, "-o", out, "--overwrite")[0] == 0
    assert len(read_pack(out).entries) == 13


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--validation", "1"), "--validation 1: expected a share"),
        (("--longest-side", "0"), "--longest-side 0: expected pixels"),
        (("--distance", "-1"), "--distance -1: expected 0 (lossless)"),
        (("--dataset", "nonsense"), "unknown data set 'nonsense'; expected one of hdr-real"),
        (("--dataset", "hdrtv1k"), "holds no scene light to pack"),
        (("--dataset", "sdr-folder"), "holds no scene light to pack"),
    ],
)
def test_bad_options_are_told_before_the_work(
    arguments: tuple[str, ...], sentence: str, folder: Path, tmp_path: Path, relume: Relume
) -> None:
    code, error = relume("pack", folder, "-o", tmp_path / "x.pack", *arguments)
    assert code == 1
    assert sentence in error
    assert not (tmp_path / "x.pack").exists()


def test_bad_folders_are_told(folder: Path, tmp_path: Path, relume: Relume) -> None:
    assert "is no folder" in relume("pack", tmp_path / "none", "-o", tmp_path / "x.pack")[1]
    assert "its folder does not exist" in relume("pack", folder, "-o", tmp_path / "none" / "x.pack")[1]
    assert "is a folder" in relume("pack", folder, "-o", tmp_path)[1]
    (tmp_path / "empty").mkdir()
    assert "expected HDR pictures" in relume("pack", tmp_path / "empty", "-o", tmp_path / "x.pack")[1]
    (folder / "5.hdr").write_bytes((folder / "5.hdr").read_bytes()[:30])
    code, error = relume("pack", folder, "-o", tmp_path / "x.pack")
    assert code == 1
    assert "5.hdr" in error
    assert not (tmp_path / "x.pack").exists()
