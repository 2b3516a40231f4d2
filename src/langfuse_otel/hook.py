"""Functions of the application's that we call: how long one may take, and what becomes of one that takes longer.

Nothing can stop a function that runs in a thread. It can be said which one it is, and it need not be called again.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock

SLOW_S = 1.0
"""A call that takes longer is worth a line in the log."""

TOO_SLOW_S = 5.0
"""A call that takes longer counts towards a pause: as long as the exit of a program may be held up by default."""

TOO_SLOW_CALLS = 5
"""So many of them in a row, and the function is not called for a while."""

PAUSE_S = 30.0
"""How long not. The first call after that decides whether there is another pause."""


class HookPausedError(Exception):
    """The function was not called, as it takes too long."""


class Hook:
    """Calls a function of the application's, as long as that answers in time.

    A function is not called while it pauses, nor while a call of another thread's has not returned for ``TOO_SLOW_S``.
    What its caller does without is for the caller to know: a value that cannot be masked is not to be seen.

    Args:
        what: What the function is for, for the log: ``mask``, ``on_error``.
        function: The function.
        of: The application's own function, where ``function`` only calls that.
        clock: Time.
    """

    def __init__(
        self,
        what: str,
        function: Callable[..., Any],
        *,
        of: Callable[..., Any] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        own = function if of is None else of
        module = getattr(own, "__module__", None) or "builtins"
        self.name = f"the {what} function {module}.{getattr(own, '__qualname__', type(own).__name__)}"
        self._function = function
        self._clock = clock
        self._running: dict[object, float] = {}  # when the calls under way began
        self._too_slow_calls = 0
        self._paused_until = float("-inf")
        _hooks.add(self)
        fork.register(self)

    def after_fork_child(self) -> None:
        """The calls under way are the parent's."""
        self._running = {}

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns.

        Raises:
            HookPausedError: It was not called.
            Exception: What it raises.
        """
        began = self._clock.monotonic()
        if began < self._paused_until or (self._running and self.running_s > TOO_SLOW_S):
            raise HookPausedError(f"{self.name} is not called, as it takes too long")
        call, running = object(), self._running
        running[call] = began
        try:
            return self._function(*arguments)
        finally:
            del running[call]
            took_s = self._clock.monotonic() - began
            if took_s > SLOW_S:
                self._was_slow(took_s)
            if took_s <= TOO_SLOW_S:
                self._too_slow_calls = 0

    @property
    def running_s(self) -> float:
        """How long the longest of the calls under way has been running, seconds; 0 when there is none."""
        return self._clock.monotonic() - min(tuple(self._running.values()), default=self._clock.monotonic())

    def _was_slow(self, took_s: float) -> None:
        log.limited(logging.WARNING, f"hook.slow:{self.name}", "%s took %.1f s", self.name, took_s)
        if took_s <= TOO_SLOW_S:
            return
        self._too_slow_calls += 1
        if self._too_slow_calls >= TOO_SLOW_CALLS:
            self._paused_until = self._clock.monotonic() + PAUSE_S
            message = "%s took more than %g s %d times in a row, and is not called for %g s"
            arguments = (self.name, TOO_SLOW_S, self._too_slow_calls, PAUSE_S)
            log.limited(logging.ERROR, f"hook.paused:{self.name}", message, *arguments)


_hooks: weakref.WeakSet[Hook] = weakref.WeakSet()


def stuck() -> str | None:
    """Which function of the application's was called more than ``TOO_SLOW_S`` ago and has not returned."""
    running_s, name = max(((hook.running_s, hook.name) for hook in tuple(_hooks)), default=(0.0, ""))
    return f"{name} was called {running_s:.0f} s ago and has not returned" if running_s > TOO_SLOW_S else None
