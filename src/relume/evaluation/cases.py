"""What is measured: a reference with its predictions, from two files or simulated out of one."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relume.errors import UnreadableFile
from relume.evaluation.score import Named
from relume.io.formats import FORMATS
from relume.io.probe import probe
from relume.io.read import read

PREDICTION = "prediction"
"""What files that come without the name of a method are called."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """A reference, and what makes the prediction of each method: one at a time, when it is measured."""

    reference: Named
    predictions: dict[str, Callable[[], Named]]


@dataclass(frozen=True, kw_only=True)
class Case(ABC):
    """One picture to measure on; small, since it travels to other processes, which load it."""

    scene: str
    """Pictures of one scene count as one in intervals."""
    picture: str
    """Tells it from all other pictures of the run."""

    @abstractmethod
    def pixels(self) -> int:
        """Of the picture, told from the header of its file.

        Raises:
            FileError: the file cannot be read.
        """

    @abstractmethod
    def load(self) -> Material:
        """The reference and the predictions.

        Raises:
            RelumeError: the reference cannot be read or made.
        """


@dataclass(frozen=True, kw_only=True)
class FilePair(Case):
    """A prediction and a reference that lie in files."""

    prediction: Path
    reference: Path

    def pixels(self) -> int:
        """Of the reference."""
        info = probe(self.reference)
        return info.width * info.height

    def load(self) -> Material:
        """Both files."""
        return Material(
            reference=Named(image=read(self.reference), name=str(self.reference)),
            predictions={PREDICTION: lambda: Named(image=read(self.prediction), name=str(self.prediction))},
        )


def match_files(prediction: Path, reference: Path) -> tuple[list[FilePair], list[Path]]:
    """Pair two files, or the pictures of two folders by the stems of their names.

    Returns:
        The pairs in the order of their names, and the pictures that have no partner.

    Raises:
        UnreadableFile: a path that does not exist, a file against a folder, two pictures of one folder with
            the same stem, or folders that have no picture in common.
    """
    for path in (prediction, reference):
        if not path.exists():
            raise UnreadableFile(path, "does not exist.")
    if prediction.is_dir() != reference.is_dir():
        folder, file = (prediction, reference) if prediction.is_dir() else (reference, prediction)
        raise UnreadableFile(folder, f"is a folder, but {file} is a file; expected two files or two folders.")
    if not prediction.is_dir():
        pair = FilePair(
            scene=prediction.stem, picture=prediction.stem, prediction=prediction, reference=reference
        )
        return [pair], []
    left, right = _by_stem(prediction), _by_stem(reference)
    pairs = [
        FilePair(scene=stem, picture=stem, prediction=left[stem], reference=right[stem])
        for stem in sorted(left.keys() & right.keys())
    ]
    if not pairs:
        raise UnreadableFile(
            prediction,
            f"holds no picture that {reference} has, too; expected the same names but for suffixes.",
        )
    odd = [
        found[stem] for found in (left, right) for stem in sorted(left.keys() ^ right.keys()) if stem in found
    ]
    return pairs, odd


def _by_stem(folder: Path) -> dict[str, Path]:
    suffixes = {suffix for row in FORMATS for suffix in row.suffixes}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise UnreadableFile(
                path, f"is the same picture by its name as {found[path.stem].name}; keep one."
            )
        found[path.stem] = path
    return found
