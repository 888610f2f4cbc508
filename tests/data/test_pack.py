"""Packs keep the light, and the file says whose it is."""

from pathlib import Path

import pytest
import torch

from relume.color.encoding import LINEAR_SCENE
from relume.data.manifest import Entry, file_hash, read_manifest
from relume.data.pack import read_pack, write_pack
from relume.data.synthetic import synthetic_scene
from relume.errors import ImageError, UnreadableFile, UnwritableFile
from relume.image import Image
from relume.io.write import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(3):
        write(tmp_path / f"{index}.exr", Image(_scene(index), LINEAR_SCENE))
    return tmp_path


def _scene(index: int) -> torch.Tensor:
    """Pictures of a pack need not have one size."""
    size = (48, 96 + 8 * index)
    return synthetic_scene(size=size, generator=torch.Generator().manual_seed(index), kind="night")


@pytest.fixture
def entries() -> list[Entry]:
    kinds = ("panorama", "photograph", "photograph")
    splits = ("train", "train", "validation")
    return [
        Entry(file=f"{i}.exr", scene=f"scene {i}", split=splits[i], kind=kinds[i], licence="CC0")
        for i in range(3)
    ]


def _stops(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return one.float().clamp(min=2.0**-14).log2() - other.float().clamp(min=2.0**-14).log2()


def test_light_and_manifest_survive(folder: Path, entries: list[Entry]) -> None:
    write_pack(folder / "x.pack", folder, entries)
    pack = read_pack(folder / "x.pack")
    assert [entry.scene for entry in pack.entries] == ["scene 0", "scene 1", "scene 2"]
    assert pack.entries[0].sha256 == file_hash(folder / "0.exr")
    for index, picture in enumerate(pack.pictures):
        scene = _scene(index)
        assert float(_stops(picture, scene).square().mean().sqrt()) < 0.1
        assert float(picture.max()) == pytest.approx(float(scene.max()), rel=0.1)


def test_less_distance_is_nearer(folder: Path, entries: list[Entry]) -> None:
    errors = []
    for name, distance in (("a.pack", 0.01), ("b.pack", 1.0)):
        write_pack(folder / name, folder, entries[:1], distance=distance)
        errors.append(float(_stops(read_pack(folder / name).pictures[0], _scene(0)).square().mean()))
    assert errors[0] < errors[1] / 4
    assert (folder / "a.pack").stat().st_size > (folder / "b.pack").stat().st_size


def test_splits_become_supplies(folder: Path, entries: list[Entry]) -> None:
    write_pack(folder / "x.pack", folder, entries, longest_side=48)
    pack = read_pack(folder / "x.pack")
    assert pack.pictures[0].shape == (3, 24, 48)
    for split in ("train", "validation"):
        drawn = pack.scenes(split).draw(size=(16, 16), generator=torch.Generator().manual_seed(1))
        assert drawn.shape == (3, 16, 16)
    with pytest.raises(ImageError, match="no scenes in the split 'test'"):
        pack.scenes("test")


def test_what_is_refused(folder: Path, entries: list[Entry]) -> None:
    with pytest.raises(ImageError, match="stands in train and validation"):
        write_pack(
            folder / "x.pack", folder, [entries[0], Entry(file="1.exr", scene="scene 0", split="validation")]
        )
    write_pack(folder / "x.pack", folder, entries[:1])
    with pytest.raises(UnwritableFile):
        write_pack(folder / "x.pack", folder, entries[:1])
    for name in ("none.pack", "0.exr"):
        with pytest.raises(UnreadableFile, match="is no pack of scenes"):
            read_pack(folder / name)
    with pytest.raises(UnreadableFile, match=r"is a folder.*relume pack .* -o scenes\.pack"):
        read_pack(folder)
    (folder / "cut.pack").write_bytes((folder / "x.pack").read_bytes()[:-50])
    with pytest.raises(UnreadableFile, match="is no pack of scenes"):
        read_pack(folder / "cut.pack")


def test_the_shared_scenes_fit_fifty_mebibytes(shared: Path, tmp_path: Path) -> None:
    """A sample of nine: all 108 took 39.8 MiB."""
    entries = [e for e in read_manifest(shared / "data/hdr/manifest.csv") if e.split == "train"]
    write_pack(tmp_path / "x.pack", shared / "data/hdr", entries[::12])
    assert (tmp_path / "x.pack").stat().st_size / 9 * 108 < 50 << 20
