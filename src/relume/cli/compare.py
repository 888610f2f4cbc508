"""`relume compare`: several methods on one picture, as a contact sheet and a table."""

import csv
import io
import json
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from relume.cli.options import Flag, MachineOptions
from relume.cli.progress import progress_bar
from relume.errors import MethodError, RelumeError, UnsupportedFormat, UnwritableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relume.cli.sheet import Tile
    from relume.image import Image
    from relume.inference.runner import RunSettings
    from relume.method import Direction

STOPS = (0, -2, -4)
"""At which expansions are shown."""

_COLUMNS = 6

# Conversions of primaries leave white a hair above 1.0; that is not light above white.
_ROUNDING = 1e-4


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """What is compared, and where it goes."""

    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("relume-compare")
    """The sheet (a name that ends in .png), or a folder for it; the table lies beside it."""
    methods: str | None = None
    """Names with commas between, each with :key=value for parameters: drago2003,drago2003:bias=0.7; without
    it all that go the picture's way."""
    reference_white: float | None = None
    """Luminance in cd/m² of diffuse white: 1.0 of an expansion (default 203) or of a relative HDR picture."""
    table: Literal["csv", "json", "md"] = "csv"
    """Format of the table."""
    tile: int = 320
    """Width of the pictures in the sheet, in pixels."""
    longest_side: int | None = None
    """Reduce the picture to this before anything else; without it the methods run on all of it."""
    overwrite: Flag = False
    """Replace files that exist."""

    def places(self, source: Path) -> tuple[Path, Path]:
        """Where sheet and table go.

        Raises:
            UnsupportedFormat: the name of a picture that is no PNG.
        """
        from relume.io.formats import by_suffix

        sheet = self.output
        if sheet.is_dir() or by_suffix(sheet.suffix) is None:
            sheet = sheet / f"{source.stem}.png"
        elif sheet.suffix.lower() != ".png":
            raise UnsupportedFormat(
                sheet, "the sheet is a PNG; expected a name that ends in .png, or a folder."
            )
        return sheet, sheet.with_suffix(f".{self.table}")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one method did; the fields are the columns of the table."""

    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    lowest: float | None = None
    """Of all channels of the result, in its own encoding."""
    highest: float | None = None
    tmqi: float | None = None
    """Of tone mappings; 0..1, higher is better."""
    peak_luminance: float | None = None
    """Of expansions, in cd/m²."""
    above_white: float | None = None
    """Of expansions, the share of pixels with more luminance than diffuse white."""
    error: str | None = None


def compare(
    source: Path,
    /,
    *,
    sheet: SheetOptions = SheetOptions(),
    machine: MachineOptions = MachineOptions(),  # noqa: B008
) -> int:
    """Run several methods on one picture; write a contact sheet and a table.

    SDR pictures are expanded, and shown as they are and darkened by 2 and 4 stops; HDR pictures are tone
    mapped. Methods that fail are listed, and the others go on.

    Args:
        source: the picture.
    """
    from relume.cli.apply import make_folder
    from relume.cli.sheet import contact_sheet
    from relume.io.atomic import EXISTS, replacing
    from relume.io.write import check_writable, write
    from relume.method import Direction

    image = _picture(source, sheet.longest_side)
    labels = _labels(sheet.methods, Direction.TONEMAP if image.is_hdr else Direction.EXPAND)
    sheet_path, table_path = sheet.places(source)
    make_folder(sheet_path.parent)
    check_writable(sheet_path, overwrite=sheet.overwrite)
    if table_path.exists() and not sheet.overwrite:
        raise UnwritableFile(table_path, EXISTS)
    tiles, rows = _input_tiles(image, sheet.tile), []
    with progress_bar(len(labels)) as bar:
        for done, label in enumerate(labels):
            bar(done, 0.0, label)
            row, more = _one(label, image, source, sheet, machine.settings())
            tiles.extend(more)
            rows.append(row)
    failed = [row for row in rows if row.error]
    for row in failed:
        print(f"relume: {row.method}: {row.error}", file=sys.stderr)
    if len(failed) == len(rows):
        return 1
    write(sheet_path, contact_sheet(tiles, columns=_COLUMNS), overwrite=sheet.overwrite)
    with replacing(table_path, overwrite=sheet.overwrite) as temporary:
        temporary.write_text(table_text(rows, sheet.table), encoding="utf-8", newline="")
    print(sheet_path, table_path, sep="\n")
    return 1 if failed else 0


def _picture(source: Path, longest_side: int | None) -> "Image":
    """The picture, reduced in linear light if it is larger than wanted."""
    from torch.nn import functional

    from relume.io.read import read

    image = read(source)
    if longest_side is None or max(image.height, image.width) <= longest_side:
        return image
    scale = longest_side / max(image.height, image.width)
    size = [max(round(length * scale), 1) for length in (image.height, image.width)]
    light = image.to(image.encoding.linear)
    pixels = functional.interpolate(light.pixels[None], size=size, mode="area")[0]
    return replace(light, pixels=pixels, alpha=None).to(image.encoding)


def _labels(wanted: str | None, direction: "Direction") -> list[str]:
    """The methods as they were asked for, or all of the direction."""
    from relume.catalog import METHODS
    from relume.evaluation.simulate import parse_method

    if wanted is None:
        return [name for name, method in METHODS.items() if method.spec.direction is direction]
    labels = [label.strip() for label in wanted.split(",") if label.strip()]
    if not labels:
        raise MethodError("--methods is empty; expected names, for example drago2003,reinhard2002.")
    for label in labels:
        parse_method(label)
    return labels


def _input_tiles(image: "Image", width: int) -> "list[Tile]":
    """The picture itself: as SDR shows it, or HDR with its log mean at middle grey."""
    import torch

    from relume.cli.sheet import darkened, tile
    from relume.operators.statistics import log_mean

    if not image.is_hdr:
        return _exposures("input", image, width)
    middle = log_mean(image.luminance()[None].clamp(min=0.0)).squeeze()
    stops = float(torch.log2(0.18 / middle)) if middle > 0 else 0.0
    return [tile("input, clipped", darkened(image, stops), width=width)]


def _exposures(caption: str, image: "Image", width: int) -> "list[Tile]":
    from relume.cli.sheet import darkened, tile

    return [
        tile(f"{caption}, {stops:+d} stops" if stops else caption, darkened(image, stops), width=width)
        for stops in STOPS
    ]


def _one(
    label: str, image: "Image", source: Path, options: SheetOptions, settings: "RunSettings"
) -> "tuple[Row, list[Tile]]":
    """Run one method; what it did, and the tiles that show it, none if it failed."""
    from relume.cli.sheet import tile
    from relume.evaluation.simulate import parse_method
    from relume.inference.apply import apply, parameter_values

    method = parse_method(label)
    row = Row(method=label, parameters=parameter_values(method))
    begin = time.perf_counter()
    try:
        result = apply(
            method, image, name=str(source), reference_white=options.reference_white, settings=settings
        )
    except RelumeError as error:
        return replace(row, error=str(error)), []
    row = _measured(replace(row, seconds=round(time.perf_counter() - begin, 3)), result, image)
    if result.is_hdr:
        return row, _exposures(label, result, options.tile)
    return row, [tile(label, result, width=options.tile)]


def _measured(row: Row, result: "Image", source: "Image") -> Row:
    """The row with the numbers of the result."""
    low, high = (_rounded(float(value)) for value in result.pixels.aminmax())
    row = replace(row, lowest=low, highest=high)
    if not result.is_hdr:
        return replace(row, tmqi=_tmqi(result, source))
    light = result.luminance()
    return replace(
        row,
        peak_luminance=_rounded(float(light.max()) * (result.encoding.white or 1.0)),
        above_white=_rounded(float((light > 1.0 + _ROUNDING).float().mean())),
    )


def _tmqi(result: "Image", source: "Image") -> float | None:
    """None where the picture is too small for it."""
    from relume.metrics.tmqi import MINIMUM_SIZE, tmqi

    if min(source.height, source.width) < MINIMUM_SIZE:
        return None
    light = source.to(source.encoding.linear).pixels.clamp(min=0.0)
    return _rounded(float(tmqi(result.pixels.clamp(0.0, 1.0), light).q))


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def table_text(rows: "Sequence[Row]", kind: str) -> str:
    """The rows as CSV, JSON or a Markdown table; columns that no row has are left out."""
    dicts = [asdict(row) for row in rows]
    columns = [name for name in dicts[0] if any(row[name] not in (None, {}) for row in dicts)]
    if kind == "json":
        chosen = [{name: row[name] for name in columns} for row in dicts]
        return json.dumps(chosen, indent=2, ensure_ascii=False) + "\n"
    cells = [[_cell(row[name]) for name in columns] for row in dicts]
    if kind == "md":
        lines = [
            columns,
            ["---"] * len(columns),
            *([cell.replace("|", "\\|") for cell in row] for row in cells),
        ]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *cells])
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={'auto' if item is None else item}" for key, item in value.items())
    return "" if value is None else str(value)
