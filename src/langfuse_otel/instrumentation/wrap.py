"""Patching: puts the shells onto a client's classes and takes them off again."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from wrapt import FunctionWrapper

from langfuse_otel import log
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.declare import Hook
from langfuse_otel.instrumentation.foreign import foreign_wrapper
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.shells import Wrapper, preparing_shell, shell


class Removable(Protocol):
    """What instrumenting has put somewhere, and un-instrumenting takes back."""

    def remove(self) -> None:
        """Leave it as it was."""
        ...


class _Place(NamedTuple):
    """An attribute of a class or module, with what stands there."""

    owner: Any
    name: str
    found: Any


class Replacement:
    """A wrapper in the place of a function. One that somebody kept after ``remove`` is inactive."""

    def __init__(self, place: _Place, wrapper: Wrapper) -> None:
        self._active = True
        self._place = place
        self._own = place.name in vars(place.owner)
        self._original = vars(place.owner)[place.name] if self._own else place.found
        # wrapt 1 and 2 name the arguments differently: by position only.
        self._wrapped = FunctionWrapper(self._original, wrapper)
        setattr(place.owner, place.name, self._wrapped)

    def is_active(self) -> bool:
        """Whether it was not removed yet."""
        return self._active

    def remove(self) -> None:
        """Put back what was there. If somebody has wrapped our wrapper since, it stays and passes calls through."""
        self._active = False
        owner, name, _ = self._place
        if vars(owner).get(name) is not self._wrapped:
            return
        if self._own:
            setattr(owner, name, self._original)
        else:
            delattr(owner, name)


class Patch(Replacement):
    """One hook, applied. A wrapper that somebody kept after ``remove`` passes calls through."""

    def __init__(self, hook: Hook, telemetry: Telemetry, place: _Place, *, over_foreign: bool) -> None:
        self._hook = hook
        self._over_foreign = over_foreign
        if hook.sends_with is None:
            wrapper = shell(place.found, hook.endpoint, telemetry, self._may_trace)
        else:
            wrapper = preparing_shell(hook.sends_with, hook.endpoint, telemetry, self._may_trace)
        super().__init__(place, wrapper)
        # Where a foreign wrapper may turn up later, and what is there while none has.
        elsewhere = [found for target in hook.also_traced_at if (found := find(target)) is not None]
        self._watched: list[_Place] = [_Place(place.owner, place.name, self._wrapped)]
        self._watched += [_Place(owner, name, vars(owner).get(name)) for owner, name, _ in elsewhere]

    def _may_trace(self) -> bool:
        if not self._active:
            return False
        for index, (owner, name, expected) in enumerate(self._watched):
            if vars(owner).get(name) is not expected and not self._over_foreign:
                return guarded("looking for other wrappers", self._is_ours_still, index) is not False
        return True

    def _is_ours_still(self, index: int) -> bool:
        """Somebody has put something in our place since: step aside while it is there, if it traces these calls."""
        owner, name, _ = self._watched[index]
        now = vars(owner).get(name)
        foreign = foreign_wrapper(now)
        if foreign is None:
            self._watched[index] = _Place(owner, name, now)
            return True
        _step_aside(self._hook, foreign)
        return False


def apply(hook: Hook, telemetry: Telemetry, *, over_foreign: bool = False) -> Patch | None:
    """Patch a hook's target.

    Returns None when the installed client has no such target, and when another instrumentation traces it already; the
    latter is logged once. ``over_foreign`` patches nevertheless: every call then gives two spans.
    """
    place = find(hook.target)
    if place is None:
        log.once(logging.DEBUG, f"missing {hook.target}", "Instrumentation: no %s in the installed client", hook.target)
        return None
    if not over_foreign:
        for candidate in (place, *filter(None, map(find, hook.also_traced_at))):
            foreign = foreign_wrapper(candidate.found)
            if foreign is not None:
                _step_aside(hook, foreign)
                return None
    return Patch(hook, telemetry, place, over_foreign=over_foreign)


def watch(target: str, wrapper: Wrapper) -> Replacement | None:
    """Have ``wrapper`` see the calls of a function that traces nothing; None if the client has no such target."""
    place = find(target)
    if place is None:
        return None

    def while_active(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not replacement.is_active():
            return wrapped(*args, **kwargs)
        return wrapper(wrapped, instance, args, kwargs)

    replacement = Replacement(place, while_active)
    return replacement


def find(target: str) -> _Place | None:
    """Where ``"module:Class.method"`` stands; None if the installed client does not have it."""
    module, _, path = target.partition(":")
    *parents, name = path.split(".")
    try:
        owner: Any = import_module(module)
        for parent in parents:
            owner = getattr(owner, parent)
        return _Place(owner, name, getattr(owner, name))
    except (ImportError, AttributeError):
        return None


def _step_aside(hook: Hook, foreign: str) -> None:
    step_aside(hook.target.partition(":")[0].partition(".")[0], foreign)


def step_aside(module: str, foreign: str) -> None:
    """Say once that another instrumentation traces the calls of ``module``, and ours does not."""
    log.once(
        logging.WARNING,
        f"foreign {module} {foreign}",
        "Instrumentation of %s steps aside: %s traces the same calls already, and its spans are understood. "
        "Set LANGFUSE_INSTRUMENT_OVER_FOREIGN=true to have both, and every call twice",
        module,
        foreign,
    )
