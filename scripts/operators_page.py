#!/usr/bin/env python3
"""Write docs/operators.md from the operators' own specs and docstrings, and draw their pictures.

    python scripts/operators_page.py                    # the text alone
    python scripts/operators_page.py --pictures         # and all pictures (half a minute)
    python scripts/operators_page.py --pictures NAME    # and those of some operators

The scenes are synthetic ones of relume.data.synthetic for tone mapping and photographs that scikit-image
ships for expansion, so that anyone can draw the pictures again.
"""

import argparse
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image as Pillow

from relume.cli.sheet import Tile, contact_sheet, darkened, tile
from relume.color.encoding import LINEAR_SCENE, REFERENCE_WHITE, Reference
from relume.data.synthetic import synthetic_scene
from relume.image import Image
from relume.inference.apply import apply
from relume.io.read import read
from relume.method import Direction, Method
from relume.operators.expand import OPERATORS as EXPANSIONS
from relume.operators.tonemap import OPERATORS as TONE_MAPPINGS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "operators.md"
PICTURES = DOCS / "images" / "operators"

# Kind and seed; 1.0 is diffuse white.
SCENES = {"indoor": 10, "night": 8}
SCENE_SIZE = (300, 450)

# Rachel Michetti, CC0; SpaceX, public domain.
PHOTOGRAPHS = {"coffee": "coffee.png", "rocket": "rocket.jpg"}

STOPS = (0, -2, -4)
WIDTHS = {Direction.EXPAND: 240, Direction.TONEMAP: 360}
QUALITY = 78

_SECTION = re.compile(r"^(Convention|Agreement|Picture|References):\s*")

_SCALING = {
    "invariant": "the result stays as it is",
    "proportional": "the result doubles",
    "dependent": "the result changes in another way",
}

_HEAD = """# The operators

Written by `python scripts/operators_page.py` from the specs and docstrings in `src/relume/operators`: change
those, not this page. Networks and the choice of defaults are in [methods.md](methods.md).

"Agreement" says how near the result comes to reference values, mostly outputs of the HDR Toolbox for MATLAB
under Octave; tests in `tests/operators` hold it. "Picture" says what one gets to see, which a small number
does not: a golden value can be met by a picture that nobody would want. All pictures are made with the
default parameters.

"""

_EXPANSION_HEAD = f"""## SDR → HDR

Pictures: two photographs that scikit-image ships, `coffee` (Rachel Michetti, CC0) and `rocket` (SpaceX,
public domain). Each expansion is shown as a screen shows it that has its white at diffuse white
({REFERENCE_WHITE:g} cd/m²), and darkened by 2 and by 4 stops: what is still bright there is what the operator
made of the lights. `linear` is the photograph itself.

"""

_TONE_MAPPING_HEAD = f"""## HDR → SDR

Pictures: two scenes of `relume.data.synthetic`. Kind `indoor` (seed {SCENES["indoor"]}) has sunlight and
lamps, 12 stops between the 1st and the 99.9th percentile; kind `night` (seed {SCENES["night"]}) has coloured
lamps, 15.5 stops. The log mean is 0.18 of diffuse white, which is {REFERENCE_WHITE:g} cd/m² where
absolute luminance is needed. Operators for video are shown on one frame.

"""


def page() -> str:
    """The text of the page."""
    parts = [_HEAD]
    for head, operators in ((_EXPANSION_HEAD, EXPANSIONS), (_TONE_MAPPING_HEAD, TONE_MAPPINGS)):
        parts += [head, _overview(operators), "\n", *(_operator(method) for method in operators)]
    keys = {key for method in (*EXPANSIONS, *TONE_MAPPINGS) for key in _cited(method)}
    parts.append("## References\n\n" + "".join(f"- [{key}] {_reference(key)}\n" for key in sorted(keys)))
    return "".join(parts)


def _overview(operators: tuple[type[Method], ...]) -> str:
    lines = ["| operator | output | absolute luminance | exposure doubles |\n| --- | --- | --- | --- |\n"]
    for method in operators:
        spec = method.spec
        lines.append(
            f"| [`{spec.name}`](#{spec.name}) | {_coding(method)} | "
            f"{'needed' if _absolute(method) else '–'} | {_SCALING[spec.scaling]} |\n"
        )
    return "".join(lines)


def _operator(method: type[Method]) -> str:
    spec, sections = method.spec, _sections(method)
    facts = {
        "Paper": _reference(spec.citation),
        "Where": sections.get("References", ""),
        "Takes": f"{spec.input}; absolute luminance {'is' if _absolute(method) else 'is not'} needed",
        "Returns": str(spec.output),
        "Convention": sections.get("Convention", ""),
        "Agreement": sections.get("Agreement", "none recorded."),
        "Picture": sections.get("Picture", ""),
    }
    listed = "".join(f"- **{name}:** {_escaped(text)}\n" for name, text in facts.items() if text)
    return (
        f"### {spec.name}\n\n{_escaped(spec.title)}.\n\n![{spec.name}](images/operators/{spec.name}.webp)\n\n"
        f"{_escaped(sections['Formula'])}\n\n{listed}\n{_parameters(method)}"
    )


def _absolute(method: type[Method]) -> bool:
    return method.spec.input.reference is Reference.DISPLAY_ABSOLUTE


def _coding(method: type[Method]) -> str:
    transfer = method.spec.output.transfer
    return "linear" if transfer == "linear" else f"encoded ({transfer})"


def _parameters(method: type[Method]) -> str:
    rows = []
    for item in fields(method):  # type: ignore[arg-type]
        about = item.metadata
        default, bounds = item.default, f"{about['minimum']:g} to {about['maximum']:g}"
        if isinstance(default, bool):
            default, bounds = "yes" if default else "no", "yes, no"
        default = "auto" if default is None else default
        bounds = ", ".join(about["choices"]) or bounds
        unit = f" {about['unit']}" if about["unit"] else ""
        meaning = _escaped(about["meaning"]).replace("|", "\\|")
        rows.append(f"| `{item.name}` | {default}{unit} | {bounds} | {meaning} |\n")
    if not rows:
        return "No parameters.\n\n"
    return "| parameter | default | range | meaning |\n| --- | --- | --- | --- |\n" + "".join(rows) + "\n"


def _sections(method: type[Method]) -> dict[str, str]:
    """The docstring by what its paragraphs are about; what stands before the first of them is the formula."""
    found: dict[str, list[str]] = {"Formula": []}
    current = "Formula"
    for line in inspect.cleandoc(method.__doc__ or "").splitlines():
        start = _SECTION.match(line)
        if start:
            current, line = start[1], line[start.end() :]
        found.setdefault(current, []).append(line.strip())
    paragraphs = {name: "\n".join(lines).strip() for name, lines in found.items()}
    return {name: re.sub(r"(?<!\n)\n(?!\n)", " ", text) for name, text in paragraphs.items()} | {
        "Formula": paragraphs["Formula"]
    }


def _escaped(text: str) -> str:
    """The text with what Markdown would take for its own marked, outside of code."""
    pieces = text.split("`")
    pieces[::2] = [re.sub(r"([*<\[\]])", r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)


def _cited(method: type[Method]) -> set[str]:
    return {method.spec.citation, *re.findall(r"\[(\w+)\]", _sections(method).get("References", ""))}


@cache
def _entries() -> dict[str, dict[str, str]]:
    """docs/references.bib: the fields of each entry, without braces."""
    text = (DOCS / "references.bib").read_text(encoding="utf-8")
    entries = {}
    for line in re.findall(r"^@\w+\{.*\}$", text, re.MULTILINE):
        key, rest = re.match(r"@\w+\{(\w+), (.*)\}$", line).groups()
        values = re.findall(r"(\w+) = \{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}", rest)
        entries[key] = {name: re.sub(r"[{}\\]", "", value) for name, value in values}
    return entries


def _reference(key: str) -> str:
    entry = _entries()[key]
    authors = entry.get("author", "").replace(" and ", ", ")
    places = ("journal", "booktitle", "institution", "publisher", "school", "howpublished", "note")
    place = next((entry[name] for name in places if name in entry), "")
    volume = entry.get("volume", "") + (f"({entry['number']})" if "number" in entry else "")
    where = ", ".join(
        part for part in (" ".join(filter(None, (place, volume))), entry.get("year", "")) if part
    )
    return f"{authors}: {entry['title']}. {where}."


def _pictures(direction: Direction) -> dict[str, Image]:
    if direction is Direction.EXPAND:
        folder = Path(skimage.data.__file__).parent
        return {name: read(folder / file) for name, file in PHOTOGRAPHS.items()}
    encoding = replace(LINEAR_SCENE, white=REFERENCE_WHITE)
    return {
        kind: Image(
            synthetic_scene(size=SCENE_SIZE, generator=torch.Generator().manual_seed(seed), kind=kind),
            encoding,
        )
        for kind, seed in SCENES.items()
    }


def _tiles(method: Method, pictures: dict[str, Image]) -> Iterator[Tile]:
    width = WIDTHS[method.spec.direction]
    for name, picture in pictures.items():
        result = apply(method, picture)
        if method.spec.direction is Direction.TONEMAP:
            yield tile(name, result, width=width)
            continue
        for stops in STOPS:
            caption = f"{name}, {stops:+d} stops" if stops else name
            yield tile(caption, darkened(result, stops), width=width)


def draw(names: set[str]) -> None:
    """Draw the pictures of some operators."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for operators in (EXPANSIONS, TONE_MAPPINGS):
        pictures = _pictures(operators[0].spec.direction)
        for method in operators:
            if method.spec.name in names:
                tiles = list(_tiles(method(), pictures))
                sheet = contact_sheet(tiles, columns=len(tiles) // len(pictures) if len(tiles) > 2 else 2)
                codes = (sheet.numpy() * 255.0).round().astype(np.uint8)
                Pillow.fromarray(codes).save(PICTURES / f"{method.spec.name}.webp", quality=QUALITY, method=6)


def main() -> None:
    """Write the page and, if asked to, the pictures."""
    names = [method.spec.name for method in (*EXPANSIONS, *TONE_MAPPINGS)]
    parser = argparse.ArgumentParser(description="Write docs/operators.md.")
    parser.add_argument(
        "--pictures", nargs="*", choices=names, metavar="NAME", help="draw them; all, or some"
    )
    arguments = parser.parse_args()
    if arguments.pictures is not None:
        draw(set(arguments.pictures or names))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
