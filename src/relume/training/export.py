"""From the checkpoint of a run to a weight file with its card."""

from pathlib import Path

import torch

from relume.errors import UnreadableFile
from relume.models import build, find
from relume.models.weights import Card, save_weights
from relume.training.checkpoint import FILE, load_checkpoint
from relume.training.describe import describe


def export(run: Path, path: Path, *, dtype: torch.dtype = torch.float32) -> Card:
    """Write the weights of a run as it stands: the averaged ones where it keeps an average.

    Args:
        run: folder of a run, finished or not.
        path: of the weight file, ending in `.safetensors`; the card lies beside it as `.json`.
        dtype: of the weights in the file; float16 and bfloat16 take half the room.

    Raises:
        UnreadableFile: no run there, or its checkpoint is damaged.
        UnwritableFile: no room, no permission, another suffix.
    """
    checkpoint = load_checkpoint(run)
    if checkpoint is None:
        raise UnreadableFile(run, f"holds no {FILE}; expected the --out folder of `relume train`.")
    recipe, progress = checkpoint.recipe, checkpoint.progress
    weights = checkpoint.under("averages.model.") or checkpoint.under("networks.model.")
    network = build(recipe["model"], preset=recipe["preset"])
    network.load_state_dict(weights)
    card = Card(
        model=recipe["model"],
        preset=recipe["preset"],
        spec=describe(find(recipe["model"]).spec),
        recipe=recipe,
        data={stage["name"]: stage["data"] for stage in recipe["stages"]},
        steps=progress.total,
        hours=round(progress.seconds / 3600.0, 4),
        machine=checkpoint.origin["machine"],
        version=checkpoint.origin["version"],
        commit=checkpoint.origin["commit"],
        results=progress.results,
        predecessors=checkpoint.origin.get("predecessors", []),
    )
    save_weights(path, network, card=card, dtype=dtype)
    return card
