"""How fast HDR-VDP-2 and HDR-VDP-3 are, and how much memory they take, beside the authors' programs.

    python benchmarks/hdr_vdp.py [--sizes 256 512 1024 2048] [--repeats 3] [--threads 2]
                                 [--original-2 FOLDER] [--original-3 FOLDER]

Pairs of square pictures, RGB of BT.709, float32 and float64, 30 pixels/degree. "q" is the row of the table of
metrics, without maps; "all" is the function with maps. The originals run in GNU Octave where `octave` and
their unpacked folders are given; each call is timed within Octave, in the same run, and the ratio is
relume's float64 time with maps over theirs: below 1 is faster. Memory is the growth of a fresh process at
its peak (Linux).
"""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from relume.metrics.hdr_vdp2 import HDR_VDP2, hdr_vdp2
from relume.metrics.hdr_vdp3 import HDR_VDP3, hdr_vdp3
from relume.metrics.metric import Viewing

FUNCTIONS: dict[str, Callable[..., object]] = {"hdr_vdp2": hdr_vdp2, "hdr_vdp3": hdr_vdp3}
ROWS = {"hdr_vdp2": HDR_VDP2, "hdr_vdp3": HDR_VDP3}
CALLS = {
    "hdr_vdp2": "hdrvdp(T, R, 'rgb-bt.709', 30, {})",
    "hdr_vdp3": "hdrvdp3('quality', T, R, 'rgb-bt.709', 30, {'use_gpu', false, 'quiet', true})",
}


def pair(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth scene of about ten stops with texture, and the same with noise; float32 in cd/m²."""
    generator = np.random.default_rng(2026)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    stops = 5.0 + 3.0 * np.sin(columns / 90.0) + 2.0 * np.cos(rows / 70.0)
    light = np.exp2(stops + 0.1 * generator.standard_normal((size, size), dtype=np.float32))
    reference = np.stack([light, 0.9 * light, 0.7 * light], axis=-1)
    noise = 1.0 + 0.05 * generator.standard_normal(reference.shape, dtype=np.float32)
    return (reference * noise).clip(0.01), reference


def work(name: str, size: int, dtype: torch.dtype, *, maps: bool) -> Callable[[], object]:
    prediction, reference = (torch.from_numpy(array).movedim(-1, 0).to(dtype) for array in pair(size))
    if maps:
        return lambda: FUNCTIONS[name](prediction, reference)
    return lambda: ROWS[name].score(prediction, reference, Viewing())


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Median on the clock; the first call is not counted."""
    taken = []
    with torch.no_grad():
        for _ in range(repeats + 1):
            begin = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begin)
    return median(taken[1:])


def peak_gibibytes(name: str, size: int, threads: int) -> float:
    """Growth of a fresh process over the libraries, float32 with maps."""
    command = [sys.executable, __file__, "--peak", name, str(size), "--threads", str(threads)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_peak(name: str, size: int) -> None:
    """What `peak_gibibytes` runs: warm up on a small pair, then measure."""

    def peak() -> int:
        return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

    seconds(work(name, 64, torch.float32, maps=True), 1)
    Path("/proc/self/clear_refs").write_text("5")
    held = peak()
    with torch.no_grad():
        work(name, size, torch.float32, maps=True)()
    print((peak() - held) / 2**30)


def original_seconds(name: str, folder: Path, size: int) -> float:
    """Of one call in Octave, with the same pictures."""
    with tempfile.TemporaryDirectory() as scratch:
        for letter, picture in zip("TR", pair(size), strict=True):
            # Octave counts columns first.
            picture.astype(np.float64).transpose(2, 1, 0).tofile(Path(scratch) / letter)
        script = f"""
            pkg load image; addpath(genpath('{folder}'));
            function x = picture(path, n), f = fopen(path); x = reshape(fread(f, 'double'), n, n, 3); end
            T = picture('{scratch}/T', {size}); R = picture('{scratch}/R', {size});
            tic; {CALLS[name]}; printf('seconds %g\\n', toc);
        """
        command = ["octave", "--no-gui", "--quiet", "--eval", script]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(output.rsplit("seconds ", 1)[1])


def row(name: str, size: int, arguments: argparse.Namespace) -> str:
    times = {
        (dtype, maps): seconds(work(name, size, dtype, maps=maps), arguments.repeats)
        for dtype in (torch.float32, torch.float64)
        for maps in (False, True)
    }
    folder = {"hdr_vdp2": arguments.original_2, "hdr_vdp3": arguments.original_3}[name]
    original = "– | –"
    if folder and shutil.which("octave"):
        other = original_seconds(name, folder, size)
        original = f"{other:.2f} s | {times[torch.float64, True] / other:.3f}"
    memory = peak_gibibytes(name, size, arguments.threads)
    columns = " | ".join(f"{taken:.2f} s" for taken in times.values())
    return f"| {name} | {size}² | {columns} | {memory:.2f} GiB | {original} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of HDR-VDP beside the originals.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--original-2", type=Path, help="folder of hdrvdp.m")
    parser.add_argument("--original-3", type=Path, help="folder of hdrvdp3.m")
    parser.add_argument("--peak", nargs=2, metavar=("NAME", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.peak:
        print_peak(arguments.peak[0], int(arguments.peak[1]))
        return
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores of load {os.getloadavg()[0]:.1f}, "
        f"{arguments.threads} threads, torch {torch.__version__}, median of {arguments.repeats}\n"
    )
    print("| metric | pixels | q, float32 | all | q, float64 | all | memory | original | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in FUNCTIONS:
        for size in arguments.sizes:
            print(row(name, size, arguments), flush=True)


if __name__ == "__main__":
    main()
