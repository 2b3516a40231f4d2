"""Measurements on their way to the metrics SDK, which takes 5 µs for each: more than an application's call shall wait.

They are recorded when a metric reader collects, so nobody sees them late; and before that, by a thread of their own,
when many have come.
"""

from __future__ import annotations

import _thread
import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias
from weakref import WeakSet

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from langfuse_otel import fork
from langfuse_otel.instrumentation.guard import report

MANY = 256
"""So many calls wait at most where there are threads; four times as many where there are none."""

Record: TypeAlias = Callable[[], None]
"""Records the measurements of one call."""

_all: WeakSet[Measurements] = WeakSet()


class Measurements:
    """What waits to be recorded with the instruments of one meter. ``put`` never waits, also inside a finalizer."""

    def __init__(self, meter: Meter) -> None:
        self.after_fork_child()
        fork.register(self)
        _all.add(self)
        # Asked before anything else is collected. It observes nothing, so no metric of this name is ever exported.
        meter.create_observable_gauge(
            "langfuse_otel.measurements", callbacks=[self._collecting], description="Has what waits recorded first."
        )

    def after_fork_child(self) -> None:
        """What waits is the parent's; and so may be whoever holds the lock."""
        self._waiting: deque[Record] = deque()
        self._turn = threading.RLock()
        self._has_thread = False

    def put(self, record: Record) -> None:
        """Have a call recorded soon. Never raises."""
        self._waiting.append(record)
        if len(self._waiting) < MANY:
            return
        if not self._has_thread:
            self._has_thread = True
            with suppress(RuntimeError):  # no more threads, or the interpreter is ending
                _thread.start_new_thread(self._in_thread, ())
                return
            self._has_thread = False
        if len(self._waiting) >= 4 * MANY and self._turn.acquire(blocking=False):
            try:
                self.record_all()
            finally:
                self._turn.release()

    def record_all(self) -> None:
        """Record what waits; returns when that is done, whoever does it. Never raises."""
        with self._turn:
            while self._waiting:
                try:
                    self._waiting.popleft()()
                except Exception as error:
                    report("recording a measurement", error)

    def _in_thread(self) -> None:
        try:
            self.record_all()
        finally:
            self._has_thread = False

    def _collecting(self, options: CallbackOptions) -> Iterable[Observation]:
        self.record_all()
        return ()


@atexit.register
def record_all() -> None:
    """Record what waits anywhere."""
    for measurements in tuple(_all):
        measurements.record_all()
