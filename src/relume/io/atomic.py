"""Files that are there whole or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relume.errors import UnwritableFile

EXISTS = "exists already; choose another name, or allow overwriting (overwrite=True, --overwrite)."

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder.",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder.",
    errno.EFBIG: "the file would be larger than this system allows.",
    errno.EACCES: "there is no permission to write in this folder.",
    errno.EPERM: "there is no permission to write in this folder.",
    errno.EROFS: "the file system is read-only.",
    errno.ENAMETOOLONG: "the name is too long for this file system.",
    errno.ENOENT: "its folder does not exist; create it first.",
    errno.EEXIST: EXISTS,
}


@contextmanager
def replacing(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path in the folder of `path`, moved there when the block ends well and removed otherwise.

    Whoever looks sees the old file, or none, until the new one is complete and on the disk. A link is
    followed, and an overwritten file keeps its permissions.

    Raises:
        UnwritableFile: what the system refused, in words; or a file that exists and may not be overwritten,
            though another process put it there only meanwhile.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".relume-{secrets.token_hex(8)}.part")
    try:
        yield temporary
        _flush(temporary)
        if overwrite:
            if target.exists():
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        else:
            _move_to_free_name(temporary, target)
    except OSError as error:
        raise UnwritableFile(path, reason(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """What the system refused, as the end of a sentence that begins with a path."""
    if error.errno is None:  # numpy tells so of a file that takes fewer bytes than it is given
        return f"not all of it could be written ({error}); is the disk full?"
    return _REASONS.get(error.errno, f"cannot be written: {error.strerror}.")


def _flush(path: Path) -> None:
    """Have the data on the disk before the name: a crash must not leave an empty file under it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_to_free_name(source: Path, target: Path) -> None:
    """Rename unless the target exists: in one step where there are hard links, else by reserving the name."""
    try:
        os.link(source, target)
    except OSError:  # it exists, which shows again, or the file system has no hard links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(source, target)
