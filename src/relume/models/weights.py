"""Trained weights: one safetensors file whose header carries a card, which also lies beside it as JSON."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from relume.errors import MethodError, UnreadableFile, UnwritableFile
from relume.models import build, require_preset
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
    predecessors: list[dict[str, Any]] = field(default_factory=list)
    """The trainings before this one, where it began with their weights, the first first: as `training`."""

    def training(self) -> dict[str, Any]:
        """This training in short: recipe, seed, steps, hours, commit."""
        return {
            "recipe": self.recipe.get("name"),
            "seed": self.recipe.get("seed"),
            "steps": self.steps,
            "hours": self.hours,
            "commit": self.commit,
        }


def save_weights(path: Path, network: nn.Module, *, card: Card, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights of a network with their card.

    Args:
        path: ends in `.safetensors`; the card for people lies beside it as `.json`.
        dtype: of the floating-point weights in the file; they are read back as float32. Running statistics
            stay float32: they are few, and variances may be larger than half precision holds.

    Raises:
        UnwritableFile: no room, no permission, another suffix; a weight too large for the type.
    """
    if path.suffix != ".safetensors":
        raise UnwritableFile(path, "weights are written as .safetensors; name the file so.")
    tensors = network.state_dict()
    for name, weight in network.named_parameters():
        tensors[name] = weight.detach().to(dtype)
        if not tensors[name].isfinite().all():
            raise UnwritableFile(path, f"{name} has values that are no {dtype}; write float32, or train on.")
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
    tensors, card = _read(path)
    with _Unfilled():
        network = build(card.model, preset=card.preset)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise _unknown(path, error) from error
    return network.eval().requires_grad_(False), card


def read_card(path: Path) -> Card:
    """What a weight file says of itself.

    Raises:
        UnreadableFile: missing, damaged, or not weights of a network of this version.
    """
    return _read(path)[1]


_RANDOM = (Tensor.uniform_, Tensor.normal_, nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_)


class _Unfilled(TorchFunctionMode):
    """Random numbers are not drawn, for a file replaces them: drawing takes longer than reading the file."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func in _RANDOM:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def _read(path: Path) -> tuple[dict[str, Tensor], Card]:
    """The tensors and the card of a network and a preset that exist."""
    tensors, about = read_tensor_file(path)
    try:
        card = Card(**about)
        require_preset(card.model, card.preset)
    except (TypeError, MethodError) as error:
        raise _unknown(path, error) from error
    return tensors, card


def _unknown(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(path, f"holds no weights that this version of relume knows ({error})")
