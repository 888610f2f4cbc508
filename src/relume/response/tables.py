"""The responses measured by Grossberg and Nayar, from the user's copies of their files.

The tables state no licence and are not part of relume; their authors offer them for download.

References:  [grossberg2003] for the curves (DoRF), [grossberg2004] for the basis (EMoR).
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from relume.errors import UnreadableFile
from relume.response.basis import ResponseBasis
from relume.response.curve import SAMPLES, pinned

_DORF_RECORD = 6
"""Lines of a record: name, kind, "I =", irradiances, "B =", codes."""


def load_emor(path: str | Path) -> ResponseBasis:
    """Read the basis in `emor.txt` (irradiance → code) or in `invemor.txt` (code → irradiance).

    Convention:  blocks of 1024 numbers, each after a line that names it and ends in "=": the sample points,
        the mean curve, then one vector after another.

    Raises:
        UnreadableFile: missing, or not of that form.
    """
    path = Path(path)
    blocks: list[list[float]] = []
    for line in _lines(path):
        if line.endswith("="):
            blocks.append([])
        elif blocks:
            blocks[-1] += _numbers(path, line)
    if len(blocks) < 3 or any(len(block) != SAMPLES for block in blocks):
        raise UnreadableFile(
            path,
            f"is no EMoR table: found {len(blocks)} blocks of {sorted({len(block) for block in blocks})} "
            f"numbers, expected sample points, a mean and vectors of {SAMPLES} each.",
        )
    table = torch.tensor(blocks[1:], dtype=torch.float64)
    return ResponseBasis(mean=table[0], vectors=table[1:])


def load_dorf(path: str | Path) -> Float[Tensor, "count samples"]:
    """Read the curves in `dorfCurves.txt`, irradiance → code; their ends are made exactly 0 and 1.

    Convention:  records of six lines: name, kind, "I =", irradiances, "B =", codes. Give the result to
        `GivenResponse`; the code of SingleHDR trains on 191 of the 201 curves.

    Raises:
        UnreadableFile: missing, or not of that form.
    """
    path = Path(path)
    lines = _lines(path)
    curves = [_numbers(path, line) for line in lines[_DORF_RECORD - 1 :: _DORF_RECORD]]
    if not curves or len(lines) % _DORF_RECORD or any(len(curve) != SAMPLES for curve in curves):
        raise UnreadableFile(
            path,
            f"is no DoRF table: found {len(lines)} lines, expected records of {_DORF_RECORD} lines, the last "
            f"with {SAMPLES} numbers.",
        )
    return pinned(torch.tensor(curves, dtype=torch.float64))


def _lines(path: Path) -> list[str]:
    """The lines that are not empty, without blanks around them."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise UnreadableFile(path, f"cannot be read: {error.strerror or error}.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _numbers(path: Path, line: str) -> list[float]:
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        raise UnreadableFile(path, f"is no table of responses: '{line[:40]}' are not numbers.") from None
