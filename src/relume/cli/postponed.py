"""Modules that commands do without, imported only when something asks for what is in them."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType

# With them torch compiles and exports programs. They take a third of the time in which torch starts.
# Without the module that comes in the place of the second, random numbers cannot be drawn.
OF_TORCH = {"torch.export": (), "torch._meta_registrations": ("torch._prims.rng_prims",)}

_lock = RLock()


def postpone(names: Mapping[str, Sequence[str]] = OF_TORCH) -> None:
    """Let modules of these names run when an attribute of theirs is looked up, and not before.

    For programs of ours alone: what a module does to others as it runs comes as late. Modules that are
    imported already, or that there are not, stay as they are.

    Args:
        names: each with those modules that are imported in its place, since others count on them.
    """
    sys.meta_path.insert(0, _Finder(names))


class _Finder(MetaPathFinder):
    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self.names else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Postponing(spec.loader, self.names[name])
        return spec


class _Postponing(Loader):
    def __init__(self, loader: Loader, instead: Sequence[str]) -> None:
        self.loader, self.instead = loader, instead

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = Postponed
        for name in self.instead:
            import_module(name)


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
