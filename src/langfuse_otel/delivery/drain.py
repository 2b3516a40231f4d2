"""Delivers what all pipelines of the process have left, in a bounded time together: on demand, and when it exits."""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from langfuse_otel.delivery import sigterm


class Drainable(Protocol):
    """What may hold up the exit."""

    @property
    def shutdown_timeout_s(self) -> float:
        """For how long, at most."""
        ...

    def hurry(self) -> None:
        """From now on, deliver each span at once."""
        ...

    def wake(self) -> None:
        """Begin to deliver what was accepted so far, without waiting."""
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

    def leave(self, timeout_s: float) -> object:
        """Wait until the process may be killed."""
        ...

    def abandon(self) -> None:
        """End now."""
        ...


class HasOpenSpans(Protocol):
    """What knows of spans that have not ended."""

    def settle_open_spans(self) -> None:
        """They will not end any more. Must neither raise nor wait."""
        ...


_SETTLE_S = 1.0  # for the spans that are open at a signal

_pipelines: weakref.WeakSet[Drainable] = weakref.WeakSet()
_processors: weakref.WeakSet[HasOpenSpans] = weakref.WeakSet()
_armed_in: int | None = None


def at_exit(pipeline: Drainable, *, also_at_sigterm: bool = False) -> None:
    """Shut the pipeline down when this process exits, unless it is gone by then.

    Args:
        pipeline: Held weakly.
        also_at_sigterm: Where the application leaves that signal to the system; else deliver at once from then on.
    """
    _pipelines.add(pipeline)
    if also_at_sigterm:
        sigterm.drain_before(lambda: _drain(is_killed_next=True), _hurry)


def before(processor: HasOpenSpans) -> None:
    """Have the spans that have not ended settled before the pipelines are drained.

    Args:
        processor: Held weakly.
    """
    _processors.add(processor)


def forget(pipeline: Drainable) -> None:
    """The pipeline has ended by itself."""
    _pipelines.discard(pipeline)


def flush_all(timeout_s: float) -> bool:
    """Flush every pipeline of this process; False when ``timeout_s`` seconds did not suffice for all."""
    deadline = time.monotonic() + timeout_s
    pipelines = tuple(_pipelines)
    for pipeline in pipelines:  # all at once, so that a hung server of one does not use up the others' time
        pipeline.wake()
    flushed = [pipeline.flush(deadline - time.monotonic()) for pipeline in pipelines]  # each, also after a failure
    return all(flushed)


def arm() -> None:
    """Make sure that this very process drains; has an effect once a process.

    A child of ``multiprocessing`` leaves by ``os._exit`` without calling what ``atexit`` knows, or (3.14) forgets that
    at its start. Its own finalizers it does call. A child of Celery's pool calls nothing but Celery's signal.
    """
    global _armed_in
    if _armed_in == os.getpid():
        return
    _armed_in = os.getpid()
    multiprocessing = sys.modules.get("multiprocessing")  # imported in every child that it started
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _drain, exitpriority=0)
    celery_signals = sys.modules.get("celery.signals")
    if celery_signals is not None:  # sent by children of the pool only
        celery_signals.worker_process_shutdown.connect(_on_celery_worker_exit, weak=False)


def is_exiting() -> bool:
    """Whether the interpreter ends, and calls what is registered with ``atexit``."""
    return not threading.main_thread().is_alive()


def _on_celery_worker_exit(**_: object) -> None:
    _drain()


def _hurry() -> None:
    for pipeline in tuple(_pipelines):
        pipeline.hurry()


def _drain(*, is_killed_next: bool = False) -> None:
    if is_killed_next:
        _beside(_settle_open_spans)
    else:
        _settle_open_spans()
    pipelines = tuple(_pipelines)
    for pipeline in pipelines:
        pipeline.close(pipeline.shutdown_timeout_s)
    deadline = time.monotonic() + max((pipeline.shutdown_timeout_s for pipeline in pipelines), default=0.0)
    try:
        # While other threads' spans are still accepted.
        flushed = [pipeline.flush(deadline - time.monotonic()) for pipeline in pipelines]
        for pipeline, may_go_on in zip(pipelines, flushed, strict=True):
            end = pipeline.leave if is_killed_next else pipeline.shutdown
            end(deadline - time.monotonic() if may_go_on else 0.0)
    except KeyboardInterrupt:  # a second Ctrl-C: the user does not want to wait
        for pipeline in pipelines:
            pipeline.abandon()


def _settle_open_spans() -> None:
    for processor in tuple(_processors):
        processor.settle_open_spans()


def _beside(call: Callable[[], None]) -> None:
    """Call it on a thread of its own, and wait for a bounded time.

    A signal may have interrupted this one in the middle of a change to a span, and the SDK's locks are not re-entrant.
    ``threading`` has locks that may be held likewise, so its threads are not used.
    """
    done = threading.Event()

    def run() -> None:
        try:
            call()
        finally:
            done.set()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # no more threads
        return
    done.wait(_SETTLE_S)


# When this module is imported, and so after whatever the application registers later: spans that end in its exit hooks
# are still delivered.
atexit.register(_drain)
