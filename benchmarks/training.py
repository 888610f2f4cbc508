"""How fast a recipe trains in each precision, what loading costs, and what a second process brings.

    python benchmarks/training.py [--recipe smoke] [--steps 12] [--rounds 2] [--data FOLDER]

Each row trains in fresh processes as `relume train` does, the rows taking turns; medians over the steps of
all rounds, the first of each not counted. Ratios are to float32 in one process, measured in the same run.
"Waiting" is the share of a step in which the trainer waits for data; "alone" is the speed that it would have
without. With more than one process the global batch stays as it is.

    python benchmarks/training.py --row PRECISION --out FOLDER   trains one row (what the rows start)
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from relume.training.cores import share_cores
from relume.training.distributed import Place
from relume.training.loader import batches
from relume.training.log import read_log
from relume.training.loop import Machine, train
from relume.training.recipe import Recipe, RecipeSettings
from relume.training.recipes import find_recipe

WARMUP = 4
"""Steps that are not counted: prefetched batches and first allocations make them too fast or too slow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="smoke")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--row")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    recipe = find_recipe(options.recipe)(RecipeSettings(data=options.data, steps=options.steps + WARMUP))
    if options.row:
        train_row(recipe, options.row, options.out)
    else:
        compare(recipe, options)


def train_row(recipe: Recipe, precision: str, out: Path) -> None:
    """The first stage of the recipe, each step logged."""
    stage = replace(recipe.stages[0], log_every=1, precision=precision)
    train(replace(recipe, stages=(stage,), validation_pairs=1), out, machine=Machine(save_every=1e9))


def compare(recipe: Recipe, options: argparse.Namespace) -> None:
    cuda = torch.cuda.is_available()
    rows = [("float32", 1), ("bfloat16", 1), *([("float16", 1)] if cuda else []), ("float32", 2)]
    if cuda and torch.cuda.device_count() < 2:
        rows.remove(("float32", 2))
    steps: dict[tuple[str, int], list[dict[str, float]]] = {row: [] for row in rows}
    loading = []
    for _ in range(options.rounds):
        loading.append(loader_speed(recipe, options.steps))
        for row in rows:
            steps[row] += measured(row, options)
    tell(recipe, steps, statistics.median(loading))


def loader_speed(recipe: Recipe, steps: int) -> float:
    """Samples per second when nothing is done with them."""
    stage = recipe.stages[0]
    place = Place(rank=0, processes=1, processes_here=1, device=torch.device("cpu"))
    workers = share_cores(place, None)
    coming = batches(
        stage.data, first=0, steps=steps + WARMUP, batch=stage.batch, place=place, workers=workers
    )
    for _ in range(WARMUP):
        next(coming)
    begin = time.perf_counter()
    count = sum(1 for _ in coming)
    return count * stage.batch / (time.perf_counter() - begin)


def measured(row: tuple[str, int], options: argparse.Namespace) -> list[dict[str, float]]:
    """The steps of one run."""
    precision, processes = row
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable]
        if processes > 1:
            command += ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        command += [__file__, "--row", precision, "--out", folder, "--recipe", options.recipe]
        command += ["--steps", str(options.steps)]
        command += ["--data", str(options.data)] if options.data else []
        finished = subprocess.run(command, capture_output=True, text=True)
        if finished.returncode:
            sys.exit(finished.stderr)
        return [entry for entry in read_log(Path(folder)) if entry["kind"] == "train"][WARMUP:]


def tell(recipe: Recipe, steps: dict[tuple[str, int], list[dict[str, float]]], loading: float) -> None:
    print(f"{datetime.date.today()}, {machine()}, commit {commit()}")
    print(f"recipe {recipe.name}, batch {recipe.stages[0].batch}, first stage\n")
    print(f"loader alone  {loading:8.1f} samples/s\n")
    print("precision  processes  samples/s  ratio  waiting  alone samples/s  ratio")
    base = None
    for (precision, processes), entries in steps.items():
        speed = statistics.median(entry["samples_per_second"] for entry in entries)
        waiting = statistics.median(entry["waiting"] for entry in entries)
        alone = statistics.median(entry["samples_per_second"] / (1.0 - entry["waiting"]) for entry in entries)
        base = base or (speed, alone)
        print(
            f"{precision:<10} {processes:9d} {speed:10.2f} {speed / base[0]:6.2f} {waiting:8.0%}"
            f" {alone:16.2f} {alone / base[1]:6.2f}"
        )


def machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores {platform.machine()}, load {load:.1f}, torch {torch.__version__}"


def commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
