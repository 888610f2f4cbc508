"""Which file goes where, and what becomes of a batch in which some fail."""

from pathlib import Path

import pytest

from relume.batch.jobs import Job, plan, run_jobs, sentence
from relume.errors import ImageError, UnreadableFile, UnwritableFile


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.png", "notes.txt", "deep/c.jpg", "deep/er/d.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "photos"


def _plan(*inputs: Path | str, out: Path | None, recursive: bool = False) -> list[tuple[str, str]]:
    jobs = plan(
        [str(text) for text in inputs],
        out,
        suffix=".exr",
        accept=lambda path: path.suffix != ".txt",
        recursive=recursive,
    )
    return [(job.source.name, job.target.as_posix()) for job in jobs]


def test_without_output_beside_the_input(photos: Path) -> None:
    assert _plan(photos / "a.jpg", out=None) == [("a.jpg", f"{photos}/a.exr")]


def test_one_file_to_a_named_file(photos: Path) -> None:
    assert _plan(photos / "a.jpg", out=Path("x/y.hdr")) == [("a.jpg", "x/y.hdr")]


def test_one_file_into_a_folder(photos: Path, tmp_path: Path) -> None:
    assert _plan(photos / "a.jpg", out=Path("new")) == [("a.jpg", "new/a.exr")]
    dotted = tmp_path / "v1.0"
    dotted.mkdir()
    assert _plan(photos / "a.jpg", out=dotted) == [("a.jpg", f"{dotted}/a.exr")]


def test_folder_into_folder(photos: Path) -> None:
    assert _plan(photos, out=Path("o")) == [("a.jpg", "o/a.exr"), ("b.png", "o/b.exr")]


def test_folder_with_subfolders_keeps_its_shape(photos: Path) -> None:
    targets = [target for _, target in _plan(photos, out=Path("o"), recursive=True)]
    assert targets == ["o/a.exr", "o/b.exr", "o/deep/c.exr", "o/deep/er/d.exr"]


def test_pattern(photos: Path) -> None:
    assert _plan(f"{photos}/**/*.jpg", out=Path("o")) == [
        ("a.jpg", "o/a.exr"),
        ("c.jpg", "o/c.exr"),
        ("d.jpg", "o/d.exr"),
    ]


def test_results_inside_the_input_folder_are_not_inputs(photos: Path) -> None:
    inside = photos / "hdr"
    inside.mkdir()
    (inside / "a.exr").write_bytes(b"")
    names = [source for source, _ in _plan(photos, out=inside, recursive=True)]
    assert names == ["a.jpg", "b.png", "c.jpg", "d.jpg"]


def test_a_folder_with_one_picture_still_makes_a_folder(photos: Path) -> None:
    assert _plan(photos / "deep", out=Path("o.exr")) == [("c.jpg", "o.exr/c.exr")]


def test_missing_input(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none\.jpg: does not exist"):
        _plan(tmp_path / "none.jpg", out=None)


def test_folder_without_pictures(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(UnreadableFile, match="holds no pictures for this command; --recursive looks"):
        _plan(tmp_path / "empty", out=None)


def test_two_inputs_for_one_output(photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")
    with pytest.raises(UnwritableFile, match=r"a\.exr: .*a\.jpg, .*a\.png would all be written here"):
        _plan(photos / "a.jpg", photos / "a.png", out=Path("o"))


def test_an_input_is_never_an_output(photos: Path) -> None:
    with pytest.raises(UnwritableFile, match="is an input, which relume never overwrites"):
        _plan(photos / "a.jpg", out=photos / "deep" / ".." / "a.jpg")


def test_a_file_where_a_folder_is_needed(photos: Path) -> None:
    with pytest.raises(UnwritableFile, match="is a file, but 2 pictures need a folder"):
        _plan(photos / "a.jpg", photos / "b.png", out=photos / "notes.txt")


def test_the_others_go_through() -> None:
    jobs = [Job(Path(name), Path(name + ".exr")) for name in ("a", "b", "c", "d")]
    told: list[str] = []

    def work(job: Job) -> None:
        if job.source.name == "b":
            raise ImageError("two dimensions.")
        if job.source.name == "c":
            raise MemoryError

    ledger = run_jobs(jobs, work, report=told.append)
    assert [job.source.name for job in ledger.done] == ["a", "d"]
    assert told == [message for _, message in ledger.failed]
    assert told == [
        "b: two dimensions.",
        "c: there is not enough memory; make the picture smaller or close other programs.",
    ]


def test_a_programming_error_is_not_swallowed() -> None:
    def work(job: Job) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_jobs([Job(Path("a"), Path("b"))], work, report=print)


def test_sentences_begin_with_the_file_once() -> None:
    path = Path("x.exr")
    assert sentence(UnreadableFile(path, "is truncated."), path) == "x.exr: is truncated."
    assert sentence(ImageError("x.exr: NaN."), path) == "x.exr: NaN."
    assert sentence(ImageError("NaN."), path) == "x.exr: NaN."
