"""Manifests: no scene in two splits, whoever wrote them."""

from collections import Counter
from pathlib import Path

import pytest

from relume.data.manifest import (
    Entry,
    check_splits,
    file_hash,
    read_manifest,
    split_by_scene,
    write_manifest,
)
from relume.errors import ImageError, UnreadableFile


def _entries(count: int, split: str = "train") -> list[Entry]:
    return [Entry(file=f"s{i}_v{v}.exr", scene=f"s{i}", split=split) for i in range(count) for v in range(2)]


def test_round_trip(tmp_path: Path) -> None:
    entries = [Entry(file="a/é.exr", scene="é", split="test", kind="panorama", licence="CC0, really")]
    write_manifest(tmp_path / "m.csv", entries)
    assert read_manifest(tmp_path / "m.csv") == entries


def test_a_scene_in_two_splits_is_refused() -> None:
    with pytest.raises(ImageError, match="scene 's1' stands in test and train"):
        check_splits([*_entries(3), Entry(file="x.exr", scene="s1", split="test")])
    with pytest.raises(ImageError, match="split is 'dev'; expected train, validation, test"):
        check_splits(_entries(1, "dev"))


def test_missing_file_and_column(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is no manifest that can be read"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "m.csv").write_text("file,split\na.exr,train\n")
    with pytest.raises(UnreadableFile, match="has no column 'scene'"):
        read_manifest(tmp_path / "m.csv")


def test_validation_scenes_are_chosen_whole_and_by_name_alone() -> None:
    entries = split_by_scene(_entries(1000), validation=0.1)
    check_splits(entries)
    counts = Counter(entry.split for entry in entries)
    assert counts["validation"] == pytest.approx(200, abs=60)  # three standard deviations
    fewer = split_by_scene(_entries(10), validation=0.1)
    assert fewer == entries[:20]
    assert split_by_scene(_entries(5, "test"), validation=1.0) == _entries(5, "test")


def test_hash(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x").startswith("ba7816bf8f01cfea")  # FIPS 180-2, appendix B.1


def test_the_shared_scenes(shared: Path) -> None:
    entries = read_manifest(shared / "data/hdr/manifest.csv")
    assert Counter(entry.split for entry in entries) == {"train": 108, "test": 119}
    assert Counter(entry.kind for entry in entries if entry.split == "train")["panorama"] == 99
    assert all((shared / "data/hdr" / entry.file).is_file() for entry in entries)
