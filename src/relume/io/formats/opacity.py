"""Refuse transparency where a format has no place for it."""

from pathlib import Path

from relume.errors import UnsupportedFormat
from relume.image import Image

# Nearer to 1 than half a step of 8 bits is opaque.
_OPAQUE = 1 - 1 / 512


def check_opaque(path: Path, image: Image, *, format_name: str) -> None:
    """Let pass a picture without alpha, or with alpha 1 everywhere.

    Raises:
        UnsupportedFormat: it is transparent somewhere.
    """
    if image.alpha is not None and not bool((image.alpha > _OPAQUE).all()):
        raise UnsupportedFormat(
            path, f"the picture is partly transparent, which {format_name} cannot hold; write .exr instead."
        )
