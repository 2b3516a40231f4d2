"""SIGTERM: deliver what is left, then end as the system, or the application, would have ended the process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_Handler = Callable[[int, "FrameType | None"], object]


def drain_before(drain: Callable[[], None], hurry: Callable[[], None]) -> None:
    """Be called at SIGTERM, if this is the main thread; else, and where SIGTERM is ignored, do nothing.

    Over the system's own handling: ``drain``, and then the exit status of a process that SIGTERM ended. Over a handler
    of the application's: that one, alone and first, and then ``hurry``, which must not wait. It ends the program in its
    own way, and the interpreter's exit drains; but some servers (uvicorn) put back what they found and raise the signal
    again, which ends the process with no exit at all. A handler that is set later stays alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
        drain()
        os.kill(os.getpid(), number)

    with contextlib.suppress(ValueError):  # a sub-interpreter's main thread may not set handlers
        found = signal.getsignal(signal.SIGTERM)
        if found is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, end)
        elif callable(found) and getattr(found, "__module__", None) != __name__:
            signal.signal(signal.SIGTERM, _chained(found, hurry))


def _chained(theirs: _Handler, hurry: Callable[[], None]) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        try:
            theirs(number, frame)
        finally:
            hurry()

    return handle
