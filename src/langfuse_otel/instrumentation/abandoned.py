"""Ends the calls whose stream nobody reads on: dropped ones from a finalizer, the others at the exit of the program.

A finalizer that runs because the last reference went away may end the call at once. One that runs inside the cyclic
garbage collector may not: the collector strikes anywhere, also while this very thread holds a lock of a span
processor or a histogram, and ending a span takes those locks. Such calls wait here until the collector is done, and are
ended in a thread that holds none; should there be no thread to have, by the next instrumented call or at the exit.
"""

from __future__ import annotations

import _thread
import atexit
import gc
import sys
from collections import deque
from contextlib import suppress
from typing import Literal, Protocol
from weakref import WeakSet

from langfuse_otel import fork


class Stream(Protocol):
    """What can be abandoned."""

    def end_abandoned(self) -> None:
        """End the call, unless it has ended. Never raises."""
        ...


class AbandonedStreams:
    """Knows the open streams, and the dropped ones that could not be ended yet."""

    def __init__(self) -> None:
        self._open: WeakSet[Stream] = WeakSet()
        self._waiting: deque[Stream] = deque()
        self._collecting_in: int | None = None
        self._watches_exit = False
        gc.callbacks.append(self._collector)
        fork.register(self)

    def after_fork_child(self) -> None:
        """The parent ends its calls itself."""
        self._open.clear()
        self._waiting.clear()

    def watch(self, stream: Stream) -> None:
        """Have ``stream`` ended at the exit of the program, if it is still there."""
        if not self._watches_exit:
            # Registered with the first stream, not at import: exit handlers run last in, first out, and spans must
            # end before the tracer provider, which was there before any stream, shuts down.
            self._watches_exit = True
            atexit.register(self.end_all)
        self._open.add(stream)

    def end(self, stream: Stream) -> None:
        """End a dropped stream now if that is safe, else later; not at all once the interpreter goes down."""
        if sys.is_finalizing():
            return
        if self.is_collecting:
            self._waiting.append(stream)
        else:
            stream.end_abandoned()

    @property
    def is_collecting(self) -> bool:
        """Whether this very code runs in a finalizer that the garbage collector called."""
        return self._collecting_in == _thread.get_ident()

    def end_waiting(self) -> None:
        """End the streams that had to wait."""
        while self._waiting:
            try:
                stream = self._waiting.popleft()
            except IndexError:  # another thread was faster
                return
            stream.end_abandoned()

    def end_all(self) -> None:
        """End every stream: nobody will read on."""
        self.end_waiting()
        with suppress(KeyError):  # none left; daemon threads may still add to them
            while True:
                self._open.pop().end_abandoned()

    def _collector(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        self._collecting_in = _thread.get_ident() if phase == "start" else None
        if self._waiting and phase == "stop" and not sys.is_finalizing():
            # Of `threading`, this very thread may hold a lock.
            with suppress(RuntimeError):
                _thread.start_new_thread(self.end_waiting, ())


abandoned_streams = AbandonedStreams()
