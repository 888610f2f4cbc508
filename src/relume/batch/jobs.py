"""From inputs (files, globs, folders) and an output to pairs of files, and a ledger of what failed."""

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relume.errors import FileError, RelumeError, UnreadableFile, UnwritableFile


@dataclass(frozen=True)
class Job:
    """One file to make from another."""

    source: Path
    target: Path


@dataclass
class Ledger:
    """What became of each job."""

    done: list[Job] = field(default_factory=list)
    failed: list[tuple[Job, str]] = field(default_factory=list)


def plan(
    inputs: Sequence[str],
    out: Path | None,
    *,
    suffix: str,
    accept: Callable[[Path], bool],
    recursive: bool = False,
) -> list[Job]:
    """Pair each input with its output.

    Without `out`, each output lies beside its input, with another suffix. One file and an `out` that is no
    folder: that file. Else `out` is a folder that receives `<name><suffix>`; of an input folder the accepted
    files are taken, with its sub-folders when recursive.

    Args:
        suffix: of the outputs that are not named one by one, ".exr".
        accept: which files of a folder are meant; not asked of files that are named.

    Raises:
        UnreadableFile: an input that does not exist, or a folder or pattern without pictures.
        UnwritableFile: an output would be an input, two inputs would make the same output, or `out` is a
            file where a folder is needed.
    """
    found = [pair for text in inputs for pair in _expanded(text, accept, recursive, out)]
    if out is None:
        jobs = [Job(source, source.with_suffix(suffix)) for source, _ in found]
    elif len(found) == 1 and not Path(inputs[0]).is_dir() and not _is_folder(out):
        jobs = [Job(found[0][0], out)]
    elif out.is_file():
        raise UnwritableFile(out, f"is a file, but {len(found)} pictures need a folder; give -o a folder.")
    else:
        jobs = [Job(source, out / relative.with_suffix(suffix)) for source, relative in found]
    _refuse_collisions(jobs)
    return jobs


def run_jobs(jobs: Iterable[Job], work: Callable[[Job], None], *, report: Callable[[str], None]) -> Ledger:
    """Do each job; one that fails is reported in a sentence and the others still go through."""
    ledger = Ledger()
    for job in jobs:
        try:
            work(job)
        except (RelumeError, MemoryError, OSError) as error:
            message = sentence(error, job.source)
            report(message)
            ledger.failed.append((job, message))
        else:
            ledger.done.append(job)
    return ledger


def sentence(error: BaseException, path: Path) -> str:
    """What went wrong with a file, beginning with its name."""
    if isinstance(error, MemoryError) and not isinstance(error, RelumeError):
        return f"{path}: there is not enough memory; make the picture smaller or close other programs."
    text = str(error)
    return text if isinstance(error, FileError) or text.startswith(str(path)) else f"{path}: {text}"


def _expanded(
    text: str, accept: Callable[[Path], bool], recursive: bool, out: Path | None
) -> list[tuple[Path, Path]]:
    """(file, its path relative to the output folder) for one input."""
    path = Path(text)
    if path.is_dir():
        files = [file for file in _walk(path, recursive, out) if accept(file)]
        if not files:
            hint = "" if recursive else "; --recursive looks into its sub-folders"
            raise UnreadableFile(path, f"holds no pictures for this command{hint}.")
        return [(file, file.relative_to(path)) for file in files]
    if path.exists():
        return [(path, Path(path.name))]
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))
    files = [match for match in matches if match.is_file()]
    if not files:
        raise UnreadableFile(path, "does not exist.")
    return [(file, Path(file.name)) for file in files]


def _walk(folder: Path, recursive: bool, out: Path | None) -> list[Path]:
    """Its files in order, without those of an output folder that lies inside."""
    results = out.resolve() if out is not None else None
    return [
        path
        for path in sorted(folder.glob("**/*" if recursive else "*"))
        if path.is_file() and (results is None or results not in path.resolve().parents)
    ]


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix


def _refuse_collisions(jobs: list[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    for target, count in Counter(job.target for job in jobs).items():
        if target.resolve() in sources:
            raise UnwritableFile(target, "is an input, which relume never overwrites; give -o another name.")
        if count > 1:
            several = ", ".join(str(job.source) for job in jobs if job.target == target)
            raise UnwritableFile(target, f"{several} would all be written here; give them different names.")
