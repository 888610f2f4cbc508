"""How good every trained system is, beside every classical operator and the unprocessed input.

    python benchmarks/systems.py [../shared/data/hdr] [--split test] [--weights FILE ...] [--hdr-vdp]
                                 [--only expansion tone-mapping] [--cameras NAME ...] [--cache FOLDER]
                                 [--limit N] [--write]

Expansion: pictures of the scenes, taken with each camera, are expanded by every method and compared with the
light that the camera saw, on a display of 1000 cd/m², as `relume evaluate` does. Tone mapping: every tone
mapper runs on the scenes themselves; TMQI of the 8-bit result. Systems are those that relume ships, and the
weight files given, which are called by folder and name.

Each table answers one question, best first. "All" is the mean over cameras; each scene counts once, and
intervals are 95 % bootstrap intervals over scenes of the difference to the unprocessed input. With --split
validation the training scenes that `relume pack` keeps are looked at. A run that is stopped goes on where it
was when --cache names a folder. Prints the sections; --write puts them into docs/results.md.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import torch

from relume.evaluation.ranking import Question, Ranking, ranked, standing, table
from relume.evaluation.run import Outcome, Settings, run
from relume.evaluation.simulate import UNPROCESSED, SimulatedView, Simulation, find_views, parse_method
from relume.method import Direction
from relume.models.learned import SHIPPED, Learned
from relume.models.weights import read_card
from relume.operators.expand import OPERATORS as EXPANSIONS
from relume.operators.tonemap import OPERATORS as TONE_MAPPINGS
from results_page import provenance, publish

CAMERAS = ("relume", "sihdr-clip95", "singlehdr", "itmn")

CORRECTED = Question(
    title="PU21-PSNR after the tone-curve correction, dB", metric="pu_psnr", protocol="tone-curve"
)
AS_IT_IS = Question(title="PU21-PSNR as it is, dB", metric="pu_psnr", protocol="none")
CLIPPED = Question(
    title="Error in clipped pixels after the correction, stops RMS",
    metric="stops_rmse_clipped",
    protocol="tone-curve",
)
CLIPPED_AS_IT_IS = replace(CLIPPED, title="Error in clipped pixels as it is, stops RMS", protocol="none")
VSI = Question(title="PU21-VSI after the correction", metric="pu_vsi", protocol="tone-curve", decimals=4)
HDR_VDP = Question(title="HDR-VDP-3 Q after the correction", metric="hdr_vdp3", protocol="tone-curve")
TMQI = Question(title="TMQI", metric="tmqi", protocol="none", decimals=3)
STRUCTURE = Question(title="structure", metric="tmqi_structure", protocol="none", decimals=3)
NATURALNESS = Question(title="naturalness", metric="tmqi_naturalness", protocol="none", decimals=3)

EXPANSION_QUESTIONS = (CORRECTED, AS_IT_IS, CLIPPED, CLIPPED_AS_IT_IS, VSI, HDR_VDP)

# The same light as the unprocessed input.
SAME = "linear"

RASSDL_RIVALS = ("drago2003", "reinhard2002")

MOST_FAILURES_TOLD = 5


@dataclass(frozen=True, kw_only=True)
class Views:
    """Which scenes are looked at, how, and what is measured there."""

    folder: Path
    split: str | None
    per_panorama: int
    longest_side: int
    seed: int
    limit: int | None
    cache: Path | None
    workers: int | None
    hdr_vdp: bool

    def chosen(self, methods: Sequence[str], camera: str) -> tuple[list[SimulatedView], str]:
        """The views, spread over the scenes where there is a limit, and in words where they are from."""
        simulation = Simulation(
            methods=tuple(methods), camera=camera, seed=self.seed, longest_side=self.longest_side
        )
        found, told = find_views(self.folder, simulation, split=self.split, views=self.per_panorama)
        if self.limit is not None and self.limit < len(found):
            found = [found[index * len(found) // self.limit] for index in range(self.limit)]
            told = f"{len(found)} of {told}"
        return found, f"{told}, {self.longest_side} pixels wide, seed {self.seed}"

    def settings(self, *metrics: str, protocols: tuple[str, ...]) -> Settings:
        return Settings(metrics=metrics, protocols=protocols, cache=self.cache, workers=self.workers)

    def expanded(self, methods: Sequence[str], camera: str) -> Outcome:
        """The numbers of all questions of expansion."""
        views, _ = self.chosen(methods, camera)
        plans = [self.settings("pu_psnr", "stops_rmse_clipped", "pu_vsi", protocols=("tone-curve", "none"))]
        if self.hdr_vdp:
            plans.append(self.settings("hdr_vdp3", protocols=("tone-curve",)))
        return joined([_told(views, plan, camera) for plan in plans])

    def tone_mapped(self, methods: Sequence[str]) -> Outcome:
        """TMQI and its parts."""
        views, _ = self.chosen(methods, CAMERAS[0])
        plan = self.settings("tmqi", "tmqi_structure", "tmqi_naturalness", protocols=("none",))
        return _told(views, plan, "tone mapping")


def _told(views: Sequence[SimulatedView], settings: Settings, what: str) -> Outcome:
    """Run, and tell on standard error how far it is."""
    metrics = ", ".join(settings.metrics)

    def tell(done: int, name: str) -> None:
        print(f"{what}, {metrics}: {done}/{len(views)} {name}", file=sys.stderr)

    return run(views, settings, progress=tell)


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        records=list(chain.from_iterable(outcome.records for outcome in outcomes)),
        failures=list(chain.from_iterable(outcome.failures for outcome in outcomes)),
    )


def arguments_of_views(parser: argparse.ArgumentParser) -> None:
    """What all benchmarks of quality have in common."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data/hdr"))
    parser.add_argument("--split", help="of the manifest: test unless told otherwise, or validation, train")
    parser.add_argument("--cameras", nargs="+", default=list(CAMERAS))
    parser.add_argument("--views", type=int, default=2, help="of each panorama")
    parser.add_argument("--longest-side", type=int, default=640)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="so many views, spread over the scenes, to try things out")
    parser.add_argument("--cache", type=Path, help="folder for numbers, so that a stopped run goes on")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--hdr-vdp", action="store_true", help="HDR-VDP-3 too, which takes most of the time")
    parser.add_argument("--write", action="store_true", help="put the sections into docs/results.md")


def views_of(arguments: argparse.Namespace) -> Views:
    return Views(
        folder=arguments.folder,
        split=arguments.split,
        per_panorama=arguments.views,
        longest_side=arguments.longest_side,
        seed=arguments.seed,
        limit=arguments.limit,
        cache=arguments.cache,
        workers=arguments.workers,
        hdr_vdp=arguments.hdr_vdp,
    )


def classical(direction: Direction) -> list[str]:
    operators = EXPANSIONS if direction is Direction.EXPAND else TONE_MAPPINGS
    return [operator.spec.name for operator in operators if operator.spec.name != SAME]


def systems(weights: Sequence[Path], direction: Direction) -> dict[str, str]:
    """What `parse_method` takes → what tables say, of the shipped systems and the weight files."""
    found = {method.spec.name: method.spec.name for method in SHIPPED}
    found |= {str(path): f"{path.absolute().parent.name}/{path.stem}" for path in weights}
    return {text: name for text, name in found.items() if parse_method(text).spec.direction is direction}


def columns_of_cameras(by_camera: Mapping[str, Outcome], question: Question) -> dict[str, Ranking]:
    """All cameras together first, if there are several."""
    pooled = joined(list(by_camera.values())).records
    together = {"all": ranked(pooled, question)} if len(by_camera) > 1 else {}
    return together | {camera: ranked(found.records, question) for camera, found in by_camera.items()}


def tables(by_camera: Mapping[str, Outcome], labels: Mapping[str, str]) -> list[str]:
    """One for each question that was measured."""
    lines = []
    for question in EXPANSION_QUESTIONS:
        columns = columns_of_cameras(by_camera, question)
        if any(ranking.rows for ranking in columns.values()):
            lines += ["", f"**{question.title}**", "", *table(columns, labels=labels)]
    return lines


def failures_of(outcomes: Sequence[Outcome]) -> list[str]:
    """What could not be measured, the commonest first."""
    counted = Counter(failure.message for outcome in outcomes for failure in outcome.failures)
    told = [f"- {count} × {message}" for message, count in counted.most_common(MOST_FAILURES_TOLD)]
    return ["", "Left out:", "", *told] if told else []


def bold(names: Mapping[str, str]) -> dict[str, str]:
    return {text: f"**{name}**" for text, name in names.items()}


def expansion(views: Views, cameras: Sequence[str], trained: Mapping[str, str]) -> list[str]:
    """The section of expansion."""
    rivals = [UNPROCESSED, *classical(Direction.EXPAND)]
    methods = [*trained, *classical(Direction.EXPAND)]
    by_camera = {camera: views.expanded(methods, camera) for camera in cameras}
    records = joined(list(by_camera.values())).records
    chosen = views.chosen(methods, cameras[0])[1]
    return [
        provenance(f"each of {chosen}, with the cameras {', '.join(cameras)}"),
        "",
        f"The bar is {CORRECTED.title.removesuffix(', dB')}, over all cameras, beyond doubt better than the "
        "unprocessed input and than every classical operator:",
        "",
        *(
            f"- {standing(records, CORRECTED, method=text, rivals=rivals, labels=trained)}"
            for text in trained
        ),
        *tables(by_camera, bold(trained)),
        *failures_of(list(by_camera.values())),
        *budgets(trained),
    ]


def tone_mapping(views: Views, trained: Mapping[str, str]) -> list[str]:
    """The section of tone mapping."""
    rivals = classical(Direction.TONEMAP)
    methods = [*trained, *rivals]
    outcome = views.tone_mapped(methods)
    columns = {
        question.title: ranked(outcome.records, question) for question in (TMQI, STRUCTURE, NATURALNESS)
    }
    sentences = []
    for text in trained:
        for against, names in (("Drago 2003 and Reinhard 2002", RASSDL_RIVALS), ("every operator", rivals)):
            told = standing(outcome.records, TMQI, method=text, rivals=names, labels=trained)
            sentences.append(f"- Against {against}: {told}")
    return [
        provenance(f"each of {views.chosen(methods, CAMERAS[0])[1]}"),
        "",
        *(
            ["The bar is TMQI at or above Drago 2003 and Reinhard 2002:", "", *sentences, ""]
            if trained
            else []
        ),
        *table(columns, labels=bold(trained)),
        *failures_of([outcome]),
        *budgets(trained),
    ]


def budgets(trained: Mapping[str, str]) -> list[str]:
    """What each system is, and what its training took."""
    if not trained:
        return []
    lines = [
        "",
        "| system | size | parameters | trained by | steps | hours | on |",
        "| --- | --- | --: | --- | --: | --: | --- |",
    ]
    for text, name in trained.items():
        method = parse_method(text)
        assert isinstance(method, Learned)
        card = read_card(method.path)
        parameters = sum(weight.numel() for weight in method.network(torch.zeros(1)).parameters())
        start = ", begun with other weights" if card.recipe.get("start") else ""
        lines.append(
            f"| {name} | {card.preset} | {parameters / 1e6:.2f} M | {card.recipe.get('name', '')}{start} | "
            f"{card.steps} | {card.hours:.2f} | {card.machine} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments_of_views(parser)
    parser.add_argument("--weights", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=["expansion", "tone-mapping"])
    arguments = parser.parse_args()
    wanted = arguments.only or ["expansion", "tone-mapping"]
    views = views_of(arguments)
    if "expansion" in wanted:
        lines = expansion(views, arguments.cameras, systems(arguments.weights, Direction.EXPAND))
        publish("expansion", lines, write=arguments.write)
    if "tone-mapping" in wanted:
        lines = tone_mapping(views, systems(arguments.weights, Direction.TONEMAP))
        publish("tone-mapping", lines, write=arguments.write)


if __name__ == "__main__":
    main()
