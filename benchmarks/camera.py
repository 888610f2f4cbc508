"""How many training pictures a second the cameras take, and which stage costs what.

    python benchmarks/camera.py [--batch 8] [--size 256] [--repeats 9] [--threads 2] [--device cpu]

Scenes are noise around four stops of light with a lamp, in memory. Cameras take turns; times are medians of
the repetitions. Time of the processor, summed over threads, hardly depends on what else the machine is doing;
time of the clock does. Stages are those of the default preset, drawing and applying together.
"""

import argparse
import datetime
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from relume.camera.camera import Camera
from relume.camera.presets import DEFAULT, PRESETS, find

STAGES = ("white_balance", "exposure", "noise", "truncation", "response", "quantization", "compression")


def scenes(batch: int, size: int, device: str) -> Tensor:
    ramp = torch.linspace(-2.0, 2.0, size).exp2()
    texture = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1)).mul(0.3).exp()
    light = 0.18 * ramp * texture
    light[:, :, : size // 8, : size // 8] = 20.0
    return light.to(device)


def seconds(work: Callable[[], object], device: str) -> tuple[float, float]:
    """By the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - clock, time.process_time() - processor


def row(name: str, times: list[tuple[float, float]], batch: int) -> str:
    clock, processor = (statistics.median(column) for column in zip(*times, strict=True))
    return (
        f"{name:16} {1e3 * clock:9.1f} {batch / clock:11.0f} {1e3 * processor:9.1f} {batch / processor:11.0f}"
    )


def stage_work(camera: Camera, name: str, light: Tensor, generator: torch.Generator) -> Callable[[], object]:
    stage = getattr(camera, name)
    if hasattr(stage, "draw"):
        return lambda: stage.apply(light, stage.draw(light, generator))
    return lambda: stage.apply(light)


def commit() -> str:
    def git(*arguments: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    light = scenes(arguments.batch, arguments.size, arguments.device)
    generator = torch.Generator(arguments.device).manual_seed(1)
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"{arguments.threads} threads, {arguments.device}, commit {commit()}, torch {torch.__version__}, "
        f"batch {arguments.batch} × 3 × {arguments.size} × {arguments.size}, median of {arguments.repeats}\n"
    )
    cameras = {name: find(name) for name in PRESETS}
    default = find(DEFAULT)
    works: dict[str, Callable[[], object]] = {
        name: lambda camera=camera: camera(light, generator=generator) for name, camera in cameras.items()
    }
    works |= {f"  {name}": stage_work(default, name, light, generator) for name in STAGES}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for repetition in range(arguments.repeats + 1):
        for name, work in works.items():
            elapsed = seconds(work, arguments.device)
            if repetition:  # the first is for caches
                times[name].append(elapsed)
    print(f"{'':16} {'clock ms':>9} {'pictures/s':>11} {'cpu ms':>9} {'pictures/s':>11}")
    print("\n".join(row(name, taken, arguments.batch) for name, taken in times.items()))


if __name__ == "__main__":
    main()
