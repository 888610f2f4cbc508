from dataclasses import replace
from pathlib import Path

import pytest
import torch

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, SRGB, Encoding
from relume.data.manifest import Entry, split_by_scene, write_manifest
from relume.data.synthetic import synthetic_scene
from relume.errors import MethodError, UnreadableFile
from relume.evaluation.run import Settings, run
from relume.evaluation.simulate import UNPROCESSED, SimulatedView, Simulation, find_views, parse_method
from relume.image import Image
from relume.io.write import write
from relume.method import Direction

EXPAND = Simulation(methods=("banterle2006",), camera="sihdr-clip95", longest_side=64)


def save(path: Path, seed: int, size: tuple[int, int] = (48, 64), encoding: Encoding = LINEAR_SCENE) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    light = synthetic_scene(size=size, generator=torch.Generator().manual_seed(seed))
    write(path, Image(light, encoding))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "a.exr", 1)
    save(tmp_path / "b.exr", 2, size=(96, 128))
    return tmp_path


def only(folder: Path, simulation: Simulation) -> SimulatedView:
    return find_views(folder, simulation)[0][0]


def test_a_folder_without_manifest_gives_all_its_pictures(folder: Path) -> None:
    found, told = find_views(folder, EXPAND)
    assert [view.picture for view in found] == ["a", "b"]
    assert told.startswith("2 pictures of 2 scenes, all HDR pictures in")


def test_a_manifest_gives_its_test_split_and_views_of_panoramas(folder: Path) -> None:
    save(folder / "sky.exr", 3, size=(32, 64))
    entries = [
        Entry(file="a.exr", scene="s", split="test"),
        Entry(file="sky.exr", scene="sky", split="test", kind="panorama"),
        Entry(file="b.exr", scene="t", split="train"),
    ]
    write_manifest(folder / "manifest.csv", entries)
    found, told = find_views(folder, EXPAND, views=3)
    assert [view.picture for view in found] == ["a", "sky view 0", "sky view 1", "sky view 2"]
    assert "split test of" in told
    assert [view.scene for view in find_views(folder, EXPAND, split="train")[0]] == ["t"]
    with pytest.raises(
        UnreadableFile, match="no pictures in the split 'validation', but 2 in test, 1 in train"
    ):
        find_views(folder, EXPAND, split="validation")
    references = [view.load().reference.image.pixels for view in found[1:]]
    assert references[0].shape == (3, 48, 64)
    assert not torch.equal(references[0], references[1])


def test_training_scenes_that_a_pack_keeps_for_validation_can_be_chosen(tmp_path: Path) -> None:
    entries = [Entry(file=f"{name}.exr", scene=f"scene {name}", split="train") for name in range(40)]
    write_manifest(tmp_path / "manifest.csv", entries)
    kept = {entry.scene for entry in split_by_scene(entries, validation=0.1) if entry.split == "validation"}
    assert 0 < len(kept) < 10
    assert {view.scene for view in find_views(tmp_path, EXPAND, split="validation")[0]} == kept


def test_what_cannot_be_chosen_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no split 'train'"):
        find_views(folder, EXPAND, split="train")
    with pytest.raises(UnreadableFile, match="is no folder"):
        find_views(folder / "a.exr", EXPAND)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="holds no HDR picture"):
        find_views(tmp_path / "empty", EXPAND)


def test_the_reference_is_what_the_camera_saw(folder: Path) -> None:
    material = only(folder, EXPAND).load()
    reference = material.reference.image
    assert reference.encoding.white == 203.0
    # sihdr-clip95 clips five pixels in a hundred.
    clipped = (reference.pixels.amax(0) > 1.0).float().mean()
    assert float(clipped) == pytest.approx(0.05, abs=0.001)
    unprocessed = material.predictions[UNPROCESSED]().image
    assert float(unprocessed.pixels.max()) == pytest.approx(1.0)
    assert unprocessed.encoding == reference.encoding
    assert float(material.predictions["banterle2006"]().image.pixels.max()) > 1.2


def test_the_unprocessed_picture_is_always_first(folder: Path) -> None:
    views, _ = find_views(folder, EXPAND)
    outcome = run(views, Settings(metrics=("pu_psnr",), protocols=("none",), workers=1))
    assert [record.method for record in outcome.records] == [UNPROCESSED, "banterle2006"] * 2


def test_a_picture_depends_on_its_name_and_the_seed_only(folder: Path) -> None:
    simulation = replace(EXPAND, camera="relume")
    first = find_views(folder, simulation)[0][1].load().reference.image.pixels
    (folder / "a.exr").unlink()
    assert torch.equal(only(folder, simulation).load().reference.image.pixels, first)
    other = only(folder, replace(simulation, seed=1)).load().reference.image.pixels
    assert not torch.equal(other, first)


def test_large_photographs_are_reduced(folder: Path) -> None:
    view = find_views(folder, EXPAND)[0][1]
    assert view.load().reference.image.pixels.shape == (3, 48, 64)
    assert view.pixels() == 48 * 64


def test_tone_mapping_is_measured_on_eight_bits(folder: Path) -> None:
    material = only(folder, Simulation(methods=("drago2003", "reinhard2002:key=0.3"), longest_side=64)).load()
    assert list(material.predictions) == [UNPROCESSED, "drago2003", "reinhard2002:key=0.3"]
    assert material.reference.image.encoding.white == 203.0
    for make in material.predictions.values():
        image = make().image
        assert image.encoding == SRGB
        codes = 255.0 * image.pixels
        torch.testing.assert_close(codes, codes.round(), atol=1e-4, rtol=0)


def test_absolute_scenes_keep_their_light_for_tone_mapping(tmp_path: Path) -> None:
    path = save(tmp_path / "nits.exr", 1, encoding=LINEAR_NITS)
    material = only(path.parent, Simulation(methods=("drago2003",), longest_side=64)).load()
    assert material.reference.image.encoding.white == 1.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nobody2099", "no method 'nobody2099'"),
        ("drago2003:bias", "expected name:key=value"),
        ("drago2003:size=2", "no parameter 'size'"),
    ],
)
def test_methods_that_cannot_be_parsed_are_told(text: str, problem: str) -> None:
    with pytest.raises(MethodError, match=problem):
        parse_method(text)


def test_methods_go_one_way() -> None:
    assert EXPAND.direction is Direction.EXPAND
    assert parse_method("ReinhardTMO:key=0.25").spec.name == "reinhard2002"
    with pytest.raises(MethodError, match="methods of one direction"):
        _ = Simulation(methods=("drago2003", "akyuz2007")).direction


def test_a_method_that_fails_leaves_the_others(folder: Path) -> None:
    # Weights that do not exist are met when the method is made, which is before any picture.
    views, _ = find_views(folder, replace(EXPAND, methods=("banterle2006", "missing.safetensors")))
    outcome = run(views[:1], Settings(metrics=("pu_psnr",), protocols=("none",), workers=1))
    assert not outcome.records
    assert "missing.safetensors" in outcome.failures[0].message
