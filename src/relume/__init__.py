"""relume: SDR to high dynamic range, and high dynamic range to pictures for ordinary screens.

    image = relume.read("photo.jpg")
    relume.write("photo.exr", relume.expand(image))

Names are imported on first use, so that `import relume` and `relume --help` cost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relume import evaluation as evaluation
    from relume import metrics as metrics
    from relume import models as models
    from relume.color.encoding import Encoding as Encoding
    from relume.color.encoding import Reference as Reference
    from relume.errors import EncodingError as EncodingError
    from relume.errors import FileError as FileError
    from relume.errors import ImageError as ImageError
    from relume.errors import MemoryLimitError as MemoryLimitError
    from relume.errors import MethodError as MethodError
    from relume.errors import RelumeError as RelumeError
    from relume.errors import UnreadableFile as UnreadableFile
    from relume.errors import UnsupportedFormat as UnsupportedFormat
    from relume.errors import UnwritableFile as UnwritableFile
    from relume.image import Image as Image
    from relume.image import Metadata as Metadata
    from relume.inference.apply import expand as expand
    from relume.inference.apply import methods as methods
    from relume.inference.apply import tonemap as tonemap
    from relume.io.probe import probe as probe
    from relume.io.read import read as read
    from relume.io.write import write as write
    from relume.method import MethodSpec as MethodSpec
    from relume.models.learned import load as load

__version__ = "0.1.0"

_HOMES = {
    "Encoding": "color.encoding",
    "EncodingError": "errors",
    "FileError": "errors",
    "Image": "image",
    "ImageError": "errors",
    "MemoryLimitError": "errors",
    "Metadata": "image",
    "MethodError": "errors",
    "MethodSpec": "method",
    "Reference": "color.encoding",
    "RelumeError": "errors",
    "UnreadableFile": "errors",
    "UnsupportedFormat": "errors",
    "UnwritableFile": "errors",
    "expand": "inference.apply",
    "load": "models.learned",
    "methods": "inference.apply",
    "probe": "io.probe",
    "read": "io.read",
    "tonemap": "inference.apply",
    "write": "io.write",
}

_ROOMS = ("evaluation", "metrics", "models")
"""Rooms whose functions are called by their own name, `relume.metrics.hdr_vdp3(...)`."""

__all__ = sorted((*_HOMES, *_ROOMS, "__version__"))


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"relume.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'relume' has no attribute '{name}'")
    value = getattr(import_module(f"relume.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
