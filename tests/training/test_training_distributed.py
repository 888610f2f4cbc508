"""Two processes do together what one does with the same global batch."""

import subprocess
import sys
from pathlib import Path

import pytest
import training_toys
from training_toys import MACHINE, game

from relume.training.checkpoint import load_checkpoint
from relume.training.log import read_log
from relume.training.loop import train

STEPS = 12


def test_two_processes_make_the_gradients_of_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    toy = [training_toys.__file__, "game_without_norm", str(tmp_path / "two"), str(STEPS)]
    finished = subprocess.run([*command, *toy], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    train(game(STEPS, normalised=False), tmp_path / "one", machine=MACHINE)

    alone, together = (
        [entry for entry in read_log(tmp_path / name) if entry["kind"] == "train"] for name in ("one", "two")
    )
    assert len(alone) == len(together) == STEPS
    assert together[0]["model/gradient"] == pytest.approx(alone[0]["model/gradient"], rel=1e-6)
    for left, right in zip(alone, together, strict=True):
        for name in {"model/loss", "model/gradient", "critic/loss", "critic/gradient"} & set(left):
            assert right[name] == pytest.approx(left[name], rel=1e-5), (left["step"], name)

    # Weights, averages, and Adam's moments: running means of the gradients themselves. Sums in another order
    # differ by rounding; after twelve steps of a GAN that is 2e-6 of a tensor here.
    one, two = (load_checkpoint(tmp_path / name).tensors for name in ("one", "two"))
    assert any("exp_avg" in name for name in one)
    for name in one:
        assert (one[name] - two[name]).float().norm() <= 1e-4 * one[name].float().norm(), name
