"""Doing something to a module as soon as the script imports it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType

Patch = Callable[[ModuleType], object]


@contextmanager
def when_imported(patches: Mapping[str, Patch]) -> Iterator[None]:
    """Call ``patches[name]`` with the module of that name: now if it is there, else once it has been imported."""
    waiting = dict(patches)
    for name in [name for name in waiting if name in sys.modules]:
        waiting.pop(name)(sys.modules[name])
    finder = _Finder(waiting)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the others find a module and follows its loading."""

    def __init__(self, waiting: dict[str, Patch]) -> None:
        self.waiting = waiting
        self.busy: set[str] = set()  # names it is asking the others for, among whom may be another of its kind

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.waiting or fullname in self.busy:
            return None
        self.busy.add(fullname)
        try:
            found = (finder.find_spec(fullname, path, target) for finder in list(sys.meta_path) if finder is not self)
            spec = next((spec for spec in found if spec is not None), None)
        finally:
            self.busy.discard(fullname)
        if spec is not None and spec.loader is not None:
            _follow(spec.loader, self.waiting.pop(fullname))
        return spec


def _follow(loader: importlib.abc.Loader, patch: Patch) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        patch(module)

    loader.exec_module = exec_module  # type: ignore[method-assign]
