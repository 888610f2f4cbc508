"""The default of `relume expand`: how fast, how hungry, how harmless and how good it is.

    python benchmarks/expand.py [../shared/data/hdr] [--photographs ../shared/data/sdr] [--large]
                                [--only speed model harm quality] [--repeats 5] [--threads 2] [--device cpu]
                                [--small] [--cache FOLDER] [--limit N] [--write]

Speed. `relume expand` of a 12-megapixel JPEG to EXR in a fresh process, everything included: seconds on the
clock, and the peak of its memory (Linux); --large adds 100 megapixels. Beside it what starting costs.

Model. Time of the network and what applies it at full size, without files, beside the architecture of
ExpandNet as its paper tells it, with random weights, all taking turns in one process. ExpandNet runs on one
megapixel; its work is proportional to the pixels.

Harm. Photographs are expanded and written as half-float EXR; what comes back goes through the response that
the network estimated. Where nothing counts as clipped, the codes should be those of the photograph.

Quality. As benchmarks/systems.py, of the default beside the classical operators and the unprocessed input;
see benchmarks/gain_maps.py for photographs with gain maps, benchmarks/confidence.py for the masks.

Prints the section; --write puts it into docs/results.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional

import relume.io
from relume.color.encoding import SRGB
from relume.data.files import pictures
from relume.evaluation.ranking import Question, ranked, standing
from relume.evaluation.simulate import UNPROCESSED
from relume.image import Image
from relume.inference.runner import RunSettings, run
from relume.method import Direction
from relume.models.ember import measured_curves
from relume.models.learned import EmberExpansion
from relume.response.joint import joint_codes
from results_page import provenance, publish
from systems import (
    AS_IT_IS,
    CLIPPED,
    CORRECTED,
    Views,
    arguments_of_views,
    bold,
    classical,
    failures_of,
    joined,
    tables,
    views_of,
)

DEFAULT = EmberExpansion.spec.name

MEGAPIXELS_12 = (3000, 4000)
MEGAPIXELS_100 = (8660, 11547)
ONE_MEGAPIXEL = (1024, 1024)
FRAME_4K = (2160, 3840)
SMALL = (256, 256)
PATCH = 256

SECONDS_FOR_12, GIBIBYTES_FOR_12, GIBIBYTES_FOR_100 = 5.0, 1.5, 3.0
TIMES_FASTER = 40.0
FRAMES_PER_SECOND = 60.0

# The process says itself what its peak was: that of a child in `getrusage` starts at its parent's.
RELUME = """
import atexit, pathlib
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print("peak", status.read_text().split("VmHWM:")[1].split()[0]))
from relume.cli.main import main
main()
"""
STARTS = {
    "Python": "pass",
    "Python and torch": "import torch",
    "the command line of relume": "import relume.cli.main",
}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What the default is to reach: a gain over the unprocessed input, or a mean."""

    question: Question
    gain: float | None = None
    mean: float | None = None


GOALS = (
    Goal(question=CORRECTED, gain=2.5),
    Goal(question=AS_IT_IS, gain=2.0),
    Goal(question=CLIPPED, mean=0.7),
)


class ExpandNet(nn.Module):
    """The architecture of ExpandNet: near, wider and the whole picture, joined in each pixel.

    References:  [marnerides2018], section 3: 3×3 convolutions with SELU; the local branch has 64 and 128
    features, the dilation branch four layers of 64 with dilation 2, the global branch sees 256×256 pixels and
    halves them six times; their 256 features are fused by two 1×1 convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1), nn.SELU(), nn.Conv2d(64, 128, 3, padding=1), nn.SELU()
        )
        widths = [3, 64, 64, 64, 64]
        wider = [nn.Conv2d(*pair, 3, padding=2, dilation=2) for pair in pairwise(widths)]
        self.wider = nn.Sequential(wider[0], nn.SELU(), wider[1], nn.SELU(), wider[2], nn.SELU(), wider[3])
        halving = [nn.Conv2d(3 if level == 0 else 64, 64, 3, stride=2, padding=1) for level in range(6)]
        self.whole = nn.Sequential(
            *(layer for convolution in halving for layer in (convolution, nn.SELU())), nn.Conv2d(64, 64, 4)
        )
        self.fusion = nn.Sequential(nn.Conv2d(256, 64, 1), nn.SELU(), nn.Conv2d(64, 3, 1), nn.Sigmoid())

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Patch by patch, as its authors run it, which is quickest too; without their overlap."""
        copy = functional.interpolate(picture, size=(PATCH, PATCH), mode="bilinear", align_corners=False)
        whole = self.whole(copy)
        patches = [part for band in picture.split(PATCH, dim=-2) for part in band.split(PATCH, dim=-1)]
        return [self.fused(patch, whole.expand(-1, -1, *patch.shape[-2:])) for patch in patches]

    def fused(self, patch: Tensor, whole: Tensor) -> Tensor:
        result: Tensor = self.fusion(torch.cat([self.near(patch), self.wider(patch), whole], dim=1))
        return result


def photograph(height: int, width: int) -> np.ndarray:
    """Smooth shapes, a little noise and some clipped light, as 8-bit codes (height, width, 3)."""
    generator = np.random.default_rng(2026)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = 0.5 + 0.3 * np.sin(columns / 300.0) + 0.3 * np.cos(rows / 210.0)
    shade += 0.1 * np.sin((rows + columns) / 37.0)
    shade += 0.01 * generator.standard_normal((height, width), dtype=np.float32)
    colour = np.stack([shade, 0.97 * shade, 0.9 * shade], axis=-1)
    return (255.0 * colour.clip(0.0, 1.0) + 0.5).astype(np.uint8)


def saved(folder: Path, size: tuple[int, int]) -> Path:
    """A JPEG of that size; large ones repeat a 12-megapixel picture."""
    height, width = size
    path = folder / f"{width}x{height}.jpg"
    part = photograph(min(height, MEGAPIXELS_12[0]), min(width, MEGAPIXELS_12[1]))
    times = (-(-height // part.shape[0]), -(-width // part.shape[1]), 1)
    Pillow.fromarray(np.tile(part, times)[:height, :width]).save(path, quality=95)
    return path


@dataclass(frozen=True)
class Spent:
    """By a fresh process: seconds on the clock, and the peak of its memory."""

    seconds: float
    gibibytes: float | None

    def __str__(self) -> str:
        memory = "" if self.gibibytes is None else f"{self.gibibytes:.2f} GiB"
        return f"{self.seconds:.2f} s | {memory}"


def spent(script: str, *arguments: str, repeats: int) -> Spent:
    """The median of so many fresh processes after a first, and the largest peak.

    Python keeps what it compiled of relume, as it does unless told otherwise.
    """
    times, peaks = [], []
    environment = {name: told for name, told in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", script, *arguments]
    subprocess.run(command, capture_output=True, check=True, env=environment)
    for _ in range(repeats):
        begin = time.perf_counter()
        finished = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        times.append(time.perf_counter() - begin)
        if "peak" in finished.stdout:
            peaks.append(int(finished.stdout.rsplit("peak", 1)[1]) / 2**20)
    return Spent(median(times), max(peaks) if peaks else None)


def speed(repeats: int, *, large: bool) -> list[str]:
    """`relume expand` from file to file, and what of it is starting."""
    sizes = {"16 × 16": (16, 16), "12 megapixels": MEGAPIXELS_12}
    sizes |= {"100 megapixels": MEGAPIXELS_100} if large else {}
    lines = ["", "| a fresh process | on the clock | peak of memory |", "| --- | --: | --: |"]
    lines += [f"| {name} | {spent(script, repeats=repeats)} |" for name, script in STARTS.items()]
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, size in sizes.items():
            source, target = saved(Path(scratch), size), Path(scratch) / "result.exr"
            arguments = ["expand", str(source), "-o", str(target), "--overwrite"]
            found[name] = spent(RELUME, *arguments, repeats=repeats)
            lines.append(f"| `relume expand`, JPEG to EXR, {name} | {found[name]} |")
    return [*lines, "", *speed_goals(found)]


def speed_goals(found: Mapping[str, Spent]) -> list[str]:
    twelve = found["12 megapixels"]
    lines = [
        f"- {met(twelve.seconds <= SECONDS_FOR_12)}: 12 megapixels in at most {SECONDS_FOR_12:g} s.",
        f"- {met((twelve.gibibytes or 0) <= GIBIBYTES_FOR_12)}: within {GIBIBYTES_FOR_12:g} GiB.",
    ]
    if (hundred := found.get("100 megapixels")) is not None:
        within = (hundred.gibibytes or 0) <= GIBIBYTES_FOR_100
        lines.append(f"- {met(within)}: 100 megapixels within {GIBIBYTES_FOR_100:g} GiB.")
    return lines


def met(reached: bool) -> str:
    return "Met" if reached else "**Not met**"


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of all processor cores together."""

    clock: float
    processor: float


def model(repeats: int, device: str, *, small: bool) -> list[str]:
    """Milliseconds for a megapixel of the default at several sizes, and of ExpandNet."""
    network = ExpandNet().eval().to(device)
    sizes = (SMALL,) if small else (ONE_MEGAPIXEL, FRAME_4K, MEGAPIXELS_12)
    works: dict[object, Callable[[], object]] = {size: default_on(size, device) for size in sizes}
    works[ExpandNet] = partial(network, picture_of(sizes[0], device))
    taken = in_turns(works, repeats)
    other = taken[ExpandNet]
    parameters = sum(weight.numel() for weight in network.parameters())
    lines = [
        "",
        f"ExpandNet's architecture ({parameters:,} parameters) takes "
        f"{1e3 * other.clock / megapixels(sizes[0]):.0f} ms for a megapixel on {device}; {DEFAULT}:",
        "",
        "| pixels | ms for all | ms for a megapixel | times faster than ExpandNet | by processor time |",
        "| --- | --: | --: | --: | --: |",
    ]
    for size in sizes:
        own, scale = taken[size], megapixels(size) / megapixels(sizes[0])
        times = other.clock / own.clock * scale
        lines.append(
            f"| {size[1]} × {size[0]} | {1e3 * own.clock:.0f} | {1e3 * own.clock / megapixels(size):.1f} | "
            f"{times:.0f} | {other.processor / own.processor * scale:.0f} |"
        )
    verdict = f"at least {TIMES_FASTER:g} times faster than ExpandNet, at the largest size."
    lines += ["", f"- {met(times >= TIMES_FASTER)}: {verdict}"]
    if device != "cpu" and FRAME_4K in taken:
        fast = 1.0 / taken[FRAME_4K].clock > FRAMES_PER_SECOND
        lines.append(f"- {met(fast)}: 4K frames faster than {FRAMES_PER_SECOND:g} a second.")
    return lines


def default_on(size: tuple[int, int], device: str) -> Callable[[], object]:
    """To expand a picture in memory: through the runner, or with all of it on the GPU."""
    method, picture = EmberExpansion(), picture_of(size, device)
    if device == "cpu":
        return partial(run, method, Image(picture[0], SRGB), settings=RunSettings(device=device))
    return partial(method, picture)


@torch.no_grad()
def in_turns(works: Mapping[object, Callable[[], object]], repeats: int) -> dict[object, Taken]:
    """The medians of each, all taking turns; the first turn is for caches."""
    clock: dict[object, list[float]] = {name: [] for name in works}
    processor: dict[object, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 1):
        for name, work in works.items():
            begin, processor_begin = time.perf_counter(), time.process_time()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            clock[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - processor_begin)
    return {name: Taken(median(clock[name][1:]), median(processor[name][1:])) for name in works}


def megapixels(size: tuple[int, int]) -> float:
    return size[0] * size[1] / 1e6


def picture_of(size: tuple[int, int], device: str) -> Tensor:
    codes = torch.from_numpy(photograph(*size)).permute(2, 0, 1)[None]
    return (codes.float() / 255.0).to(device)


def harm(folder: Path, limit: int | None) -> list[str]:
    """What comes back of photographs where nothing is clipped."""
    lines = [
        "",
        "| photograph | not clipped, % | off by more than one code of 8 bits, % | at most by |",
        "| --- | --: | --: | --: |",
    ]
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for path in pictures(folder, (".png", ".jpg", ".jpeg"))[:limit]:
            photo = relume.io.read(path).to(SRGB)
            sure, differences = residual(photo, Path(scratch) / "result.exr")
            largest = float(differences.max(initial=0.0))
            worst = max(worst, largest)
            lines.append(
                f"| {path.name} | {100 * sure:.1f} | {100 * np.mean(differences > 1):.4f} | {largest:.3f} |"
            )
    return [*lines, "", f"- {met(worst <= 1)}: nothing that is not clipped is off by more than one code."]


def residual(photo: Image, target: Path) -> tuple[float, np.ndarray]:
    """The share of pixels in which no channel counts as clipped, and by how many codes they are off."""
    method = EmberExpansion()
    relume.io.write(target, run(method, photo), overwrite=True)
    light = relume.io.read(target).pixels.double()
    codes = photo.pixels[None]
    with torch.no_grad():
        curves = measured_curves(method.measure(codes)).double()
        sure = (method.mask(codes)[0, 0] == 0).numpy()
    differences = 255.0 * (joint_codes(light[None], curves) - codes)[0].abs().numpy()
    return float(sure.mean()), differences[:, sure].max(0)


def quality(views: Views, cameras: list[str]) -> list[str]:
    """The default beside the classical operators, and how far it is from its goals."""
    rivals = classical(Direction.EXPAND)
    by_camera = {camera: views.expanded([DEFAULT, *rivals], camera) for camera in cameras}
    records = joined(list(by_camera.values())).records
    bar = standing(records, CORRECTED, method=DEFAULT, rivals=[UNPROCESSED, *rivals])
    goals = []
    for goal in GOALS:
        row = next((row for row in ranked(records, goal.question).rows if row.method == DEFAULT), None)
        if row is None or row.difference is None:
            continue
        if goal.gain is not None:
            reached, value = row.difference.mean >= goal.gain, f"{row.difference.mean:+.2f}"
            wanted = f"{goal.gain:+g} to the unprocessed input"
        else:
            reached, value, wanted = (
                row.mean.mean <= (goal.mean or 0.0),
                f"{row.mean.mean:.2f}",
                f"at most {goal.mean}",
            )
        goals.append(f"- {met(reached)}: {goal.question.title}: {value}; the goal is {wanted}.")
    chosen = views.chosen([DEFAULT], cameras[0])[1]
    return [
        "",
        f"Quality: each of {chosen}, with the cameras {', '.join(cameras)}.",
        "",
        *goals,
        f"- {bar}",
        *tables(by_camera, bold({DEFAULT: DEFAULT})),
        *failures_of(list(by_camera.values())),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments_of_views(parser)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/sdr"))
    parser.add_argument("--only", nargs="+", choices=["speed", "model", "harm", "quality"])
    parser.add_argument("--large", action="store_true", help="100 megapixels, too")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="of the models: cpu or cuda")
    parser.add_argument("--small", action="store_true", help="one small picture for the models, to try out")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    wanted = arguments.only or ["speed", "model", "harm", "quality"]
    lines: list[str] = []
    if "speed" in wanted:
        lines += speed(arguments.repeats, large=arguments.large)
    if "model" in wanted:
        lines += model(arguments.repeats, arguments.device, small=arguments.small)
    if "harm" in wanted:
        lines += harm(arguments.photographs, arguments.limit)
    if "quality" in wanted:
        lines += quality(views_of(arguments), arguments.cameras)
    origin = provenance(f"{arguments.threads} threads, median of {arguments.repeats}")
    publish("default", [origin, *lines], write=arguments.write)


if __name__ == "__main__":
    main()
