"""What `expand` and `tonemap` have in common: many files in, one result each, failures told at the end."""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relume.batch.jobs import Job, Ledger, plan, run_jobs
from relume.cli.options import ExpansionOptions, MachineOptions, MethodOptions, OutputOptions
from relume.cli.progress import progress_bar
from relume.errors import FileError, UnwritableFile

if TYPE_CHECKING:
    from relume.image import Image
    from relume.inference.runner import RunSettings
    from relume.method import Direction, Method


_PLAIN = ExpansionOptions()


def apply_method(
    inputs: tuple[str, ...],
    *,
    direction: str,
    suffix: str,
    choice: MethodOptions,
    output: OutputOptions,
    machine: MachineOptions,
    expansion: ExpansionOptions = _PLAIN,
    gain_map: bool = True,
) -> int:
    """Run a method over files and return the exit code; without gain maps, on the SDR pictures under them."""
    # Read once, when torch is loaded. Threads that spin while they wait for each other take the cores from
    # those they wait for: beside one busy program the whole was up to three times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from relume.inference.apply import build
    from relume.method import Direction

    way = Direction(direction)
    settings = machine.settings()
    stops = expansion.stops()
    if stops:  # so that a bracket of photo.png beside it is not named like it
        suffix = ".ev.png"
    jobs = plan(
        inputs,
        output.output,
        suffix=(".ev." if stops else ".") + output.format.lstrip(".") if output.format else suffix,
        accept=lambda path: _goes_this_way(path, way, gain_map=gain_map),
        recursive=output.recursive,
    )
    parameters = choice.parameters() | expansion.parameters()
    method = build(choice.method, way, parameters, peak=_method_peak(choice, way, jobs))
    on_screen = method if "response" in parameters else _for_screens(method)
    results: list[dict[str, Any]] = []
    with progress_bar(len(jobs)) as bar:

        def work(job: Job) -> None:
            done = len(results)

            def tell(share: float) -> None:
                bar(done, share, job.source.name)

            chosen = on_screen if _is_for_screens(job.target) else method
            results.append(_one(job, chosen, choice, output, expansion, settings, tell, gain_map=gain_map))

        ledger = run_jobs(jobs, work, report=lambda message: print(f"relume: {message}", file=sys.stderr))
    _report(ledger, results, as_json=output.json)
    return 1 if ledger.failed else 0


def _is_for_screens(path: Path) -> bool:
    """Whether a file of that name is for HDR screens rather than for light."""
    from relume.io.formats import by_suffix

    row = by_suffix(path.suffix)
    return row is not None and (bool(row.transfers) or row.write_hdr is not None)


def _has(method: "Method | type[Method]", parameter: str) -> bool:
    return parameter in {item.name for item in fields(method)}  # type: ignore[arg-type]


def _for_screens(method: "Method") -> "Method":
    """The method with codes read as the screen shows them, where it could also read them as a camera's.

    A picture for a screen must look below white as the photograph did.
    """
    if not _has(method, "response"):
        return method
    return replace(method, response="srgb")  # type: ignore[type-var]


def _method_peak(choice: MethodOptions, direction: "Direction", jobs: list[Job]) -> float | None:
    """What `--peak` means to the method: nothing where only the files that it is for have a peak."""
    from relume import catalog
    from relume.method import Direction

    for_screens = direction is Direction.EXPAND and all(_is_for_screens(job.target) for job in jobs)
    if for_screens and not _has(catalog.find(choice.method, direction), "peak"):
        return None
    return choice.peak


def _goes_this_way(path: Path, direction: "Direction", *, gain_map: bool) -> bool:
    """Whether a file of a folder is meant: a picture of the right kind, or a broken one, to be told of."""
    from relume.io.formats import FORMATS
    from relume.io.probe import probe
    from relume.method import Direction

    if not any(path.suffix.lower() in row.suffixes for row in FORMATS):
        return False
    try:
        return probe(path, gain_map=gain_map).encoding.is_hdr is (direction is Direction.TONEMAP)
    except FileError:
        return True


def _one(
    job: Job,
    method: "Method",
    choice: MethodOptions,
    output: OutputOptions,
    expansion: ExpansionOptions,
    settings: "RunSettings",
    tell: Callable[[float], None],
    *,
    gain_map: bool,
) -> dict[str, Any]:
    from relume.image import Metadata
    from relume.inference.apply import apply, parameter_values
    from relume.io.bracket import check_bracket, write_bracket
    from relume.io.write import check_holds, check_writable, keeps_masks, write
    from relume.method import Direction

    started = time.perf_counter()
    options = output.write_options(peak=choice.peak if method.spec.direction is Direction.EXPAND else None)
    stops, overwrite = expansion.stops(), output.overwrite
    make_folder(job.target.parent)
    if stops:
        check_bracket(job.target, stops, overwrite=overwrite, options=options)
    else:
        check_writable(job.target, overwrite=overwrite, options=options)
    source = _read_within_memory(job.source, method, settings, gain_map=gain_map)
    check_holds(job.target, source)
    if not source.is_hdr:
        options = replace(options, base=job.source)
    method = _around(method, source, expansion)
    result = apply(
        method,
        source,
        name=str(job.source),
        reference_white=choice.reference_white,
        settings=settings,
        masks=not expansion.no_masks and not stops and keeps_masks(job.target),
        consume=True,
        force=choice.force,
        progress=tell,
    )
    del source  # its pixels are gone, or their memory is needed for writing
    if output.strip:
        result = replace(result, metadata=Metadata())
    written = [job.target]
    if stops:
        written = write_bracket(job.target, result, stops, overwrite=overwrite, options=options)
    else:
        write(job.target, result, overwrite=overwrite, options=options)
    return {
        "input": str(job.source),
        "output": str(job.target) if not stops else list(map(str, written)),
        "method": method.spec.name,
        "parameters": parameter_values(method),
        "width": result.width,
        "height": result.height,
        "encoding": str(result.encoding),
        **_brightness(result),
        "seconds": round(time.perf_counter() - started, 3),
    }


def _around(method: "Method", source: "Image", expansion: ExpansionOptions) -> "Method":
    """The method told that the picture is a panorama, where the file says so and the options say nothing."""
    if not source.metadata.panorama or expansion.panorama is not None or not _has(method, "panorama"):
        return method
    return replace(method, panorama=True)  # type: ignore[type-var]


def _brightness(result: "Image") -> dict[str, float]:
    """How bright an HDR result is at its brightest: luminance in cd/m², and stops above white."""
    from relume.io.rendering import peak_luminance

    white = result.encoding.white
    if not result.is_hdr or white is None or (peak := peak_luminance(result)) <= 0.0:
        return {}
    return {"peak": round(peak, 1), "headroom_stops": round(math.log2(peak / white), 2)}


def _read_within_memory(path: Path, method: "Method", settings: "RunSettings", *, gain_map: bool) -> "Image":
    """Read a picture, unless its header says that it would not fit the allowed memory.

    An SDR picture comes in the encoding that the method takes, so that no other copy is held meanwhile.
    """
    from relume.inference.memory import check_memory, needed_bytes
    from relume.io.probe import probe
    from relume.io.read import read

    info = probe(path, gain_map=gain_map)
    converted = info.encoding.is_hdr
    needed = needed_bytes(
        method.spec,
        info.height,
        info.width,
        converted=converted,
        consumed=True,
        alpha="A" in info.channels,
    )
    check_memory(needed, settings.max_memory, what=f"{path} ({info.width} × {info.height})")
    image = read(path, gain_map=gain_map)
    return image if converted or method.spec.input.is_hdr else image.to(method.spec.input)


def make_folder(folder: Path) -> None:
    """Make a folder for results, with those above it.

    Raises:
        UnwritableFile: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableFile(folder, f"cannot be made ({error.strerror}); give -o another folder.") from error


def _sentence(result: dict[str, Any]) -> str:
    """What was written, and how bright it is."""
    written = result["output"]
    named = written if isinstance(written, str) else f"{written[0]} to {written[-1]}"
    bright = ""
    if "peak" in result:
        bright = f", peak {result['peak']:.0f} cd/m², {result['headroom_stops']:+.1f} stops above white"
    return f"{named}  {result['width']} × {result['height']}, {result['encoding']}{bright}"


def _report(ledger: Ledger, results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        failed = [{"input": str(job.source), "error": message} for job, message in ledger.failed]
        print(json.dumps([*results, *failed], indent=2, ensure_ascii=False))
    elif sys.stdout.isatty():
        for result in results:
            print(_sentence(result))
    if len(ledger.failed) + len(ledger.done) > 1 and ledger.failed:
        total = len(ledger.done) + len(ledger.failed)
        print(f"relume: {len(ledger.failed)} of {total} files failed:", file=sys.stderr)
        for _, message in ledger.failed:
            print(f"  {message}", file=sys.stderr)
