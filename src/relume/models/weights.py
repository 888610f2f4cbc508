"""Trained weights: one safetensors file whose header carries a card, which also lies beside it as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from relume.errors import MethodError, UnreadableFile, UnwritableFile
from relume.models import build
from relume.models.tensor_file import read_tensor_file, write_tensor_file


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a weight file says of itself: what it is, where it comes from, and how good it is."""

    model: str
    preset: str
    """`relume.models.build(model, preset=preset)` is the network that the weights fit."""
    spec: dict[str, Any]
    """The network as a method: direction, encodings, licence, citation."""
    recipe: dict[str, Any]
    """The resolved configuration of the training, with its seed."""
    data: dict[str, Any] = field(default_factory=dict)
    """Where the training data came from."""
    steps: int = 0
    hours: float = 0.0
    """Of training, without interruptions."""
    machine: str = ""
    """Cores or GPU."""
    version: str = ""
    """Of relume."""
    commit: str | None = None
    """Of its source, where known."""
    results: dict[str, dict[str, float]] = field(default_factory=dict)
    """Scores on the fixed validation pairs, before and after training."""


def save_weights(path: Path, network: nn.Module, *, card: Card, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights of a network with their card.

    Args:
        path: ends in `.safetensors`; the card for people lies beside it as `.json`.
        dtype: of the floating-point weights in the file; they are read back as float32.

    Raises:
        UnwritableFile: no room, no permission, another suffix.
    """
    if path.suffix != ".safetensors":
        raise UnwritableFile(path, "weights are written as .safetensors; name the file so.")
    tensors = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    write_tensor_file(path, tensors, asdict(card))
    card_path = path.with_suffix(".json")
    try:
        card_path.write_text(json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UnwritableFile(card_path, f"cannot be written ({error.strerror}); make room.") from error


def load_weights(path: Path) -> tuple[nn.Module, Card]:
    """The network of a weight file, on the CPU in float32 and ready to run, and its card.

    Raises:
        UnreadableFile: missing, damaged, or weights of another network than the card says.
    """
    tensors, about = read_tensor_file(path)
    try:
        card = Card(**about)
        network = build(card.model, preset=card.preset)
        network.load_state_dict(tensors)
    except (TypeError, RuntimeError, MethodError) as error:
        raise UnreadableFile(path, f"holds no weights that this version of relume knows ({error})") from error
    return network.eval().requires_grad_(False), card
