"""`relume methods`: what there is, and how each is set."""

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from relume.cli.options import Flag

if TYPE_CHECKING:
    from relume.method import Method


def methods(name: str | None = None, /, *, json: Flag = False) -> int:
    """List the methods, or one with its parameters.

    Args:
        name: a method to be told everything about.
        json: print JSON.
    """
    from relume import catalog
    from relume.errors import MethodError

    wanted = catalog.ALIASES.get(name, name) if name else None
    if wanted is not None and wanted not in catalog.METHODS:
        raise MethodError(f"there is no method '{name}'; `relume methods` lists them.")
    chosen = [catalog.METHODS[wanted]] if wanted else list(catalog.METHODS.values())
    if json:
        _print_json([_row(method) for method in chosen])
    elif wanted:
        _print_one(chosen[0])
    else:
        _print_table(chosen)
    return 0


def _row(method: "type[Method]") -> dict[str, Any]:
    from relume.catalog import DEFAULTS

    spec = method.spec
    return {
        "name": spec.name,
        "title": spec.title,
        "direction": str(spec.direction),
        "default": spec.name == DEFAULTS[spec.direction],
        "input": str(spec.input),
        "output": str(spec.output),
        "scaling": spec.scaling,
        "citation": spec.citation,
        "licence": spec.licence,
        "parameters": {
            item.name: {"default": item.default, **_finite(dict(item.metadata))}
            for item in fields(method)  # type: ignore[arg-type]
        },
    }


def _finite(metadata: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no infinity: an open end is null."""
    return {key: None if value in (float("inf"), float("-inf")) else value for key, value in metadata.items()}


def _print_json(rows: list[dict[str, Any]]) -> None:
    print(json.dumps(rows, indent=2, ensure_ascii=False))


def _print_table(chosen: "list[type[Method]]") -> None:
    from relume.catalog import DEFAULTS

    for direction, default in DEFAULTS.items():
        print(f"relume {direction} --method")
        for method in chosen:
            if method.spec.direction is direction:
                mark = "  (default)" if method.spec.name == default else ""
                print(f"  {method.spec.name:<24}{method.spec.title}{mark}")


def _print_one(method: "type[Method]") -> None:
    spec = method.spec
    print(f"{spec.name}: {spec.title}\n")
    print(f"  {(method.__doc__ or '').splitlines()[0]}\n")
    print(f"  takes    {spec.input}\n  returns  {spec.output}\n  licence  {spec.licence}")
    for item in fields(method):  # type: ignore[arg-type]
        about = item.metadata
        bounds = ", ".join(about["choices"]) or f"{about['minimum']:g} to {about['maximum']:g}"
        default = "auto" if item.default is None else item.default
        unit = f" {about['unit']}" if about["unit"] else ""
        print(f"  --param {item.name}={default}{unit}  ({bounds})\n      {about['meaning']}")
