"""Configurations as JSON: what a run was, in words that a program can compare."""

import dataclasses
import functools
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any

from torch import Tensor, nn


def describe(value: object) -> Any:
    """A configuration as what JSON can hold.

    Frozen dataclasses become objects with their fields and, as "is", their class; functions and partial
    functions their names; networks what they say of themselves (`extra_repr`); tensors their shapes.
    """
    if isinstance(value, Enum):
        return describe(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, Tensor) for item in value):
            return f"{len(value)} tensors"
        return [describe(item) for item in value]
    return _describe_object(value)


def _describe_object(value: object) -> Any:
    if isinstance(value, functools.partial):
        return {"is": _name(value.func), **describe(value.keywords)}
    if isinstance(value, FunctionType | type):
        return _name(value)
    if isinstance(value, Tensor):
        return f"tensor {tuple(value.shape)}"
    if isinstance(value, nn.Module):
        return {"is": _name(type(value)), "about": value.extra_repr()}
    if dataclasses.is_dataclass(value):
        fields = {item.name: describe(getattr(value, item.name)) for item in dataclasses.fields(value)}
        return {"is": _name(type(value)), **fields}
    return {"is": _name(type(value))}


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def differences(old: Any, new: Any, at: str = "") -> list[str]:
    """Where two descriptions differ, each as "place: old, now new"."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        return [
            line
            for name in names
            for line in differences(old.get(name), new.get(name), f"{at}.{name}" if at else name)
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            line
            for number, pair in enumerate(zip(old, new, strict=True))
            for line in differences(*pair, f"{at}[{number}]")
        ]
    return [] if old == new else [f"{at}: {old}, now {new}"]
