"""Expansion of photographs whose HDR rendition is known: Ultra HDR files, told by their gain maps.

    python benchmarks/gain_maps.py [../shared/data/ultrahdr] [--longest-side 512] [--cache FOLDER] [--write]

The SDR picture within each file, reduced and in 8 bits, is expanded by the default, read in both ways, and by
every classical operator, and compared with what the file shows on an HDR display of 1000 cd/m², its SDR white
at 203 cd/m². The rendition is the taste of the program that made the file, which also brightens what was
never clipped; it is not the light of the scene. Each photograph is a column, since few do not make a mean.

Prints the section; --write puts it into docs/results.md.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch.nn import functional

import relume.io
from relume.color.encoding import LINEAR_SCENE, REFERENCE_WHITE, SRGB
from relume.data.files import pictures
from relume.evaluation.cases import Case, Material
from relume.evaluation.ranking import Question, ranked, table
from relume.evaluation.run import Record, Settings, run
from relume.evaluation.score import Named
from relume.evaluation.simulate import UNPROCESSED, parse_method
from relume.image import Image
from relume.inference.runner import run as apply
from relume.io.probe import probe
from relume.method import Direction
from relume.models.learned import EmberExpansion
from results_page import provenance, publish
from systems import AS_IT_IS, CLIPPED, CORRECTED, SAME, bold, classical, failures_of

LIGHT = replace(LINEAR_SCENE, white=REFERENCE_WHITE)
DEFAULT = EmberExpansion.spec.name
READINGS = {f"{DEFAULT}:response=srgb": f"{DEFAULT}, srgb", DEFAULT: f"{DEFAULT}, estimated"}
"""The default as files for screens get it, and as other files do."""

QUESTIONS = (AS_IT_IS, CORRECTED, CLIPPED)


@dataclass(frozen=True, kw_only=True)
class Photograph(Case):
    """A file with a gain map: its SDR picture, and its HDR rendition as the reference."""

    file: Path
    longest_side: int
    methods: tuple[str, ...]

    def pixels(self) -> int:
        """Of the reduced picture."""
        info = probe(self.file)
        scale = min(self.longest_side / max(info.width, info.height), 1.0)
        return int(info.width * info.height * scale**2)

    def pair(self) -> tuple[Image, Image]:
        """The SDR picture in 8 bits, and the rendition."""
        rendition = self._reduced(relume.io.read(self.file))
        base = relume.io.read(self.file, gain_map=False)
        base = self._reduced(base.assume(replace(base.encoding, white=REFERENCE_WHITE)))
        codes = base.assume(replace(SRGB, transfer="linear")).to(SRGB).pixels
        return Image((255.0 * codes.clamp(0.0, 1.0)).round() / 255.0, SRGB), rendition

    def load(self) -> Material:
        """The rendition, and each method on the SDR picture."""
        photograph, rendition = self.pair()
        return Material(
            reference=Named(image=rendition, name=self.picture),
            predictions={
                UNPROCESSED: partial(self._expanded, SAME, photograph),
                **{text: partial(self._expanded, text, photograph) for text in self.methods},
            },
        )

    def _reduced(self, image: Image) -> Image:
        """Light in sRGB's primaries, averaged over areas."""
        light = image.to(LIGHT).pixels.clamp(min=0.0)
        scale = min(self.longest_side / max(light.shape[-2:]), 1.0)
        size = [max(round(side * scale), 1) for side in light.shape[-2:]]
        return Image(functional.interpolate(light[None], size=size, mode="area")[0], LIGHT)

    def _expanded(self, text: str, photograph: Image) -> Named:
        image = apply(parse_method(text), photograph, reference_white=REFERENCE_WHITE)
        return Named(image=image, name=f"{text} of {self.picture}")


def photographs(folder: Path, *, longest_side: int, methods: Sequence[str]) -> list[Photograph]:
    return [
        Photograph(
            scene=path.stem,
            picture=path.stem,
            file=path,
            longest_side=longest_side,
            methods=tuple(methods),
        )
        for path in pictures(folder, (".jpg", ".jpeg"))
    ]


def about(cases: Sequence[Photograph]) -> list[str]:
    """How bright the renditions are, and how little of the SDR pictures is clipped."""
    lines = [
        "",
        "| photograph | brightest, stops above white | brighter than white, % | SDR picture clipped, % |",
        "| --- | --: | --: | --: |",
    ]
    for case in cases:
        photograph, rendition = case.pair()
        brightest, codes = rendition.pixels.amax(0), photograph.pixels.amax(0)
        lines.append(
            f"| {case.picture} | {brightest.max().log2():.1f} | {100 * (brightest > 1).float().mean():.0f} | "
            f"{100 * (codes == 1).float().mean():.1f} |"
        )
    return lines


def tables(records: Sequence[Record], question: Question) -> list[str]:
    """A column for each photograph, ordered by all of them."""
    columns = {"all": ranked(records, question)} | {
        scene: ranked([record for record in records if record.scene == scene], question)
        for scene in sorted({record.scene for record in records})
    }
    return ["", f"**{question.title}**", "", *table(columns, labels=bold(READINGS))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data/ultrahdr"))
    parser.add_argument("--longest-side", type=int, default=512)
    parser.add_argument("--cache", type=Path, help="folder for numbers, so that a stopped run goes on")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--write", action="store_true", help="put the section into docs/results.md")
    arguments = parser.parse_args()
    cases = photographs(
        arguments.folder,
        longest_side=arguments.longest_side,
        methods=[*READINGS, *classical(Direction.EXPAND)],
    )
    outcome = run(
        cases,
        Settings(
            metrics=("pu_psnr", "stops_rmse_clipped"),
            protocols=("none", "tone-curve"),
            cache=arguments.cache,
            workers=arguments.workers,
        ),
    )
    told = f"{len(cases)} photographs of {arguments.folder.name}, {arguments.longest_side} pixels wide"
    lines = [provenance(told), *about(cases)]
    for question in QUESTIONS:
        lines += tables(outcome.records, question)
    publish("gain-maps", [*lines, *failures_of([outcome])], write=arguments.write)


if __name__ == "__main__":
    main()
