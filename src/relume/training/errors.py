"""What can go wrong in training beside files, and the errors of others in sentences."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from relume.errors import MemoryLimitError, RelumeError, UnwritableFile


class TrainingError(RelumeError):
    """The run cannot begin or go on: it diverged, its data are bad, it was begun with other settings."""


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn torch's and the system's ways to say "no memory" and "no room" into ours.

    Raises:
        MemoryLimitError: the memory of the GPU or of the machine does not hold a step.
        UnwritableFile: the disk of the run is full.
    """
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise MemoryLimitError(
            "a training step does not fit the memory; give a smaller --batch, more processes, or "
            "--precision bfloat16 (the last checkpoint is still whole)."
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise UnwritableFile(
            out, f"has no room ({error.strerror}); the last checkpoint is still whole: make room and go on."
        ) from error
