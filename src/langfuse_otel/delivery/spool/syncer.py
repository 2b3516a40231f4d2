"""Rows that are to outlive a power cut soon, whatever those that deliver are doing."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from langfuse_otel.delivery.wakeup import Wakeup

_SYNC_AFTER_S = 0.45  # half a second, and the disk takes some of it


class Syncer:
    """Has rows synced within half a second, on a thread of its own, which begins with the first row.

    A thread that delivers may wait for its server for seconds; as long as one calls ``maintain`` in time, this one only
    looks.

    Args:
        sync: Syncs all that was put; says ``done`` before it begins.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._due_at: float | None = None
        self._wakeup = Wakeup()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def row_put(self) -> None:
        """A row was put that is not synced. Never waits."""
        if self._due_at is not None or self._stopped:
            return
        self._due_at = time.monotonic() + _SYNC_AFTER_S
        if self._thread is None:
            self._wakeup = Wakeup()  # gevent may have replaced what locks are since this was made
            self._thread = threading.Thread(target=self._run, name="langfuse-otel-sync", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads, or the interpreter is ending: ``maintain`` and ``close`` sync
                self._thread = None
        self._wakeup.set()

    def done(self) -> None:
        """What was put so far is being synced."""
        self._due_at = None

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._wakeup.set()

    def _run(self) -> None:
        while not self._stopped:
            due_at = self._due_at
            left_s = math.inf if due_at is None else due_at - time.monotonic()
            if left_s <= 0:
                self._sync()
            else:
                self._wakeup.wait(left_s)
