"""`relume evaluate`: how near predictions come to references, with intervals and verdicts."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from relume.cli.options import Flag
from relume.cli.progress import progress_bar
from relume.errors import MethodError, UnwritableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relume.evaluation.cases import Case
    from relume.evaluation.report import Report
    from relume.evaluation.run import Settings


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """Methods to be run, in place of files with predictions."""

    methods: str | None = None
    """Names with commas between, each with :key=value for parameters: akyuz2007,banterle2006:peak=600."""
    data: Path | None = None
    """Folder with HDR pictures, and a manifest.csv if there are panoramas or splits."""
    split: str | None = None
    """Of the manifest; test unless told otherwise."""
    camera: str = "relume"
    """The preset that takes the SDR pictures which are expanded."""
    views: int = 2
    """Of each panorama."""
    longest_side: int = 640
    """Of the pictures, in pixels; larger ones are reduced."""
    seed: int = 0
    """Of cameras and views."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """What is measured, and for which display."""

    metrics: str | None = None
    """Names with commas between; without it those that Hanji et al. 2022 recommend, or tmqi."""
    protocol: str | None = None
    """What is done before measuring, names with commas between; without it tone-curve,gain,none."""
    paper: str | None = None
    """Measure as a paper did: hanji2022, singlehdr and others; other options go before it."""
    peak: float | None = None
    """Of the display, in cd/m²; 1000 unless told otherwise."""
    pixels_per_degree: float | None = None
    """At which pictures are looked at; 30 unless told otherwise."""
    reference_white: float | None = None
    """cd/m² of 1.0 in relative pictures; simulated ones have 203 unless told otherwise."""
    tonemap: Flag = False
    """The predictions in files are tone-mapped pictures: TMQI is the metric."""

    def settings(self, *, tone_mapping: bool, cache: Path | None, workers: int | None) -> "Settings":
        """What a run is told.

        Raises:
            MethodError: an unknown metric, protocol or paper.
        """
        from relume.evaluation import measures, papers, protocols
        from relume.evaluation.run import Settings
        from relume.metrics import Viewing

        default_metrics = measures.DEFAULT_OF_TONE_MAPPING if tone_mapping else measures.DEFAULT
        paper = papers.find(self.paper) if self.paper else None
        viewing = Viewing(
            peak=self.peak or (paper.peak if paper else Viewing.peak),
            pixels_per_degree=self.pixels_per_degree
            or (paper.pixels_per_degree if paper else Viewing.pixels_per_degree),
        )
        return Settings(
            metrics=_names(self.metrics) or (paper.metrics if paper else default_metrics),
            protocols=_names(self.protocol) or (paper.protocols if paper else protocols.DEFAULT),
            viewing=viewing,
            reference_white=self.reference_white,
            cache=cache,
            workers=workers,
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Where the numbers go."""

    json: Flag = False
    """Print everything as JSON."""
    csv: Flag = False
    """Print one line of CSV for each number of each picture."""
    html: Path | None = None
    """Write a report that a browser opens without a network."""
    pictures: int = 6
    """Shown in the report, from the worst to the best."""
    overwrite: Flag = False
    """Replace a report that exists."""
    cache: Path | None = None
    """Folder in which numbers are kept and found again; with --html one beside the report."""
    workers: int | None = None
    """Processes; without it as many as cores and memory allow."""

    def check_place(self) -> None:
        """Refuse now what would be refused after all the work.

        Raises:
            UnwritableFile: the report exists, or its folder does not.
        """
        if self.html is None:
            return
        if self.html.exists() and not self.overwrite:
            raise UnwritableFile(self.html, "exists already; choose another name, or give --overwrite.")
        if not self.html.resolve().parent.is_dir():
            raise UnwritableFile(self.html, "its folder does not exist; create it first.")

    def cache_folder(self) -> Path | None:
        """Where numbers are kept, if anywhere."""
        return self.cache or (self.html.with_suffix(".cache") if self.html else None)


def evaluate(
    prediction: Path | None = None,
    reference: Path | None = None,
    /,
    *,
    simulation: SimulationOptions = SimulationOptions(),
    measure: MeasureOptions = MeasureOptions(),
    output: ReportOptions = ReportOptions(),
) -> int:
    """Measure how near predictions come to references, or run methods and measure them.

    Give two files, or two folders in which pictures have the same names; or --methods and --data, which takes
    SDR pictures of HDR scenes, runs the methods on them, and measures these and the unprocessed picture.

    Args:
        prediction: file or folder.
        reference: file or folder.
    """
    from relume.evaluation.report import Report
    from relume.evaluation.run import run

    if output.json and output.csv:
        raise MethodError("--json and --csv both go to standard output; choose one.")
    output.check_place()
    cases, tone_mapping, notes = _cases(prediction, reference, simulation, measure)
    settings = measure.settings(
        tone_mapping=tone_mapping, cache=output.cache_folder(), workers=output.workers
    )
    for note in notes:
        print(f"relume: {note}", file=sys.stderr)
    with progress_bar(len(cases)) as bar:
        outcome = run(cases, settings, progress=lambda done, name: bar(done, 0.0, name))
    report = Report(settings=settings, outcome=outcome, notes=tuple(notes), command=tuple(sys.argv[1:]))
    _write(report, cases, output)
    for failure in outcome.failures:
        print(f"relume: {failure.message}", file=sys.stderr)
    if outcome.failures and len(cases) > 1:
        failed = len({failure.picture for failure in outcome.failures})
        print(f"relume: {failed} of {len(cases)} pictures could not be measured in full.", file=sys.stderr)
    return 1 if outcome.failures else 0


def _cases(
    prediction: Path | None, reference: Path | None, simulation: SimulationOptions, measure: MeasureOptions
) -> tuple["Sequence[Case]", bool, list[str]]:
    """What is measured, whether it is tone mapping, and what the user should know of the choice."""
    from relume.evaluation.cases import match_files
    from relume.evaluation.simulate import Simulation, find_views
    from relume.method import Direction

    if simulation.methods is not None:
        if prediction is not None or simulation.data is None:
            raise MethodError(
                "--methods runs methods on the scenes of a folder: give --data DIR and no files."
            )
        asked = Simulation(
            methods=_names(simulation.methods),
            camera=simulation.camera,
            seed=simulation.seed,
            longest_side=simulation.longest_side,
            reference_white=measure.reference_white or Simulation.reference_white,
        )
        tone_mapping = asked.direction is Direction.TONEMAP
        views, chosen = find_views(simulation.data, asked, split=simulation.split, views=simulation.views)
        how = "tone mapped" if tone_mapping else f"taken with the camera {asked.camera}"
        return views, tone_mapping, [f"measuring {chosen}, {how}, seed {asked.seed}."]
    if prediction is None or reference is None or simulation.data is not None:
        raise MethodError(
            "expected PREDICTION and REFERENCE, two files or two folders, or --methods NAMES with --data DIR."
        )
    pairs, odd = match_files(prediction, reference)
    notes = [f"{path}: has no partner of that name and is left out." for path in odd]
    return pairs, measure.tonemap, notes


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _write(report: "Report", cases: "Sequence[Case]", output: ReportOptions) -> None:
    if output.html is not None:
        from relume.evaluation.page import write_html

        write_html(output.html, report, cases, pictures=output.pictures, overwrite=output.overwrite)
    if output.json:
        print(report.as_json())
    elif output.csv:
        print(report.as_csv(), end="")
    else:
        print(report.as_text())
