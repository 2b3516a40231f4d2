"""A lock in another thread's hands, as a fork may find it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

_PATIENCE_S = 20.0


@contextmanager
def held_by_another_thread(lock: AbstractContextManager[Any]) -> Iterator[None]:
    """Inside, another thread has it."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(_PATIENCE_S)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(_PATIENCE_S)
        yield
    finally:
        done.set()
        holder.join()
