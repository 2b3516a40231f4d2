"""One thread tells another to go on, even from a signal handler or a ``__del__``."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Wakeup:
    """A flag that one thread waits for. Waiting takes it down again.

    A bare lock used as binary semaphore. ``threading.Event`` and ``Condition`` hold a lock of their own inside ``set``,
    so a signal handler that calls ``set`` while its own thread is in there waits for itself for ever.
    """

    __slots__ = ("_raised",)

    def __init__(self) -> None:
        self._raised = threading.Lock()
        self._raised.acquire()

    def set(self) -> None:
        """Raise the flag; nothing happens when it is up already. Never waits."""
        with contextlib.suppress(RuntimeError):  # up already
            self._raised.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the flag and take it down. False after ``timeout_s`` seconds (0 and less: at once)."""
        return self._raised.acquire(timeout=min(max(0.0, timeout_s), threading.TIMEOUT_MAX))


class Waiters:
    """Those who wait for the same news, each with a flag of its own. True while there are any."""

    def __init__(self) -> None:
        self._flags: list[Wakeup] = []

    def __bool__(self) -> bool:
        return bool(self._flags)

    @contextlib.contextmanager
    def one(self) -> Iterator[Wakeup]:
        """A flag that is raised with each news."""
        flag = Wakeup()
        self._flags.append(flag)
        try:
            yield flag
        finally:
            self._flags.remove(flag)

    def notify(self) -> None:
        """There is news."""
        for flag in tuple(self._flags):
            flag.set()
