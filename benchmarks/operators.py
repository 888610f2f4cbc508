"""How fast the operators are, and how much memory they take, beside those of OpenCV.

    python benchmarks/operators.py [--size 3000x4000] [--repeats 7] [--threads 2] [--only NAME ...]
                                   [--scale-to 12] [--no-memory]

Needs the extra `bench`. One process, one picture, repetitions interleaved, medians of wall-clock and of
processor time. Ratios are relume's time over OpenCV's: below 1 is faster. relume runs through its runner,
with conversion to the range of the display; OpenCV runs with gamma 1, so that neither encodes. Memory is what
a fresh process grows by while it works, in multiples of the float picture: 1 is the result itself (Linux).

Without --only all operators of both directions run. Expansions get the same picture, as SDR codes.
With --scale-to seconds are those of the size that ran, in proportion to that many megapixels: good where
time grows with the pixels, and a hint elsewhere.

OpenCV's "Reinhard" is Reinhard and Devlin 2005. It has no Reinhard 2002, which is set beside it too. Its
fusion of Mertens gets the exposures that relume finds and makes itself, so its time is without them. Reading
gives float tensors in relume and what the file stores in OpenCV, from the same file.
"""

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENCV_IO_ENABLE_OPENEXR", "1")

import cv2
import numpy as np
import psutil
import torch

import relume.io
from relume.color.encoding import LINEAR_SCENE, REFERENCE_WHITE, SRGB
from relume.image import Image
from relume.inference.runner import run
from relume.io import WriteOptions
from relume.method import Direction
from relume.operators.expand import OPERATORS as EXPANSIONS
from relume.operators.statistics import light_of
from relume.operators.tonemap import OPERATORS as TONE_MAPPINGS
from relume.operators.tonemap.mertens2007 import zone_exposures

OPERATORS = {method.spec.name: method for method in (*EXPANSIONS, *TONE_MAPPINGS)}

TONEMAPPERS = {
    "Reinhard": lambda: cv2.createTonemapReinhard(gamma=1.0),
    "Drago": lambda: cv2.createTonemapDrago(gamma=1.0),
    "Mantiuk": lambda: cv2.createTonemapMantiuk(gamma=1.0),
}

FUSION = "Mertens"

# Of OpenCV the one to compare with; it has nothing like the others.
COUNTERPARTS = {
    "reinhard_devlin2005": "Reinhard",
    "reinhard2002": "Reinhard",
    "drago2003": "Drago",
    "mantiuk2006": "Mantiuk",
    "mertens2007": FUSION,
}

Work = Callable[[], object]


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of all processors together."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} s"

    def scaled(self, factor: float) -> "Taken":
        return Taken(self.wall * factor, self.processor * factor)

    def over(self, other: "Taken") -> str:
        return f"{self.wall / other.wall:.2f} | {self.processor / other.processor:.2f}"


def picture(height: int, width: int) -> np.ndarray:
    """About twenty stops of smooth shapes with a little noise, float32 (height, width, 3)."""
    generator = np.random.default_rng(2026)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    stops = 4.0 * np.sin(columns / 300.0) + 4.0 * np.cos(rows / 210.0) + 2.0 * np.sin((rows + columns) / 37.0)
    light = np.exp2(stops + 0.05 * generator.standard_normal((height, width), dtype=np.float32))
    return np.stack([light * 0.8, light, light * (1.1 + 0.3 * np.sin(rows / 90.0))], axis=-1)


def as_image(array: np.ndarray) -> Image:
    return Image(torch.from_numpy(array).permute(2, 0, 1).contiguous(), LINEAR_SCENE)


def interleaved(works: dict[str, Work], repeats: int) -> dict[str, Taken]:
    """Medians of each, all taking turns; the first turn is not counted."""
    wall: dict[str, list[float]] = {name: [] for name in works}
    processor: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 1):
        for name, work in works.items():
            begin, processor_begin = time.perf_counter(), time.process_time()
            work()
            wall[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - processor_begin)
    return {name: Taken(median(wall[name][1:]), median(processor[name][1:])) for name in works}


def contestant(name: str, array: np.ndarray) -> Work:
    """To process the picture with a method of relume, or with "cv2 " and a tone mapper of OpenCV."""
    if name == f"cv2 {FUSION}":
        return partial(cv2.createMergeMertens().process, exposures(array))
    if name.startswith("cv2 "):
        return partial(TONEMAPPERS[name.removeprefix("cv2 ")]().process, array)
    method = OPERATORS[name]()
    if method.spec.direction is Direction.TONEMAP:
        return partial(run, method, as_image(array), reference_white=REFERENCE_WHITE)
    codes = torch.from_numpy(sdr_codes(array)).permute(2, 0, 1).contiguous()
    return partial(run, method, Image(codes / 255.0, SRGB))


def sdr_codes(array: np.ndarray, exposure: float = 1 / 16) -> np.ndarray:
    """The picture at an exposure as 8-bit codes with gamma 2.2."""
    return (np.clip(array * np.float32(exposure), 0.0, 1.0) ** (1 / 2.2) * 255.0 + 0.5).astype(np.uint8)


def exposures(array: np.ndarray) -> list[np.ndarray]:
    """The exposures that relume's fusion would make."""
    return [sdr_codes(array, exposure) for exposure in zone_exposures(light_of(as_image(array).pixels[None]))]


def peak_memory(name: str, array: np.ndarray) -> float:
    """Growth of a fresh process over the picture and the libraries, in multiples of the picture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.npy"
        np.save(path, array)
        command = [
            sys.executable,
            __file__,
            "--peak",
            name,
            str(path),
            "--threads",
            str(torch.get_num_threads()),
        ]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_peak(name: str, path: Path) -> None:
    """What `peak_memory` runs: warm up on a corner, then measure on the whole."""
    contestant(name, picture(64, 64))()
    array = np.load(path)
    work = contestant(name, array)
    held = psutil.Process().memory_info().rss
    reset_peak()
    work()
    print((peak_bytes() - held) / array.nbytes)


def reset_peak() -> None:
    """Linux only; `getrusage` will not do, for a child inherits the peak of its parent."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def operators_table(
    names: list[str], array: np.ndarray, repeats: int, *, factor: float, memory: bool
) -> list[str]:
    others = {name: f"cv2 {COUNTERPARTS[name]}" for name in names if name in COUNTERPARTS}
    running = dict.fromkeys([*names, *others.values()])
    taken = interleaved({name: contestant(name, array) for name in running}, repeats)
    times = {name: took.scaled(factor) for name, took in taken.items()}
    lines = [
        "| operator | relume | OpenCV | ratio | of processor time | memory | OpenCV's memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        other = others.get(name)
        own = f"{peak_memory(name, array):.2f}" if memory else "–"
        if other is None:
            lines.append(f"| {name} | {times[name]} | – | – | – | {own} | – |")
            continue
        its = f"{peak_memory(other, array):.2f}" if memory else "–"
        lines.append(
            f"| {name} | {times[name]} | {COUNTERPARTS[name]} {times[other]} | "
            f"{times[name].over(times[other])} | {own} | {its} |"
        )
    return lines


def files_table(array: np.ndarray, repeats: int, folder: Path) -> list[str]:
    """Writing and reading of an 8-bit JPEG at quality 95 and of a half-float EXR with ZIP compression."""
    codes = sdr_codes(array)
    jpeg, exr = str(folder / "cv2.jpg"), str(folder / "cv2.exr")
    half = [cv2.IMWRITE_EXR_TYPE, cv2.IMWRITE_EXR_TYPE_HALF, cv2.IMWRITE_EXR_COMPRESSION, 3]
    cv2.imwrite(jpeg, codes, [cv2.IMWRITE_JPEG_QUALITY, 95])
    cv2.imwrite(exr, array, half)
    sdr, hdr = relume.io.read(jpeg), relume.io.read(exr)
    options = WriteOptions(quality=95)

    def write(suffix: str, image: Image) -> Work:
        return lambda: relume.io.write(folder / f"relume.{suffix}", image, overwrite=True, options=options)

    works: dict[str, tuple[Work, Work]] = {
        "read JPEG": (lambda: relume.io.read(jpeg), lambda: cv2.imread(jpeg)),
        "write JPEG": (write("jpg", sdr), lambda: cv2.imwrite(jpeg, codes, [cv2.IMWRITE_JPEG_QUALITY, 95])),
        "read EXR": (lambda: relume.io.read(exr), lambda: cv2.imread(exr, cv2.IMREAD_UNCHANGED)),
        "write EXR": (write("exr", hdr), lambda: cv2.imwrite(exr, array, half)),
    }
    lines = ["| file | relume | OpenCV | ratio | of processor time |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, (own, other) in works.items():
        times = interleaved({"own": own, "other": other}, repeats)
        lines.append(f"| {name} | {times['own']} | {times['other']} | {times['own'].over(times['other'])} |")
    return lines


def commit() -> str:
    def git(*arguments: str) -> str:
        folder = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of the operators beside OpenCV's.")
    parser.add_argument("--size", default="3000x4000", help="height x width")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=[*OPERATORS, "files"])
    parser.add_argument("--scale-to", type=float, metavar="MEGAPIXELS", help="scale seconds to this size")
    parser.add_argument("--no-memory", action="store_true", help="leave out memory, a process for each")
    parser.add_argument("--peak", nargs=2, metavar=("NAME", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    if arguments.peak:
        return print_peak(arguments.peak[0], Path(arguments.peak[1]))
    height, width = map(int, arguments.size.split("x"))
    array = picture(height, width)
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores of load {os.getloadavg()[0]:.1f}, "
        f"{arguments.threads} threads, commit {commit()}, torch {torch.__version__}, "
        f"OpenCV {cv2.__version__}, {width} × {height} pixels, median of {arguments.repeats}"
    )
    factor = arguments.scale_to * 1e6 / (height * width) if arguments.scale_to else 1.0
    if arguments.scale_to:
        print(
            f"Seconds of the operators are scaled to {arguments.scale_to:g} megapixels, times {factor:.1f}."
        )
    wanted = arguments.only or [*OPERATORS, "files"]
    names = [name for name in OPERATORS if name in wanted]
    if names:
        memory = not arguments.no_memory
        table = operators_table(names, array, arguments.repeats, factor=factor, memory=memory)
        print("", *table, sep="\n", end="\n\n")
    if "files" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            print("\n".join(files_table(array, arguments.repeats, Path(folder))))
    return None


if __name__ == "__main__":
    main()
