"""Renews stale prompts behind the callers' backs."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from langfuse_otel import fork, log
from langfuse_otel.prompts.caller import behind_callers_back

_IDLE_S = 60.0


class Refresher:
    """One daemon worker that runs jobs in order, each key at most once in the queue.

    The thread starts with the first job, leaves after a minute without one and, as a daemon, never holds up the end of
    the program. After a fork, the child begins with an empty queue and, when it needs one, a worker of its own.
    """

    def __init__(self) -> None:
        self._jobs: OrderedDict[Hashable, Callable[[], object]] = OrderedDict()
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        fork.register(self)

    def submit(self, key: Hashable, job: Callable[[], object]) -> None:
        """Run ``job`` soon, unless one waits for this key already. Its errors are logged. Does not wait."""
        with self._changed:
            if key in self._jobs:
                return
            self._jobs[key] = behind_callers_back(job)
            if self._worker is None:
                worker = threading.Thread(target=self._work, name="langfuse-prompt-refresh", daemon=True)
                try:
                    worker.start()
                except RuntimeError:  # no more threads, or the interpreter is shutting down: what is stale stays so
                    self._jobs.clear()
                    return
                self._worker = worker
            self._changed.notify()

    def after_fork_child(self) -> None:
        """The worker did not come along, and the lock may be held by a thread that is not here."""
        self._jobs = OrderedDict()
        self._changed = threading.Condition()
        self._worker = None

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._jobs, _IDLE_S):
                    self._worker = None
                    return
                _, job = self._jobs.popitem(last=False)
            try:
                job()
            except Exception as error:
                log.limited(logging.WARNING, "prompt-refresh", "a prompt was not refreshed: %s", error)
