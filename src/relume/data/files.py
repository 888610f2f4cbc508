"""Pictures in folders: listed by kind, named by what tells them apart, matched with their partners."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from relume.data.sample import Exposure, Sample
from relume.errors import RelumeError, UnreadableFile
from relume.io.formats import FORMATS, exr, pfm, radiance
from relume.io.probe import probe

HDR_SUFFIXES = tuple(suffix for row in (exr.FORMAT, radiance.FORMAT, pfm.FORMAT) for suffix in row.suffixes)
"""Of formats that hold nothing else."""
SDR_SUFFIXES = tuple(suffix for row in FORMATS for suffix in row.suffixes if suffix not in HDR_SUFFIXES)

_BLOCK = 100


def pictures(folder: Path, suffixes: tuple[str, ...], *, recursive: bool = False) -> list[Path]:
    """The pictures in a folder by name; none if there is no such folder. Hidden files are left out."""
    found = folder.rglob("*") if recursive else folder.glob("*")
    return sorted(
        path
        for path in found
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )


def hdr_pictures(folder: Path) -> list[Path]:
    """The HDR pictures in a folder and below it by name; of formats that hold SDR too, those that say so."""
    return [
        path
        for path in pictures(folder, (*HDR_SUFFIXES, *SDR_SUFFIXES), recursive=True)
        if path.suffix.lower() in HDR_SUFFIXES or _says_hdr(path)
    ]


def _says_hdr(path: Path) -> bool:
    """What the head of a file says; one that is damaged says nothing."""
    try:
        return probe(path).encoding.is_hdr
    except RelumeError:
        return False


def subfolder(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of these sub-folders that exists, upper and lower case being the same."""
    if not folder.is_dir():
        return None
    present = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return next((present[name.lower()] for name in names if name.lower() in present), None)


def roots(folder: Path, names: Sequence[str]) -> list[Path]:
    """The folder itself and those of its sub-folders that have one of the names."""
    return [folder, *(path for name in names if (path := subfolder(folder, [name])) is not None)]


def number_in(path: Path) -> str:
    """What pairs files whose names differ in a word: the last number of `HDR_017`, or the whole stem."""
    numbers = re.findall(r"\d+", path.stem)
    return str(int(numbers[-1])) if numbers else path.stem


def block_of(number: str) -> str:
    """A stand-in for the scene where files are only numbered: neighbours share one, a hundred together.

    Where scenes follow each other, only those at the edge of a block can still stand in two splits.
    """
    return f"block {int(number) // _BLOCK}" if number.isdigit() else number


def matched(hdr: Mapping[str, Path], sdr: Mapping[str, Sequence[Exposure]]) -> list[tuple[str, Sample]]:
    """Pair light with the SDR pictures of the same key.

    Returns:
        Key and sample, by the names of the HDR files; the scene of a sample is its key.

    Raises:
        UnreadableFile: files without a partner, as an interrupted download leaves them.
    """
    alone = [path for key, path in hdr.items() if key not in sdr]
    alone += [exposure.path for key, exposures in sdr.items() if key not in hdr for exposure in exposures]
    if alone:
        others = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        raise UnreadableFile(
            min(alone), f"has no partner{others}; complete the data set or move what is alone elsewhere."
        )
    return [(key, Sample(scene=key, hdr=path, sdr=tuple(sdr[key]))) for key, path in hdr.items()]


def by_key(paths: Iterable[Path], *, numbered: bool = False) -> dict[str, Path]:
    """The paths by stem, or by the last number of the stem.

    Raises:
        UnreadableFile: two files have the same.
    """
    found: dict[str, Path] = {}
    for path in paths:
        key = number_in(path) if numbered else path.stem
        if key in found:
            raise UnreadableFile(path, f"is the same picture by its name as {found[key].name}; keep one.")
        found[key] = path
    return found
