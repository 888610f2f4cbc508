"""Which pictures a data set holds, where they come from, and which split each scene belongs to."""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from relume.errors import ImageError, UnreadableFile

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One picture of a data set."""

    file: str
    """Relative to the folder of the manifest, with forward slashes."""
    scene: str
    """Pictures of one scene (views, exposures, crops) have the same, and are never in two splits."""
    split: str
    kind: str = "photograph"
    """"panorama" (equirectangular, 360°) or "photograph"."""
    source: str = ""
    licence: str = ""
    sha256: str = ""
    """Of the file, hexadecimal; empty where it was not computed."""


def read_manifest(path: str | Path) -> list[Entry]:
    """The entries of a CSV file whose first row names the columns; columns that we do not use are ignored.

    Raises:
        UnreadableFile: no such file, or a column is missing.
        ImageError: a scene stands in two splits.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            path, "is no manifest that can be read; expected a CSV file in UTF-8."
        ) from error
    rows = list(csv.DictReader(io.StringIO(text)))
    known = [item.name for item in fields(Entry)]
    for column in ("file", "scene", "split"):
        if not rows or column not in rows[0]:
            raise UnreadableFile(path, f"has no column '{column}'; a manifest has {', '.join(known)}.")
    entries = [Entry(**{name: row[name] for name in known if row.get(name) is not None}) for row in rows]
    # Manifests of the field write more behind the word: "panorama (equirectangular)".
    entries = [
        replace(entry, kind="panorama" if entry.kind.startswith("panorama") else "photograph")
        for entry in entries
    ]
    check_splits(entries)
    return entries


def write_manifest(path: str | Path, entries: Iterable[Entry]) -> None:
    """Write the entries as CSV."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [item.name for item in fields(Entry)])
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries)


def check_splits(entries: Iterable[Entry]) -> None:
    """Refuse a data set in which a scene stands in two splits: what was trained on would be tested.

    Raises:
        ImageError: it does, or a split has an unknown name.
    """
    splits = defaultdict(set)
    for entry in entries:
        if entry.split not in SPLITS:
            raise ImageError(f"{entry.file}: the split is '{entry.split}'; expected {', '.join(SPLITS)}.")
        splits[entry.scene].add(entry.split)
    for scene, names in splits.items():
        if len(names) > 1:
            raise ImageError(
                f"scene '{scene}' stands in {' and '.join(sorted(names))}; expected each scene in one split."
            )


def split_by_scene(entries: Iterable[Entry], *, validation: float) -> list[Entry]:
    """Move a share of the training scenes to validation, chosen by a hash of their names.

    So the choice depends on nothing but the names: a scene stays where it is when others come and go.
    """

    def moved(entry: Entry) -> Entry:
        number = int.from_bytes(hashlib.sha256(entry.scene.encode()).digest()[:8])
        if entry.split == "train" and number < validation * 2**64:
            return replace(entry, split="validation")
        return entry

    return [moved(entry) for entry in entries]


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
