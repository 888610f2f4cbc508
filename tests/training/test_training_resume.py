"""A run that is killed goes on as if nothing had happened: the same losses and weights to the last bit."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
import training_toys
from training_toys import MACHINE, game, losses

from relume.training.checkpoint import load_checkpoint
from relume.training.log import read_log
from relume.training.loop import train

STEPS = 36


def start(out: Path, *, steps: int = STEPS, workers: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, training_toys.__file__, "game", str(out), str(steps), str(workers)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def kill_after(process: subprocess.Popen[bytes], out: Path, step: int, delay: float) -> None:
    """SIGKILL, some moment after the step has been logged: within a step, or while it is saved."""
    while process.poll() is None and not any(entry["step"] >= step for entry in read_log(out)):
        time.sleep(0.005)
    time.sleep(delay)
    process.kill()
    assert process.wait() == -9, "the run ended before it was killed"


def test_a_run_that_is_killed_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    train(game(STEPS), tmp_path / "whole", machine=MACHINE)
    out, chance = tmp_path / "killed", random.Random()  # another moment each time, on purpose
    # Once in the first stage, once in the second, the GAN.
    for step in (chance.randrange(2, 8), chance.randrange(14, 22)):
        kill_after(start(out), out, step, chance.uniform(0.0, 0.1))
        assert load_checkpoint(out).progress.total > 0
    assert start(out).wait() == 0
    assert losses(read_log(out)) == losses(read_log(tmp_path / "whole"))
    resumed, whole = load_checkpoint(out), load_checkpoint(tmp_path / "whole")
    assert set(resumed.tensors) == set(whole.tensors)
    assert all(torch.equal(resumed.tensors[name], whole.tensors[name]) for name in whole.tensors)
    assert resumed.progress.results == whole.progress.results


def test_a_program_that_is_asked_to_stop_ends_with_its_loading_processes(tmp_path: Path) -> None:
    program = start(tmp_path, steps=100_000, workers=1)
    try:
        while program.poll() is None and not any(entry["step"] >= 3 for entry in read_log(tmp_path)):
            time.sleep(0.01)
        program.terminate()
        assert program.wait(timeout=60) == -signal.SIGINT  # what nobody caught
    finally:
        program.kill()
    assert load_checkpoint(tmp_path).progress.total >= 3
