"""`relume info`: what files hold."""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from relume.batch.jobs import sentence
from relume.cli.options import Flag
from relume.errors import RelumeError

if TYPE_CHECKING:
    from relume.inference.describe import LightReport
    from relume.io.formats.format import FileInfo


def info(*files: Annotated[Path, Parameter(required=True)], json: Flag = False) -> int:
    """Say what files hold: size, encoding, luminance, dynamic range, clipping.

    Args:
        files: pictures.
        json: print one JSON array, with an object for each file.
    """
    rows, failed = [], 0
    for path in files:
        try:
            header, light = _look(path)
        except (RelumeError, MemoryError, OSError) as error:
            failed += 1
            message = sentence(error, path)
            rows.append({"file": str(path), "error": message})
            print(f"relume: {message}", file=sys.stderr)
            continue
        rows.append(_as_dict(header, light))
        if not json:
            _print_sentences(header, light)
    if json:
        _print_json(rows)
    return 1 if failed else 0


def _look(path: Path) -> "tuple[FileInfo, LightReport]":
    from relume.inference.describe import describe
    from relume.inference.memory import check_memory, needed_bytes
    from relume.io.probe import probe
    from relume.io.read import read

    header = probe(path)
    needed = needed_bytes(None, header.height, header.width)
    check_memory(needed, None, what=f"{path} ({header.width} × {header.height})")
    return header, describe(read(path))


def _as_dict(header: "FileInfo", light: "LightReport") -> dict[str, Any]:
    return {
        "file": str(header.path),
        "format": header.format,
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "sample": header.sample,
        "encoding": {
            "primaries": header.encoding.primaries.name,
            "transfer": header.encoding.transfer,
            "reference": str(header.encoding.reference),
            "white": header.encoding.white,
        },
        "metadata": _metadata(header),
        "tags": header.tags,
        "light": light.as_dict(),
    }


def _metadata(header: "FileInfo") -> dict[str, str | float]:
    values = ((item.name, getattr(header.metadata, item.name)) for item in fields(header.metadata))
    return {
        name: value if isinstance(value, int | float) else str(value)
        for name, value in values
        if value is not None
    }


def _print_json(rows: list[dict[str, Any]]) -> None:
    print(json.dumps(rows, indent=2, ensure_ascii=False))


def _print_sentences(header: "FileInfo", light: "LightReport") -> None:
    print(f"{header.path}")
    print(f"  {header.format}, {header.width} × {header.height}, {header.channels}, {header.sample}")
    print(f"  {header.encoding}")
    named = "  ".join(
        f"{name if name in ('min', 'max') else name + ' %'} {value:.4g}"
        for name, value in light.percentiles.items()
    )
    print(f"  luminance ({light.unit})  {named}")
    print(f"  dynamic range {light.dynamic_range_stops:.1f} stops", end="")
    if light.headroom_stops is not None:
        print(f", {light.headroom_stops:+.1f} stops above white", end="")
    if light.max_cll is not None and light.max_fall is not None:
        print(f", MaxCLL {light.max_cll:.4g}, MaxFALL {light.max_fall:.4g} cd/m²", end="")
    if light.clipped is not None and light.crushed is not None:
        print(f", clipped {light.clipped:.1%} of the pixels, black {light.crushed:.1%}", end="")
    print(f", {light.unusable} NaN or infinite pixels" if light.unusable else "")
    for name, value in {**_metadata(header), **header.tags}.items():
        print(_printable(f"  {name.replace('_', ' ')}: {value}"))


def _printable(text: str) -> str:
    """Text out of a file, with whatever could drive a terminal made visible."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
