"""Tone-mapped pictures compared by eye, without knowing which method made which.

    python benchmarks/blind.py draw SHEETS [../shared/data/hdr] [--split test] [--methods NAME ...]
                                    [--longest-side 480] [--seed 0]
    python benchmarks/blind.py count ANSWERS [the same options] [--judge WHO] [--write]

`draw` writes a sheet for one picture of each scene: the result of every method, under letters that are dealt
anew for each sheet. A judge looks at the sheets and writes down, a line for each, what looks best to what
looks worst, as a print of the scene should: `007 DBFACE`. `count` deals the same letters again, and tells on
which place each method stood, and how often the default stood above it. Nothing that says which letter is
which is written anywhere before.

Answers are kept in benchmarks/blind_answers.txt. Prints the section; --write puts it into docs/results.md.
"""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from relume.evaluation.bootstrap import Interval, interval
from relume.evaluation.simulate import SimulatedView, Simulation, find_views
from results_page import provenance, publish

DEFAULT = "hearth"
METHODS = (DEFAULT, "rassdl", "reinhard2002", "agx", "drago2003", "mantiuk2008")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = 3
MARGIN = 8
CAPTION = 24
GREY = (96, 96, 96)


def views_of(arguments: argparse.Namespace) -> list[SimulatedView]:
    """One picture of each scene."""
    simulation = Simulation(
        methods=tuple(arguments.methods), seed=arguments.seed, longest_side=arguments.longest_side
    )
    found, _ = find_views(arguments.folder, simulation, split=arguments.split, views=1)
    first: dict[str, SimulatedView] = {}
    for view in found:
        first.setdefault(view.scene, view)
    return list(first.values())


def dealt(picture: str, methods: Sequence[str], seed: int) -> dict[str, str]:
    """Letter → method, the same for the same picture, methods and seed."""
    shuffled = sorted(methods)
    random.Random(f"{seed}:{picture}").shuffle(shuffled)
    return dict(zip(LETTERS, shuffled, strict=False))


def sheet(view: SimulatedView, letters: Mapping[str, str]) -> Pillow.Image:
    """All results of a picture, each under its letter."""
    predictions = view.load().predictions
    drawn = {
        letter: Pillow.fromarray(
            (predictions[method]().image.pixels.permute(1, 2, 0).numpy() * 255.0).round().astype(np.uint8)
        )
        for letter, method in letters.items()
    }
    width, height = next(iter(drawn.values())).size
    rows = -(-len(drawn) // COLUMNS)
    size = (COLUMNS * (width + MARGIN) + MARGIN, rows * (height + CAPTION + MARGIN) + MARGIN)
    canvas = Pillow.new("RGB", size, GREY)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(CAPTION - 4)
    for index, (letter, picture) in enumerate(drawn.items()):
        left = MARGIN + index % COLUMNS * (width + MARGIN)
        top = MARGIN + index // COLUMNS * (height + CAPTION + MARGIN)
        pen.text((left + width // 2, top), letter, font=font, fill="white")
        canvas.paste(picture, (left, top + CAPTION))
    return canvas


def draw(arguments: argparse.Namespace) -> None:
    """Write the sheets, numbered in the order of the scenes."""
    arguments.sheets.mkdir(parents=True, exist_ok=True)
    for number, view in enumerate(views_of(arguments)):
        path = arguments.sheets / f"{number:03d}.png"
        sheet(view, dealt(view.picture, arguments.methods, arguments.seed)).save(path)
        print(path, file=sys.stderr)


def answers_in(path: Path, methods: Sequence[str], count: int) -> dict[int, str]:
    """Number of a sheet → its letters, best first.

    Raises:
        SystemExit: a line that does not name every letter of a sheet once, a sheet that there is not, no
            answer at all, or no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SystemExit(
            f"{path}: cannot be read ({error.strerror}); expected the judge's answers."
        ) from None
    found = {}
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        number, _, letters = line.partition(" ")
        expected = sorted(LETTERS[: len(methods)])
        if sorted(letters.strip()) != expected or not number.isdigit() or int(number) >= count:
            raise SystemExit(
                f"{path}: '{line}'; expected the number of one of {count} sheets and {''.join(expected)}, "
                "best first."
            )
        found[int(number)] = letters.strip()
    if not found:
        raise SystemExit(f"{path}: holds no answer; expected one of {count} sheets on each line.")
    return found


def places(
    answers: Mapping[int, str], views: Sequence[SimulatedView], methods: Sequence[str], seed: int
) -> dict[str, list[int]]:
    """Method → its place on each sheet that was answered, 1 the best."""
    found: dict[str, list[int]] = {method: [] for method in methods}
    for number, order in answers.items():
        letters = dealt(views[number].picture, methods, seed)
        for place, letter in enumerate(order, start=1):
            found[letters[letter]].append(place)
    return found


def count(arguments: argparse.Namespace) -> None:
    """The section: mean places, and how often the default stood above each rival."""
    views = views_of(arguments)
    answers = answers_in(arguments.answers, arguments.methods, len(views))
    found = places(answers, views, arguments.methods, arguments.seed)
    lines = [
        provenance(
            f"{len(answers)} sheets, each a scene, split {arguments.split or 'test'}, "
            f"{arguments.longest_side} pixels wide, judged by {arguments.judge}"
        ),
        "",
        f"| method | place of {len(arguments.methods)}, mean | best of all | {DEFAULT} stood above it |",
        "| --- | --: | --: | --: |",
    ]
    for method in sorted(found, key=lambda name: float(np.mean(found[name]))):
        own = np.array(found[method])
        above = interval((np.array(found[DEFAULT]) < own).astype(float).tolist())
        lines.append(
            f"| {f'**{method}**' if method == DEFAULT else method} | {own.mean():.2f} | {(own == 1).sum()} × "
            f"| {'' if method == DEFAULT else _percent(above)} |"
        )
    publish("blind", lines, write=arguments.write)


def _percent(share: Interval) -> str:
    if share.low is None or share.high is None:
        return f"{share.mean:.0%}"
    return f"{share.mean:.0%} [{share.low:.0%}, {share.high:.0%}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("sheets", type=Path)
    counting = commands.add_parser("count")
    counting.add_argument("answers", type=Path)
    counting.add_argument("--judge", default="one person")
    counting.add_argument("--write", action="store_true", help="put the section into docs/results.md")
    for command, function in ((drawing, draw), (counting, count)):
        command.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data/hdr"))
        command.add_argument("--split")
        command.add_argument("--methods", nargs="+", default=list(METHODS))
        command.add_argument("--longest-side", type=int, default=480)
        command.add_argument("--seed", type=int, default=0)
        command.set_defaults(run=function)
    arguments = parser.parse_args()
    if DEFAULT not in arguments.methods:
        parser.error(f"--methods {' '.join(arguments.methods)}: expected {DEFAULT} among them.")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
