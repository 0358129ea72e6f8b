"""Replacing functions of libraries, at once or when they are imported, and putting the originals back.

A library that the app never imports is never imported by us.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

logger = logging.getLogger("monlight")

_restores: list[Callable[[], None]] = []


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Sets `owner.name` to `make(original)`."""
    original = getattr(owner, name)
    setattr(owner, name, make(original))
    on_restore(lambda: setattr(owner, name, original))


def on_restore(undo: Callable[[], None]) -> None:
    """What `restore` does as well."""
    _restores.append(undo)


def restore() -> None:
    """Undoes all, the last one first, and no longer waits for imports."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _finder.waiting.clear()
    while _restores:
        try:
            _restores.pop()()
        except Exception:
            logger.warning("an integration could not be undone", exc_info=True)


def when_imported(module: str, act: Callable[[], None]) -> None:
    """Calls `act` now if the module is there, else once it has been imported."""
    if module in sys.modules:
        _quietly(module, act)
        return
    _finder.waiting[module] = act
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _quietly(module: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception:
        logger.warning("%s is not watched", module, exc_info=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds what the others find, with a loader that tells when it is done."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        act = self.waiting.pop(fullname, None)
        if act is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            # Not installed now, but perhaps later.
            self.waiting[fullname] = act
            return None
        spec.loader = _Loader(spec.loader, act)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: Any, act: Callable[[], None]) -> None:
        self._loader = loader
        self._act = act

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _quietly(module.__name__, self._act)


_finder = _Finder()
