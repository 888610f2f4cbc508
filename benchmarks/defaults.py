"""Which method should be the default of each direction? Measured on views of the training scenes.

    python benchmarks/defaults.py FOLDER [--panoramas 40] [--peak 1000] [--workers 2]

FOLDER holds `manifest.csv` with the columns split, file, kind. Scenes of other splits than `train` are never
opened. Panoramas give two random views each, photographs the middle of the picture.

Expansion. A simple camera takes an 8-bit picture of each view, at exposures that clip 2, 5 and 10 % of the
pixels, once with the sRGB curve and once with a curve like that of a film. Methods get it as any user's
picture, decoded as sRGB. Both sides are shown on the same display: the light at which the camera clips is
reference white, 203 cd/m², and light above the peak of the display is cut. PU21-PSNR is taken of the picture
as it is, after the best exposure (the mean ratio, in stops, of the pixels that are not clipped), and after
the tone-curve correction of Hanji et al. 2022; and in clipped pixels the error of luminance in stops.

Tone mapping. TMQI of the result, encoded as 8-bit sRGB, against the view.

Each direction has a second table of the same views by how hard they are: expansion by how far, on average,
light in clipped pixels lies above white; tone mapping by the range from the 1st to the 99.9th percentile.

Intervals are 95 % bootstrap intervals over scenes, of the difference to the unprocessed picture. Methods are
measured as they come, and with the parameters of `GRID`.
"""

import argparse
import csv
import datetime
import os
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise, repeat
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from relume.catalog import METHODS
from relume.color.encoding import LINEAR_NITS, LINEAR_SCENE, REFERENCE_WHITE, SRGB
from relume.color.luminance import luminance
from relume.data.panorama import perspective_view, random_views
from relume.image import convert
from relume.io import read
from relume.method import Direction, Method, configure
from relume.metrics.pu21 import LOWEST, pu_psnr
from relume.metrics.tmqi import tmqi
from relume.metrics.tone_curve import correct_tone_curve

SIZE = (240, 320)
FIELD_OF_VIEW = (70.0, 95.0)
VIEWS_OF_A_PANORAMA = 2

CLIPPED_SHARES = (0.02, 0.05, 0.10)
CURVES = ("srgb", "film")

UNPROCESSED = "unprocessed"
CLIPPED_ERROR = "error in clipped, stops"

# Between groups of views, in stops.
OVERSHOOT_EDGES = (0.25, 1.0)
RANGE_EDGES = (6.0, 9.0)

GRID: dict[str, tuple[dict[str, object], ...]] = {
    "akyuz2007": ({"gamma": 1.5}, {"peak": 400.0}),
    "banterle2006": ({"peak": 300.0}, {"peak": 600.0}, {"peak": 1000.0}, {"peak": 1000.0, "stretch": 10.0}),
    "reinhard2002": ({"key": 0.3}, {"white": 3.0}, {"estimation": "2003"}),
    "reinhard2002_local": ({"key": 0.3}, {"sharpening": 12.0}),
    "reinhard_devlin2005": (
        {"intensity": -1.0},
        {"intensity": 1.0},
        {"light_adaptation": 0.5},
        {"contrast": 0.5},
    ),
    "drago2003": ({"bias": 0.7}, {"bias": 0.75}, {"bias": 0.8}, {"bias": 0.9}),
    "mantiuk2006": (
        {"factor": 0.05},
        {"factor": 0.2},
        {"factor": 0.4},
        {"mode": "equalization", "factor": 0.3},
    ),
}

Image = Float[Tensor, "1 3 height width"]
Scores = dict[str, dict[str, float]]
"""Name of a configured method → column → value."""


@dataclass(frozen=True)
class Measured:
    """The scores of one view, and how hard the view is, in stops."""

    scores: Scores
    hardness: float


@dataclass(frozen=True)
class Scene:
    """One row of the manifest."""

    path: Path
    panorama: bool
    seed: int


def train_scenes(folder: Path, panoramas: int, seed: int) -> list[Scene]:
    """All photographs and so many panoramas, drawn with that seed."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = sorted(
            (row for row in csv.DictReader(file) if row["split"] == "train"), key=lambda row: row["file"]
        )
    scenes = [
        Scene(folder / row["file"], row["kind"].startswith("panorama"), seed + index)
        for index, row in enumerate(rows)
    ]
    photographs = [scene for scene in scenes if not scene.panorama]
    candidates = [scene for scene in scenes if scene.panorama]
    drawn = np.random.default_rng(seed).permutation(len(candidates))[:panoramas]
    return [candidates[index] for index in sorted(drawn)] + photographs


def views_of(scene: Scene) -> Iterator[Image]:
    """Pictures of the scene in linear light without negative values."""
    light = read(scene.path).to(LINEAR_SCENE).pixels.clamp(min=0.0)
    if not scene.panorama:
        step = max(1, min(light.shape[1] // SIZE[0], light.shape[2] // SIZE[1]))
        light = torch.nn.functional.avg_pool2d(light, step)
        top, left = (light.shape[1] - SIZE[0]) // 2, (light.shape[2] - SIZE[1]) // 2
        yield light[None, :, top : top + SIZE[0], left : left + SIZE[1]]
        return
    generator = torch.Generator().manual_seed(scene.seed)
    views = random_views(VIEWS_OF_A_PANORAMA, generator=generator, horizontal_field_of_view=FIELD_OF_VIEW)
    pictures = perspective_view(
        light,
        yaw=views.yaw,
        pitch=views.pitch,
        roll=views.roll,
        horizontal_field_of_view=views.horizontal_field_of_view,
        size=SIZE,
    )
    yield from (picture[None] for picture in pictures)


def configurations(direction: Direction) -> dict[str, Method]:
    """Every method of that direction as it comes, and with the parameters of the grid."""
    found = {}
    for name, method in METHODS.items():
        if method.spec.direction is not direction or name == "linear":
            continue
        for parameters in ({}, *GRID.get(name, ())):
            written = " ".join(f"{key}={value}" for key, value in parameters.items())
            found[f"{name} {written}".strip()] = configure(method, parameters)
    return found


def take_picture(light: Image, curve: str) -> Image:
    """An 8-bit picture: light above 1 is clipped, then the curve, then rounding."""
    exposed = light.clamp(max=1.0)
    if curve == "film":
        # The mean of the curves that [eilertsen2017] fitted to measured cameras: n = 0.9, σ = 0.6.
        power = exposed.pow(0.9)
        encoded = 1.6 * power / (power + 0.6)
    else:
        encoded = convert(exposed, replace(SRGB, transfer="linear"), SRGB)
    return (255.0 * encoded).round() / 255.0


def measure_expansion(view: Image, peak: float) -> Measured:
    """The means over exposures and curves."""
    totals: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    methods = {UNPROCESSED: METHODS["linear"](), **configurations(Direction.EXPAND)}
    brightest = view.amax(1).flatten()
    for share in CLIPPED_SHARES:
        light = view / brightest.quantile(1.0 - share).clamp(min=1e-9)
        clipped = (light.amax(1, keepdim=True) >= 1.0).expand(1, 1, *SIZE)
        for curve in CURVES:
            picture = take_picture(light, curve)
            for name, method in methods.items():
                expanded = method(convert(picture, SRGB, method.spec.input))
                output = replace(method.spec.output, white=method.spec.output.white or REFERENCE_WHITE)
                nits = convert(expanded, output, LINEAR_NITS).clamp(min=0.0)
                for column, value in compare(nits, light * REFERENCE_WHITE, clipped, peak).items():
                    totals[name][column].append(value)
    scores = {
        name: {column: float(np.mean(values)) for column, values in columns.items()}
        for name, columns in totals.items()
    }
    return Measured(scores, hardness=scores[UNPROCESSED][CLIPPED_ERROR])


def compare(prediction: Image, light: Image, clipped: Tensor, peak: float) -> dict[str, float]:
    """All columns of the table of expansion."""
    reference = light.clamp(max=peak)
    gain = (stops_of(light) - stops_of(prediction))[~clipped].mean().exp2()
    shown, aligned = prediction.clamp(max=peak), (gain * prediction).clamp(max=peak)
    return {
        "as is": float(pu_psnr(shown, reference)),
        "exposure aligned": float(pu_psnr(aligned, reference)),
        "tone curve corrected": float(pu_psnr(correct_tone_curve(shown, reference), reference)),
        CLIPPED_ERROR: float((stops_of(shown) - stops_of(reference))[clipped].abs().mean()),
    }


def stops_of(light: Image) -> Tensor:
    return luminance(light).clamp(min=LOWEST).log2()


def measure_tone_mapping(view: Image) -> Measured:
    """TMQI of each method and of the view clipped at an exposure that brings its log mean to 0.18."""
    middle = luminance(view).clamp(min=1e-6).log().mean().exp()
    pictures = {UNPROCESSED: convert(view * (0.18 / middle), replace(SRGB, transfer="linear"), SRGB)}
    for name, method in configurations(Direction.TONEMAP).items():
        scene = replace(LINEAR_SCENE, white=method.spec.input.white and REFERENCE_WHITE)
        pictures[name] = convert(method(convert(view, scene, method.spec.input)), method.spec.output, SRGB)
    scores = {}
    for name, picture in pictures.items():
        codes = (255.0 * picture.clamp(0.0, 1.0)).round().byte()
        q, s, n = (float(value) for value in tmqi(codes, view))
        white = float((codes == 255).any(1).float().mean())
        scores[name] = {"TMQI": q, "structure": s, "naturalness": n, "clipped, %": 100.0 * white}
    low, high = stops_of(view).quantile(torch.tensor([0.01, 0.999]))
    return Measured(scores, hardness=float(high - low))


def measure(scene: Scene, peak: float) -> tuple[list[Measured], list[Measured]]:
    """Every view of a scene, in both directions."""
    with torch.no_grad():
        views = list(views_of(scene))
        return [measure_expansion(view, peak) for view in views], [
            measure_tone_mapping(view) for view in views
        ]


def per_scene(scenes: list[list[Measured]], name: str, column: str) -> np.ndarray:
    return np.array([np.mean([view.scores[name][column] for view in views]) for views in scenes])


def difference_to_unprocessed(scenes: list[list[Measured]], name: str, column: str) -> str:
    difference = per_scene(scenes, name, column) - per_scene(scenes, UNPROCESSED, column)
    draws = np.random.default_rng(0).integers(len(scenes), size=(2000, len(scenes)))
    low, high = np.quantile(difference[draws].mean(1), (0.025, 0.975))
    return f"{difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def ranked(scenes: list[list[Measured]], rank: str) -> list[str]:
    """Names of the methods, best in that column first."""
    return sorted(scenes[0][0].scores, key=lambda name: -per_scene(scenes, name, rank).mean())


def markdown(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def table_of_means(scenes: list[list[Measured]], rank: str) -> str:
    columns = list(scenes[0][0].scores[UNPROCESSED])
    rows = [
        [name]
        + [f"{per_scene(scenes, name, column).mean():.4g}" for column in columns]
        + [difference_to_unprocessed(scenes, name, rank) if name != UNPROCESSED else ""]
        for name in ranked(scenes, rank)
    ]
    return markdown(["method", *columns, f"{rank}: difference to unprocessed"], rows)


def table_by_hardness(scenes: list[list[Measured]], rank: str, edges: tuple[float, float]) -> str:
    head, groups = ["method"], []
    for low, high in pairwise((-np.inf, *edges, np.inf)):
        group = [[view for view in views if low <= view.hardness < high] for views in scenes]
        groups.append([views for views in group if views])
        meaning = (
            f"under {high:g}" if low < 0 else f"{low:g} to {high:g}" if high < np.inf else f"{low:g} and more"
        )
        head.append(f"{meaning} stops ({sum(map(len, group))} views)")
    rows = [
        [name] + [difference_to_unprocessed(group, name, rank) if group else "" for group in groups]
        for name in ranked(scenes, rank)
        if name != UNPROCESSED
    ]
    return markdown(head, rows)


def commit() -> str:
    """The commit that was measured, and whether the package had changed since."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout

    changed = git("status", "--porcelain", "--", "../src", "defaults.py").strip()
    return git("rev-parse", "--short", "HEAD").strip() + (" with local changes" if changed else "")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder with manifest.csv")
    parser.add_argument("--panoramas", type=int, default=40)
    parser.add_argument("--peak", type=float, default=1000.0, help="of the display, in cd/m²")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()
    scenes = train_scenes(arguments.folder, arguments.panoramas, arguments.seed)
    results = []
    # One thread each: the pictures are small, and threads that wait for each other cost more than they bring.
    with ProcessPoolExecutor(arguments.workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for scene, result in zip(scenes, pool.map(measure, scenes, repeat(arguments.peak)), strict=True):
            results.append(result)
            print(f"{len(results)}/{len(scenes)} {scene.path.stem}", file=sys.stderr)
    views = sum(len(of_scene) for of_scene, _ in results)
    print(
        f"{datetime.date.today()}, {os.cpu_count()} cores, commit {commit()}, {views} views of {len(scenes)} "
        f"training scenes, {SIZE[1]}×{SIZE[0]} pixels; `{shlex.join(['python', *sys.argv])}`\n"
    )
    expanded, mapped = [result[0] for result in results], [result[1] for result in results]
    print(f"Expansion: PU21-PSNR in dB on a display of {arguments.peak:g} cd/m²\n")
    print(table_of_means(expanded, "tone curve corrected"))
    print("\nTone curve corrected, difference to unprocessed, by the overshoot of clipped light\n")
    print(table_by_hardness(expanded, "tone curve corrected", OVERSHOOT_EDGES))
    print("\nTone mapping\n")
    print(table_of_means(mapped, "TMQI"))
    print("\nTMQI, difference to unprocessed, by the range of the view\n")
    print(table_by_hardness(mapped, "TMQI", RANGE_EDGES))


if __name__ == "__main__":
    main()
