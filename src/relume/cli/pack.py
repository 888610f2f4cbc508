"""`relume pack`: many HDR scenes in one small file, to train on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from relume.cli.options import Flag
from relume.cli.progress import progress_bar
from relume.errors import ImageError, MethodError, UnreadableFile, UnwritableFile

if TYPE_CHECKING:
    from relume.data.manifest import Entry


def pack(
    folder: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    dataset: str | None = None,
    split: Literal["train", "test"] = "train",
    validation: float = 0.1,
    longest_side: int = 1024,
    distance: float = 0.03,
    overwrite: Flag = False,
) -> int:
    """Pack HDR scenes into one file, to train on.

    The folder holds a manifest.csv, or a published data set (--dataset), or simply HDR pictures. Scenes for
    testing are left out, so that nothing is trained on them by accident.

    Args:
        folder: where the pictures lie.
        output: the pack to write.
        dataset: hdr-real, hdr-synth, ldr-hdr-pair, fairchild, poly-haven ...: the layout of the folder.
        split: train packs the scenes for training and validation, test only those for testing.
        validation: share of the training scenes that is kept for validation, where no manifest names any.
        longest_side: pixels; larger pictures are reduced.
        distance: of JPEG XL: less is larger and better.
        overwrite: replace a file that exists.
    """
    from relume.data.pack import write_pack

    _check_options(validation, longest_side, distance)
    _check_target(output, overwrite=overwrite)
    entries = _chosen(_entries(folder, dataset), folder, split=split, validation=validation)
    with progress_bar(len(entries)) as bar:
        bar(0, 0.0, folder.name)
        write_pack(
            output,
            folder,
            entries,
            longest_side=longest_side,
            distance=distance,
            overwrite=overwrite,
            progress=lambda done: bar(done, 0.0, entries[done - 1].scene),
        )
    if sys.stdout.isatty():
        print(f"{output}  {output.stat().st_size / 2**20:.1f} MiB, {_counts(entries)}")
    return 0


def _check_options(validation: float, longest_side: int, distance: float) -> None:
    if not 0.0 <= validation < 1.0:
        raise MethodError(
            f"--validation {validation:g}: expected a share from 0 to below 1, for example 0.1."
        )
    if longest_side < 1:
        raise MethodError(f"--longest-side {longest_side}: expected pixels, for example 1024.")
    if not 0.0 <= distance <= 25.0:
        raise MethodError(f"--distance {distance:g}: expected 0 (lossless) to 25, for example 0.03.")


def _check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse before the work what would be refused after it."""
    from relume.io.atomic import EXISTS

    if path.is_dir():
        raise UnwritableFile(path, "is a folder; expected the name of a file.")
    if path.exists() and not overwrite:
        raise UnwritableFile(path, EXISTS)
    if not path.absolute().parent.is_dir():
        raise UnwritableFile(path, "its folder does not exist; create it first.")


def _entries(folder: Path, dataset: str | None) -> "list[Entry]":
    """The pictures with light, by the data set's layout, the manifest or just their suffixes."""
    from relume.data.datasets import data_set
    from relume.data.manifest import read_manifest
    from relume.data.sample import load_hdr, manifest_of

    if not folder.is_dir():
        raise UnreadableFile(folder, "is no folder; expected one with HDR pictures.")
    if dataset is None and (manifest := folder / "manifest.csv").is_file():
        return read_manifest(manifest)
    source = data_set(dataset or "hdr-folder")
    if source.kind == "sdr" or source.load_hdr is not load_hdr:
        raise MethodError(f"{source.title}: holds no scene light to pack; train on its pictures as they are.")
    return manifest_of(
        source.find(folder),
        folder,
        source=source.title if dataset else "",
        licence=source.licence if dataset else "",
    )


def _chosen(entries: "list[Entry]", folder: Path, *, split: str, validation: float) -> "list[Entry]":
    from relume.data.manifest import split_by_scene

    if not any(entry.split == "validation" for entry in entries):
        entries = split_by_scene(entries, validation=validation)
    chosen = [entry for entry in entries if (entry.split == "test") is (split == "test")]
    if not chosen:
        other = "train" if split == "test" else "test"
        raise ImageError(
            f"{folder}: all {len(entries)} pictures are for other uses; ask with --split {other}."
        )
    return chosen


def _counts(entries: "list[Entry]") -> str:
    from relume.data.manifest import SPLITS

    scenes = {name: len({entry.scene for entry in entries if entry.split == name}) for name in SPLITS}
    return ", ".join(f"{count} scenes in {name}" for name, count in scenes.items() if count)
