"""Says when a client's modules are imported, also for the second time: nobody pays for a client that is not used.

wrapt's import hooks, which this resembles, hear only of the first import.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeAlias, cast

from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.proxy import Proxy

Action: TypeAlias = Callable[[ModuleType], object]

_actions: dict[str, tuple[Action, ...]] = {}
_lock = threading.Lock()
_running: set[str] = set()


def on_import(modules: Collection[str], action: Action) -> Callable[[], None]:
    """Call ``action`` with every module of these that is imported or reloaded from now on, when its code has run.

    An error in it does not reach who imports.

    Returns:
        What takes the order back.
    """
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        for module in modules:
            _actions[module] = (*_actions.get(module, ()), action)

    def cancel() -> None:
        with _lock:
            for module in modules:
                left = tuple(each for each in _actions.pop(module, ()) if each is not action)
                if left:
                    _actions[module] = left

    return cancel


def is_being_imported(module: str) -> bool:
    """Whether its code runs just now, if somebody waits for it."""
    return module in _running


class _Finder:
    """Finds nothing itself: asks the finders after it, and puts itself between the import system and the loader."""

    def __init__(self) -> None:
        self._asking = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        asking: frozenset[str] = getattr(self._asking, "for_modules", frozenset())
        if fullname not in _actions or fullname in asking:
            return None
        self._asking.for_modules = asking | {fullname}  # other finders of this kind ask all finders, us too
        try:
            found = (
                finder.find_spec(fullname, path, target)
                for finder in list(sys.meta_path)
                if finder is not self and hasattr(finder, "find_spec")
            )
            spec = next(filter(None, found), None)
        finally:
            self._asking.for_modules = asking
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = cast(Loader, _Loader(spec.loader))
        return spec


class _Loader(Proxy):
    """Like the loader that it wraps; the module never sees it."""

    def exec_module(self, module: ModuleType) -> None:
        loader: Any = self.__wrapped__
        module.__loader__ = loader
        if module.__spec__ is not None:
            module.__spec__.loader = loader
        _running.add(module.__name__)
        try:
            loader.exec_module(module)
        finally:
            _running.discard(module.__name__)
        for action in _actions.get(module.__name__, ()):
            guarded(f"instrumenting {module.__name__}", action, module)


_finder = _Finder()
