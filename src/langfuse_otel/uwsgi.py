"""uWSGI, which forks its workers without telling Python, so that what ``os.register_at_fork`` knows is not called.

Nor does it wait for the master's threads: one that holds the interpreter's lock at that moment leaves the worker to
wait for ever. So there are none of ours in the master. What the master accepted while it loaded the application, its
first worker delivers.
"""

from __future__ import annotations

import importlib
import mmap
import os
import sys
from collections.abc import Callable
from typing import Any

_claimed: mmap.mmap | None = None  # shared by the master and all its workers


def is_master() -> bool:
    """Whether this process will be forked so."""
    uwsgi = _module()
    return uwsgi is not None and uwsgi.worker_id() == 0 and uwsgi.masterpid() == os.getpid()


def has_threads() -> bool:
    """False in a worker where threads run only while a request is handled: in older ones by default."""
    uwsgi = _module()
    return uwsgi is None or bool(getattr(uwsgi, "has_threads", True))


def at_fork(in_worker: Callable[[], None]) -> None:
    """Have a function called in each worker that this process becomes the master of, as its first."""
    global _claimed
    uwsgi = _module()
    if uwsgi is None or _claimed is not None or uwsgi.worker_id() != 0:
        return
    _claimed = mmap.mmap(-1, 1)
    try:
        # There is one place for a hook, which these take over.
        importlib.import_module("uwsgidecorators").postfork(in_worker)
    except Exception:  # it is not installed, or uWSGI runs without a master
        earlier = getattr(uwsgi, "post_fork_hook", None)

        def hook() -> None:
            if earlier is not None:
                earlier()
            in_worker()

        uwsgi.post_fork_hook = hook


def claim() -> bool:
    """Whether this worker is the one that delivers what the master had accepted. True once, however many there are."""
    uwsgi = _module()
    if uwsgi is None or _claimed is None or uwsgi.worker_id() != 1 or _claimed[0]:
        return False
    _claimed[0] = 1
    return True


def _module() -> Any:
    found = sys.modules.get("uwsgi")
    return found if hasattr(found, "worker_id") else None
