"""Modules that commands do without, imported only when something asks for what is in them."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType

# With them torch compiles and exports programs. They take a third of the time in which torch starts.
OF_TORCH = ("torch._meta_registrations", "torch.export")

_lock = RLock()


def postpone(names: Sequence[str] = OF_TORCH) -> None:
    """Let modules of these names be imported when an attribute of theirs is looked up, and not before.

    For programs of ours alone: what a module does to others as it is imported comes as late. Modules that
    are imported already, or that there are not, stay as they are.
    """
    sys.meta_path.insert(0, _Finder(names))


class _Finder(MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self.names else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Postponing(spec.loader)
        return spec


class _Postponing(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = Postponed


class Postponed(ModuleType):
    """A module that has its name and its file, but has not run.

    `importlib.util.LazyLoader` runs a module as soon as somebody looks at its `__file__`, as `inspect` does
    with all modules that there are.
    """

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        with _lock:
            spec = self.__spec__
            if isinstance(self, Postponed) and spec and isinstance(spec.loader, _Postponing):
                self.__class__ = ModuleType  # type: ignore[assignment]
                try:
                    spec.loader.loader.exec_module(self)
                except BaseException:
                    self.__class__ = Postponed
                    raise
        return getattr(self, name)
