"""What all formats share: finding the format, refusing with reasons, files that are whole or not there."""

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import relume.io.formats
from relume.color.encoding import (
    DISPLAY_P3_ENCODED,
    LINEAR_DISPLAY,
    LINEAR_NITS,
    LINEAR_SCENE,
    SRGB,
    Encoding,
    Reference,
)
from relume.color.primaries import BT2020
from relume.color.transfer import srgb
from relume.errors import (
    EncodingError,
    MemoryLimitError,
    UnreadableFile,
    UnsupportedFormat,
    UnwritableFile,
)
from relume.image import Image
from relume.io import FORMATS, FileInfo, WriteOptions, check_writable, probe, read, write
from relume.io.atomic import replacing
from relume.io.formats import Format

PICTURE = Image(torch.linspace(0, 1, 3 * 4 * 9).reshape(3, 4, 9), LINEAR_SCENE)


def constant(value: float, encoding: Encoding) -> Image:
    return Image(torch.full((3, 2, 2), value), encoding)


class Recorder:
    """A format for SDR with one depth, that keeps what it is given and fails on demand."""

    def __init__(self, *, failure: Exception | None = None) -> None:
        self.failure = failure
        self.given: list[tuple[Image, WriteOptions]] = []

    def write(self, path: Path, image: Image, options: WriteOptions) -> None:
        self.given.append((image, options))
        path.write_bytes(b"begun")
        if self.failure is not None:
            raise self.failure
        path.write_bytes(b"DONE")

    def row(self) -> Format:
        return Format(
            name="Recording",
            suffixes=(".rec",),
            signatures=(b"DONE",),
            depths=(8, 16),
            probe=lambda path: FileInfo(
                path=path,
                format="Recording",
                width=2,
                height=2,
                channels="RGB",
                sample="8 bit",
                encoding=SRGB,
            ),
            read=self.read,
            write=self.write,
        )

    def read(self, path: Path) -> Image:
        if self.failure is not None:
            raise self.failure
        return PICTURE


def install(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> Recorder:
    monkeypatch.setattr(relume.io.formats, "FORMATS", (*FORMATS, recorder.row()))
    return recorder


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return install(monkeypatch, Recorder())


# --- finding the format ---


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_rows_are_told_apart(row: Format) -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in row.suffixes)
    assert set(row.hdr_depths) <= set(row.depths)
    others = [other for other in FORMATS if other is not row]
    assert not {suffix for other in others for suffix in other.suffixes} & set(row.suffixes)
    assert not any(
        mine.startswith(theirs) for o in others for theirs in o.signatures for mine in row.signatures
    )


@pytest.mark.parametrize("name", ["picture.EXR", "picture.Hdr", "picture.pfm"])
def test_the_suffix_decides_on_writing_in_any_case(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, PICTURE)
    assert (
        probe(tmp_path / name).format
        == {"exr": "OpenEXR", "hdr": "Radiance", "pfm": "PFM"}[name[-3:].lower()]
    )


@pytest.mark.parametrize("name", ["picture.hdr", "picture.jpg", "picture", "picture.unknown"])
def test_the_content_decides_on_reading(name: str, tmp_path: Path) -> None:
    write(tmp_path / "a.exr", PICTURE)
    (tmp_path / "a.exr").rename(tmp_path / name)
    assert probe(tmp_path / name).format == "OpenEXR"
    assert read(tmp_path / name).pixels.shape == (3, 4, 9)


def test_paths_may_be_strings(tmp_path: Path) -> None:
    write(str(tmp_path / "a.exr"), PICTURE)
    assert read(str(tmp_path / "a.exr")).width == probe(str(tmp_path / "a.exr")).width == 9


# --- reading what cannot be read ---


def empty(folder: Path) -> Path:
    (folder / "a.exr").touch()
    return folder / "a.exr"


def text(folder: Path) -> Path:
    (folder / "a.exr").write_text("no picture")
    return folder / "a.exr"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.exr")
    return folder / "a.exr"


def circle(folder: Path) -> Path:
    (folder / "a.exr").symlink_to(folder / "a.exr")
    return folder / "a.exr"


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda folder: folder / "a.exr", "no such file; check the name and the folder."),
        (lambda folder: text(folder) / "b.exr", "no such file; a part of its path is not a folder."),
        (lambda folder: folder, "is a folder; expected a picture file."),
        (empty, "is empty (0 bytes)."),
        (pipe, "is a device or pipe; expected a picture file."),
        (circle, "is a link that leads in a circle."),
        (text, "begins like neither OpenEXR nor another known format; it is damaged or no picture."),
    ],
)
def test_unreadable_files_say_why(make, problem: str, tmp_path: Path) -> None:
    path = make(tmp_path)
    for look in (probe, read):
        with pytest.raises(UnreadableFile) as caught:
            look(path)
        assert str(caught.value) == f"{path}: {problem}"
        assert caught.value.path == path


def test_missing_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = text(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFile, match="no permission to read it"):
        read(path)


def test_unknown_content_lists_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(UnsupportedFormat, match=r"\(50 4b 03 04 .*\); known are \.exr, \.hdr, \.pfm"):
        read(path)


@pytest.mark.parametrize(
    "error", [ValueError("bad\nblock"), KeyError("x"), RuntimeError(), OSError(5, "I/O error")]
)
def test_whatever_a_decoder_raises_is_told_of_the_file(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Recorder(failure=error))
    path = tmp_path / "a.rec"
    path.write_bytes(b"DONE")
    with pytest.raises(
        UnreadableFile, match=r"a\.rec: is damaged or cut short; decoding it as Recording failed: ."
    ) as caught:
        read(path)
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)


def test_running_out_of_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Recorder(failure=MemoryError()))
    path = tmp_path / "a.rec"
    path.write_bytes(b"DONE")
    with pytest.raises(MemoryLimitError, match="not enough memory to decode it"):
        read(path)


def test_pictures_larger_than_the_free_memory_are_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.exr", PICTURE)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(MemoryLimitError, match="9 × 4 pixels need about"):
        read(tmp_path / "a.exr")
    assert probe(tmp_path / "a.exr").width == 9


# --- refusing to write ---


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("a.docx", WriteOptions(), r"no picture can be written as '\.docx'; expected one of \.exr, \.hdr"),
        ("a", WriteOptions(), "the name has no suffix; expected one of"),
        ("a.exr", WriteOptions(depth=8), "OpenEXR has no depth of 8 bits; expected 16 or 32"),
        ("a.hdr", WriteOptions(depth=16), "Radiance has no depth of 16 bits; expected 32"),
        ("a.exr", WriteOptions(quality=0), "the quality is 0; expected 1 to 100"),
        ("none/a.exr", WriteOptions(), "the folder .*/none does not exist; create it first"),
        ("old.exr", WriteOptions(), "exists already; choose another name, or allow overwriting"),
        ("folder.exr", WriteOptions(), "is a folder; expected the name of a file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_work(
    name: str, options: WriteOptions, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "old.exr").write_bytes(b"old")
    (tmp_path / "folder.exr").mkdir()
    with pytest.raises((UnwritableFile, UnsupportedFormat), match=problem):
        check_writable(tmp_path / name, options=options)
    with pytest.raises((UnwritableFile, UnsupportedFormat), match=problem):
        write(tmp_path / name, PICTURE, options=options)
    assert (tmp_path / "old.exr").read_bytes() == b"old"


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UnwritableFile, match="no permission to write in the folder"):
        check_writable(tmp_path / "a.exr")


def test_check_writable_lets_pass_and_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "old.exr").write_bytes(b"old")
    check_writable(tmp_path / "a.exr")
    check_writable(tmp_path / "old.exr", overwrite=True, options=WriteOptions(depth=32))
    assert [path.name for path in tmp_path.iterdir()] == ["old.exr"]


# --- light for formats without room above white ---


@pytest.mark.parametrize(
    ("image", "stored"),
    [
        (constant(0.5, SRGB), 0.5),
        (constant(0.5, LINEAR_DISPLAY), 0.7353570),
        (constant(1.0, LINEAR_SCENE), 1.0),
        (constant(0.5, Encoding(white=100.0)), 0.7353570),
        (constant(203.0, LINEAR_NITS), 1.0),
        (constant(101.5, LINEAR_NITS), 0.7353570),
        (constant(1 + 5e-7, LINEAR_DISPLAY), 1.0),
        (constant(-5e-7, LINEAR_DISPLAY), 0.0),
    ],
)
def test_light_between_black_and_white_is_written_as_display_values(
    image: Image, stored: float, recorder: Recorder, tmp_path: Path
) -> None:
    write(tmp_path / "a.rec", image)
    ((given, options),) = recorder.given
    assert given.encoding.reference is Reference.DISPLAY_RELATIVE
    assert given.encoding.transfer == "srgb"
    torch.testing.assert_close(given.pixels, torch.full((3, 2, 2), stored))
    assert given.pixels.min() >= 0
    assert given.pixels.max() <= 1
    assert options.depth == 8


def test_primaries_and_curve_of_display_pictures_stay(recorder: Recorder, tmp_path: Path) -> None:
    for index, encoding in enumerate((DISPLAY_P3_ENCODED, replace(SRGB, transfer="gamma2.2"))):
        write(tmp_path / f"{index}.rec", constant(0.5, encoding))
        assert recorder.given[index][0].encoding == encoding
    write(tmp_path / "2.rec", constant(0.5, Encoding(BT2020)))
    assert recorder.given[2][0].encoding.primaries == BT2020


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (constant(1.5, LINEAR_SCENE), "from 1.5 to 1.5"),
        (constant(204.0, LINEAR_NITS), "from 1 to 1"),
        (constant(1 + 1e-5, LINEAR_DISPLAY), "from 1 to 1"),
        (constant(1.1, SRGB), "from 1.24 to 1.24"),
        (constant(-0.1, LINEAR_DISPLAY), "from -0.1 to -0.1"),
        (constant(torch.nan, SRGB), "nan"),
        (constant(torch.inf, LINEAR_SCENE), "inf"),
    ],
)
def test_light_beyond_black_and_white_is_refused_or_clipped(
    image: Image, message: str, recorder: Recorder, tmp_path: Path
) -> None:
    with pytest.raises(EncodingError, match=message) as caught:
        write(tmp_path / "a.rec", image)
    assert "relume tonemap" in str(caught.value)
    assert not list(tmp_path.iterdir())
    write(tmp_path / "a.rec", image, options=WriteOptions(clip=True))
    expected = 0.0 if not image.pixels[0, 0, 0] > 0 else 1.0
    assert recorder.given[0][0].pixels.unique().tolist() == [expected]


def test_one_pixel_too_bright_is_enough(recorder: Recorder, tmp_path: Path) -> None:
    pixels = torch.full((3, 50, 50), 0.5)
    pixels[1, 30, 20] = 1.2
    with pytest.raises(EncodingError):
        write(tmp_path / "a.rec", Image(pixels, LINEAR_DISPLAY))
    write(tmp_path / "a.rec", Image(pixels, LINEAR_DISPLAY), options=WriteOptions(clip=True))
    given = recorder.given[0][0].pixels
    assert given[1, 30, 20] == 1.0
    torch.testing.assert_close(given[0], srgb.inverse_eotf(pixels[:1])[0])


def test_the_given_picture_is_not_changed(recorder: Recorder, tmp_path: Path) -> None:
    image = constant(1.5, SRGB)
    write(tmp_path / "a.rec", image, options=WriteOptions(clip=True))
    assert image.pixels.unique().tolist() == [1.5]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_and_tracked_pixels_are_written(dtype: torch.dtype, tmp_path: Path) -> None:
    image = Image(torch.full((3, 2, 9), 0.5, dtype=dtype, requires_grad=True), LINEAR_SCENE)
    for suffix in ("exr", "hdr", "pfm"):
        write(tmp_path / f"a.{suffix}", image)
        assert read(tmp_path / f"a.{suffix}").pixels.unique().tolist() == [0.5]


# --- whole or not at all ---


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("failure", "expected", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left"),
            UnwritableFile,
            r"a\.rec: the disk is full; free some space",
        ),
        (OSError(errno.EDQUOT, "Quota"), UnwritableFile, r"a\.rec: the disk quota is used up"),
        (OSError("9 of 12 written"), UnwritableFile, r"a\.rec: not all of it .*9 of 12.* is the disk full\?"),
        (
            OSError(errno.EIO, "Input/output error"),
            UnwritableFile,
            r"a\.rec: cannot be written: Input/output",
        ),
        (RuntimeError("too wide"), UnwritableFile, r"a\.rec: Recording cannot hold this picture: too wide"),
        (UnsupportedFormat("/x/.relume-1.part", "no alpha"), UnsupportedFormat, r"a\.rec: no alpha"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
def test_a_failure_leaves_nothing_behind(
    overwrite: bool,
    failure: BaseException,
    expected: type[BaseException],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, Recorder(failure=failure))  # type: ignore[arg-type]
    if overwrite:
        (tmp_path / "a.rec").write_bytes(b"old")
    with pytest.raises(expected, match=message):
        write(tmp_path / "a.rec", constant(0.5, SRGB), overwrite=overwrite)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == (
        {"a.rec": b"old"} if overwrite else {}
    )


@pytest.mark.parametrize("suffix", ["exr", "hdr", "pfm"])
def test_a_disk_that_fills_up_is_told(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """A stream onto a disk with room for a few bytes."""

        def __init__(self, stream) -> None:
            self.stream = stream

        def write(self, data) -> int:
            if self.stream.tell() + memoryview(data).nbytes > 300:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.stream.write(data)

        def __getattr__(self, name: str):
            return getattr(self.stream, name)

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", *rest: Full(opened(path, mode)) if "w" in mode else opened(path, mode),
    )
    with pytest.raises(UnwritableFile, match="the disk is full"):
        write(tmp_path / f"a.{suffix}", Image(torch.rand(3, 40, 40), LINEAR_SCENE))
    assert not list(tmp_path.iterdir())


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"

    def race() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(UnwritableFile, match="exists already"):
        race()
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {"a.exr": b"theirs"}


def refuse_links(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without links"])
def test_of_many_writers_one_wins(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)
    won: list[int] = []

    def attempt(number: int) -> None:
        try:
            with replacing(tmp_path / "a") as temporary:
                temporary.write_bytes(bytes([number]) * 100)
        except UnwritableFile:
            return
        won.append(number)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": bytes(won) * 100}


def test_overwriting_keeps_permissions_and_follows_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.exr", tmp_path / "link.exr"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, PICTURE, overwrite=True)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert read(real).width == 9


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write(tmp_path / "a.exr", PICTURE)
    (tmp_path / "usual").touch()
    assert (tmp_path / "a.exr").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_long_names_leave_room_for_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".exr")
    write(path, PICTURE)
    assert read(path).width == 9
    too_long = tmp_path / ("n" * 300 + ".exr")
    with pytest.raises(UnwritableFile, match="name is too long"):
        check_writable(too_long)
    with pytest.raises(UnreadableFile, match="name is too long"):
        read(too_long)
