"""Who trained: the version of relume, the commit of its source and the kind of machine."""

import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from relume import __version__
from relume.training.distributed import Place


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a card says of where weights were made."""

    version: str
    commit: str | None
    """With "-dirty" where the source had changes; None where it is no checkout."""
    machine: str


def origin(place: Place) -> dict[str, Any]:
    """This version on this machine, as JSON holds it."""
    if place.device.type == "cuda":
        machine = f"{place.processes} × {torch.cuda.get_device_name(place.device)}"
    else:
        machine = f"{os.cpu_count()} CPU cores, processes: {place.processes}"
    return asdict(Origin(version=__version__, commit=_commit(), machine=machine))


def _commit() -> str | None:
    """The commit of the checkout that this file is tracked in."""
    here = Path(__file__)
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        return _git(here.parent, "describe", "--always", "--abbrev=40", "--dirty")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
