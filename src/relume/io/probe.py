"""Which format a file has, and what its header says."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relume.errors import MemoryLimitError, RelumeError, UnreadableFile, UnsupportedFormat
from relume.io.formats import FileInfo, Format, by_signature, by_suffix, known_suffixes

_SIGNATURE_BYTES = 64
_LONGEST_REASON = 160


def probe(path: str | Path, *, gain_map: bool = True) -> FileInfo:
    """What a picture file says of itself, without decoding its pixels.

    Args:
        path: of any name.
        gain_map: whether a gain map counts, as in `read`.

    Raises:
        UnreadableFile: no such file, no permission, damaged.
        UnsupportedFormat: not a picture, or one of a kind that is not read.
    """
    path = Path(path)
    row = identify(path)
    with decoding(path, row):
        return row.probe(path) if gain_map or row.probe_base is None else row.probe_base(path)


def identify(path: Path) -> Format:
    """The format of a file by what it begins with; its suffix does not count.

    Raises:
        UnreadableFile: no such file, not a file, empty, no permission, damaged from the start.
        UnsupportedFormat: it begins like no format in the table.
    """
    head = _head(path)
    row = by_signature(head)
    if row is not None:
        return row
    named = by_suffix(path.suffix)
    if named is not None:
        raise UnreadableFile(
            path, f"begins like neither {named.name} nor another known format; it is damaged or no picture."
        )
    raise UnsupportedFormat(
        path, f"begins like no known format ({head[:8].hex(' ')}); known are {known_suffixes()}."
    )


@contextmanager
def decoding(path: Path, row: Format) -> Iterator[None]:
    """Turn whatever a decoder raises on a bad file into `UnreadableFile`."""
    try:
        yield
    except RelumeError:
        raise
    except MemoryError as error:
        raise MemoryLimitError(f"{path}: there is not enough memory to decode it.") from error
    except Exception as error:  # decoders raise anything at all on damaged data
        words = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        short = "".join(letter if letter.isprintable() else "?" for letter in words)
        raise UnreadableFile(
            path, f"is damaged or cut short; decoding it as {row.name} failed: {short}"
        ) from error


def _head(path: Path) -> bytes:
    if os.path.isdir(path):
        raise UnreadableFile(path, "is a folder; expected a picture file.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise UnreadableFile(path, "is a device or pipe; expected a picture file.")
    try:
        with path.open("rb") as file:
            head = file.read(_SIGNATURE_BYTES)
    except OSError as error:
        raise UnreadableFile(path, _reason(error)) from error
    if not head:
        raise UnreadableFile(path, "is empty (0 bytes).")
    return head


def _reason(error: OSError) -> str:
    reasons = {
        errno.ENOENT: "no such file; check the name and the folder.",
        errno.ENOTDIR: "no such file; a part of its path is not a folder.",
        errno.EACCES: "there is no permission to read it.",
        errno.ENAMETOOLONG: "no such file; the name is too long.",
        errno.ELOOP: "is a link that leads in a circle.",
    }
    return reasons.get(error.errno or 0, f"cannot be read: {error.strerror or error}.")
