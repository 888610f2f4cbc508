import json
import math
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import torch

from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, Encoding
from relume.errors import MethodError, UnreadableFile
from relume.evaluation import run as module
from relume.evaluation.cases import match_files
from relume.evaluation.run import Settings, run, worker_count
from relume.image import Image
from relume.io.write import write
from relume.metrics import Viewing


def save(path: Path, generator: torch.Generator, *, size: int = 12, encoding: Encoding = LINEAR_NITS) -> Path:
    path.parent.mkdir(exist_ok=True)
    write(path, Image(300.0 * torch.rand(3, size, size, generator=generator), encoding))
    return path


@pytest.fixture
def folders(tmp_path: Path, generator: torch.Generator) -> tuple[Path, Path]:
    for name in ("one", "two", "three"):
        save(tmp_path / "predictions" / f"{name}.exr", generator)
        save(tmp_path / "references" / f"{name}.exr", generator)
    return tmp_path / "predictions", tmp_path / "references"


def test_folders_are_matched_by_name_whatever_the_suffix(
    folders: tuple[Path, Path], generator: torch.Generator
) -> None:
    predictions, references = folders
    save(predictions / "four.pfm", generator)
    save(references / "four.exr", generator)
    save(predictions / "alone.exr", generator)
    save(references / "lonely.exr", generator)
    (references / "notes.txt").write_text("no picture")
    pairs, odd = match_files(predictions, references)
    assert [pair.picture for pair in pairs] == ["four", "one", "three", "two"]
    assert pairs[0].prediction.name == "four.pfm"
    assert odd == [predictions / "alone.exr", references / "lonely.exr"]


def test_paths_that_cannot_be_matched_are_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    predictions, references = folders
    with pytest.raises(UnreadableFile, match="does not exist"):
        match_files(predictions, tmp_path / "nothing")
    with pytest.raises(UnreadableFile, match="expected two files or two folders"):
        match_files(predictions, references / "one.exr")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="holds no picture that"):
        match_files(predictions, tmp_path / "empty")


def test_every_picture_metric_and_protocol_gives_a_record(folders: tuple[Path, Path]) -> None:
    cases, _ = match_files(*folders)
    seen: list[tuple[int, str]] = []
    settings = Settings(metrics=("pu_psnr", "pu_psnr_y"), protocols=("none", "gain"), workers=1)
    outcome = run(cases, settings, progress=lambda done, name: seen.append((done, name)))
    assert not outcome.failures
    assert [(r.picture, r.metric, r.protocol) for r in outcome.records] == [
        (picture, metric, protocol)
        for picture in ("one", "three", "two")
        for metric in settings.metrics
        for protocol in settings.protocols
    ]
    assert seen == [(1, "one"), (2, "three"), (3, "two")]
    assert all("alignment: " in record.described for record in outcome.records)


def test_processes_give_what_one_process_gives(folders: tuple[Path, Path]) -> None:
    cases, _ = match_files(*folders)
    settings = [Settings(metrics=("pu_psnr",), protocols=("none",), workers=count) for count in (1, 2)]
    assert run(cases, settings[0]) == run(cases, settings[1])


def test_a_bad_pair_is_told_and_the_others_go_on(
    folders: tuple[Path, Path], generator: torch.Generator
) -> None:
    predictions, references = folders
    (references / "one.exr").unlink()
    save(references / "one.exr", generator, size=9)
    (predictions / "two.exr").write_bytes(b"no picture")
    cases, _ = match_files(predictions, references)
    outcome = run(cases, Settings(metrics=("pu_psnr",), workers=1))
    assert {record.picture for record in outcome.records} == {"three"}
    messages = [failure.message for failure in outcome.failures]
    assert len(messages) == 2, "one sentence each, though three protocols meet the same obstacle"
    assert "12 × 12" in messages[0]
    assert "two.exr" in messages[1]


def test_protocols_that_set_the_scale_go_on_with_relative_light(
    tmp_path: Path, generator: torch.Generator
) -> None:
    prediction = save(tmp_path / "a.exr", generator, encoding=LINEAR_SCENE)
    reference = save(tmp_path / "b.exr", generator)
    cases, _ = match_files(prediction, reference)
    outcome = run(cases, Settings(metrics=("pu_psnr",), protocols=("none", "gain"), workers=1))
    assert [record.protocol for record in outcome.records] == ["gain"]
    assert len(outcome.failures) == 1


def test_numbers_are_taken_from_the_cache_by_content(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, generator: torch.Generator
) -> None:
    cache = tmp_path / "cache"
    settings = Settings(metrics=("pu_psnr",), protocols=("none",), workers=1, cache=cache)
    cases, _ = match_files(*folders)
    first = run(cases, settings)
    computed: list[str] = []
    real = module.score

    def counting(prediction, *arguments, **options):
        computed.append(prediction.name)
        return real(prediction, *arguments, **options)

    monkeypatch.setattr(module, "score", counting)
    assert run(cases, settings) == first
    assert computed == []
    save(folders[0] / "three.exr.exr", generator).replace(folders[0] / "three.exr")
    run(cases, settings)
    assert [Path(name).stem for name in computed] == ["three"]
    run(cases, Settings(**{**vars(settings), "viewing": Viewing(peak=500.0)}))
    assert len(computed) == 4


def test_a_damaged_number_is_computed_anew(folders: tuple[Path, Path], tmp_path: Path) -> None:
    settings = Settings(metrics=("pu_psnr",), protocols=("none",), workers=1, cache=tmp_path / "cache")
    cases, _ = match_files(*folders)
    first = run(cases, settings)
    files = sorted((tmp_path / "cache").rglob("*.json"))
    assert len(files) == 3
    files[0].write_text("{")
    assert run(cases, settings) == first
    assert set(json.loads(files[0].read_text())) == {"metric", "protocol", "value", "described"}


def test_equal_pictures_survive_the_cache(folders: tuple[Path, Path], tmp_path: Path) -> None:
    cases, _ = match_files(folders[0], folders[0])
    settings = Settings(metrics=("pu_psnr",), protocols=("none",), workers=1, cache=tmp_path / "cache")
    for _ in range(2):
        assert all(record.value == math.inf for record in run(cases, settings).records)


def test_memory_bounds_the_processes(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    cases, _ = match_files(*folders)

    class Memory:
        available = 1200 << 20

    monkeypatch.setattr(module.psutil, "virtual_memory", Memory)
    assert worker_count(cases, 8) == 2
    monkeypatch.setattr(Memory, "available", 100 << 20)
    with pytest.raises(MemoryError, match=r"needs about 0\.5 GiB of memory and 0\.1 GiB are free"):
        worker_count(cases, 8)


def test_a_killed_process_is_told(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: object) -> None:
        raise BrokenProcessPool("a process in the pool was terminated abruptly")

    monkeypatch.setattr(module, "_outcomes", dying)
    with pytest.raises(MemoryError, match=r"a process was killed.*fewer --workers"):
        run(match_files(*folders)[0], Settings())


def test_unknown_metrics_and_protocols_are_refused_before_any_work() -> None:
    with pytest.raises(MethodError, match="no metric 'psnr'"):
        Settings(metrics=("psnr",))
    with pytest.raises(MethodError, match="no protocol 'fair'"):
        Settings(protocols=("fair",))
