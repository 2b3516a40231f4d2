"""Delivers what all pipelines of the process have left, in a bounded time together: on demand, and when it exits."""

from __future__ import annotations

import atexit
import os
import sys
import time
import weakref
from typing import Protocol


class Drainable(Protocol):
    """What may hold up the exit."""

    @property
    def shutdown_timeout_s(self) -> float:
        """For how long, at most."""
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was accepted so far is delivered."""
        ...

    def close(self, timeout_s: float) -> None:
        """Begin to end, without waiting."""
        ...

    def shutdown(self, timeout_s: float) -> object:
        """Wait for the end."""
        ...

    def abandon(self) -> None:
        """End now."""
        ...


_pipelines: weakref.WeakSet[Drainable] = weakref.WeakSet()
_armed_in: int | None = None


def at_exit(pipeline: Drainable) -> None:
    """Shut the pipeline down when this process exits, unless it is gone by then."""
    _pipelines.add(pipeline)


def forget(pipeline: Drainable) -> None:
    """The pipeline has ended by itself."""
    _pipelines.discard(pipeline)


def flush_all(timeout_s: float) -> bool:
    """Flush every pipeline of this process; False when ``timeout_s`` seconds did not suffice for all."""
    deadline = time.monotonic() + timeout_s
    flushed = [pipeline.flush(deadline - time.monotonic()) for pipeline in tuple(_pipelines)]
    return all(flushed)


def arm() -> None:
    """Make sure that this very process drains; has an effect once a process.

    A child of ``multiprocessing`` leaves by ``os._exit`` without calling what ``atexit`` knows, or (3.14) forgets that
    at its start. Its own finalizers it does call.
    """
    global _armed_in
    if _armed_in == os.getpid():
        return
    _armed_in = os.getpid()
    multiprocessing = sys.modules.get("multiprocessing")  # imported in every child that it started
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _drain, exitpriority=0)


def _drain() -> None:
    pipelines = tuple(_pipelines)
    for pipeline in pipelines:  # all begin now, so that a hung server of one does not use up the others' time
        pipeline.close(pipeline.shutdown_timeout_s)
    deadline = time.monotonic() + max((pipeline.shutdown_timeout_s for pipeline in pipelines), default=0.0)
    try:
        for pipeline in pipelines:
            pipeline.shutdown(deadline - time.monotonic())
    except KeyboardInterrupt:  # a second Ctrl-C: the user does not want to wait
        for pipeline in pipelines:
            pipeline.abandon()


# When this module is imported, and so after whatever the application registers later: spans that end in its exit hooks
# are still delivered.
atexit.register(_drain)
