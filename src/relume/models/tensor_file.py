"""safetensors files that are written whole or not at all, and checked when read. Nothing is unpickled."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from relume.errors import UnreadableFile, UnwritableFile

_READABLE_BY_ALL = 0o644


def write_tensor_file(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description as one file, which replaces an older one in one instant.

    However the writing ends (done, killed, no room), `path` holds either the old file or the new one.

    Args:
        path: ends in `.safetensors`; its folder exists.
        tensors: by name, on any device.
        about: what JSON can hold; it travels in the header.

    Raises:
        UnwritableFile: no room, no permission, no such folder.
    """
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"relume": json.dumps(about, ensure_ascii=False), "sha256": _digest(held)}
    # A folder of its own, because the library leaves a file of random name behind when it is killed.
    workplace = path.with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir()
        partial = workplace / path.name
        save_file(held, partial, metadata)
        partial.chmod(_READABLE_BY_ALL)
        _flush(partial)
        os.replace(partial, path)
        _flush(path.parent)
    except (OSError, SafetensorError) as error:
        raise UnwritableFile(
            path, f"cannot be written ({error}); what was there before is still whole: make room and go on."
        ) from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def read_tensor_file(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the description of a file that `write_tensor_file` wrote.

    Raises:
        UnreadableFile: missing, damaged, or not written by relume.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UnreadableFile(path, f"is no readable safetensors file ({error}).") from error
    if "relume" not in metadata or "sha256" not in metadata:
        raise UnreadableFile(path, "says nothing of itself; expected a file that `relume train` wrote.")
    if _digest(tensors) != metadata["sha256"]:
        raise UnreadableFile(path, "is damaged: its contents do not match its hash; use another copy.")
    return tensors, json.loads(metadata["relume"])


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, independent of their order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
