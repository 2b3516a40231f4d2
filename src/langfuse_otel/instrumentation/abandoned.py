"""Ends calls whose stream was dropped, from inside a finalizer.

A finalizer that runs because the last reference went away may end the call at once. One that runs inside the cyclic
garbage collector may not: the collector strikes anywhere, also while this very thread holds a lock of a span
processor or a histogram, and ending a span takes those locks. Such calls wait here for the next instrumented call, or
for the exit of the program.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections import deque
from collections.abc import Callable
from typing import Literal

from langfuse_otel import fork


class _Abandoned:
    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._collecting = False
        gc.callbacks.append(self._collector)
        atexit.register(self.end_waiting)
        fork.register(self)

    def after_fork_child(self) -> None:
        """The parent ends its calls itself."""
        self._waiting.clear()

    def _collector(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        self._collecting = phase == "start"

    def end(self, end: Callable[[], None]) -> None:
        """Run ``end`` now if that is safe, else later; not at all once the interpreter goes down."""
        if sys.is_finalizing():
            return
        if self._collecting:
            self._waiting.append(end)
        else:
            end()

    def end_waiting(self) -> None:
        """End the calls that had to wait."""
        while self._waiting:
            try:
                end = self._waiting.popleft()
            except IndexError:  # another thread was faster
                return
            end()


_abandoned = _Abandoned()
end_abandoned = _abandoned.end
end_waiting = _abandoned.end_waiting
