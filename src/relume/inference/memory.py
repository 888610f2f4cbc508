"""How much memory work may take, and what it will take, told before anything is decoded."""

import re

import psutil

from relume.errors import MemoryLimitError
from relume.method import MethodSpec

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

FLOAT_BYTES = 4
# What the libraries themselves take before the first pixel.
_BASE_BYTES = 300 << 20
# Per pixel: the picture with what is decoded from, or written to, a file.
_FILE_FLOATS = 6.0
# Masks are kept in half.
_MASK_FLOATS = 0.5


def parse_memory(text: str) -> int:
    """Bytes from "1.5GiB", "800M" or "2e9".

    Raises:
        MemoryLimitError: not an amount of memory.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if match is None or float(match[1]) == 0:
        raise MemoryLimitError(f"'{text}' is not an amount of memory; expected for example 2GiB or 800M.")
    return int(float(match[1]) * _UNITS[match[2]])


def show_memory(size: float) -> str:
    """Bytes for people: "1.3 GiB"."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit in ("bytes", "KiB", "MiB") else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def needed_bytes(
    spec: MethodSpec | None,
    height: int,
    width: int,
    *,
    converted: bool = True,
    consumed: bool = False,
    alpha: bool = True,
) -> int:
    """What a picture of that size takes at its peak: as read, as the method wants it, and the result.

    Args:
        spec: of the method; None stands for reading and writing alone.
        converted: whether the picture as it was read stays beside what the method wants.
        consumed: whether the result takes the place of that.
        alpha: whether it is transparent somewhere.
    """
    floats = _FILE_FLOATS
    if spec is not None:
        result = (0.0 if consumed else 3.0) + _MASK_FLOATS * len(spec.masks)
        floats = max(floats, 3.0 + 3.0 * converted + max(result, spec.memory))
    return int((floats + alpha) * FLOAT_BYTES * height * width) + _BASE_BYTES


def check_memory(needed: int, limit: int | None, *, what: str) -> None:
    """Refuse work that does not fit.

    Args:
        needed: bytes at the peak.
        limit: bytes allowed; None: what the machine has free.
        what: the subject of the sentence, "photo.jpg (12000 × 9000)".

    Raises:
        MemoryLimitError: it does not fit.
    """
    allowed = psutil.virtual_memory().available if limit is None else limit
    if needed > allowed:
        source = "are free" if limit is None else "are allowed"
        remedy = "close other programs or make the picture smaller" if limit is None else "raise --max-memory"
        raise MemoryLimitError(
            f"{what} needs about {show_memory(needed)} of memory and {show_memory(allowed)} {source}; "
            f"{remedy}."
        )
