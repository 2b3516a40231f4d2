"""SQLite and ``fork``: no thread may be inside it then, and no connection may be used or closed by the child."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

_WAIT_S = 1.0  # for each lock

_kept: list[object] = []


class ForkGate:
    """Keeps threads out of SQLite while the process forks: locks in there are the process's and would stay locked."""

    def __init__(self) -> None:
        self._gate = threading.RLock()
        self._is_closed = False
        self._held: list[Callable[[], object]] = []
        self._missed = False

    def close(self, *locks: threading.RLock) -> None:
        """Take all locks, as a thread has that uses SQLite; gives up on each after a second."""
        self._is_closed, self._missed = True, False
        for lock in (self._gate, *locks):
            if lock.acquire(timeout=_WAIT_S):
                self._held.append(lock.release)
            else:
                self._missed = True

    def open(self) -> None:
        """Release them."""
        self._is_closed = False
        while self._held:
            self._held.pop()()

    @property
    def was_forced(self) -> bool:
        """Whether a thread may have been inside after all."""
        return self._missed

    def pass_by(self) -> None:
        """Let a thread that forks go first: it would not get its turn among many that put one row after the other."""
        if self._is_closed:
            with self._gate:
                pass


def keep_for_ever(connection: object) -> None:
    """Never let the interpreter finalize a connection of the parent's, not even at its exit: that would close it.

    Source: "How To Corrupt An SQLite Database File", section 2.6.
    """
    _kept.append(connection)
    with suppress(ImportError, AttributeError):  # where objects are not counted, they are not finalized at exit either
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
