"""What can go wrong, in sentences for people.

    RelumeError
    ├── FileError              a file; has .path
    │   ├── UnreadableFile     missing, truncated, corrupt, not what its suffix says
    │   ├── UnwritableFile     exists already, no room, no permission
    │   └── UnsupportedFormat  a suffix or a feature that relume does not know
    ├── EncodingError          light described wrongly or not enough (also a ValueError)
    ├── ImageError             pixels that no method can take: empty, NaN, wrong shape (also a ValueError)
    ├── MethodError            unknown method, wrong direction, bad parameter (also a ValueError)
    └── MemoryLimitError       the work does not fit the allowed memory (also a MemoryError)

Each message is one sentence that names what came, what was expected and what to do.
"""

from pathlib import Path


class RelumeError(Exception):
    """Base of every error that relume raises on purpose."""


class FileError(RelumeError):
    """Something about one file; the message begins with its path."""

    def __init__(self, path: str | Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = Path(path)
        self.problem = problem

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        return type(self), (self.path, self.problem)


class UnreadableFile(FileError):
    """The file is missing, truncated, corrupt or not what its suffix says."""


class UnwritableFile(FileError):
    """The file cannot be written: it exists, the disk is full, permission is missing."""


class UnsupportedFormat(FileError):
    """The format, or a feature of it, is not one that relume reads or writes."""


class EncodingError(RelumeError, ValueError):
    """The meaning of the pixels is wrong or not known well enough for what was asked."""


class ImageError(RelumeError, ValueError):
    """The pixels themselves cannot be used: wrong shape, empty, NaN, infinite, negative light."""


class MethodError(RelumeError, ValueError):
    """The method does not exist, runs in the other direction, or got a bad parameter."""


class MemoryLimitError(RelumeError, MemoryError):
    """The work would need more memory than allowed."""
