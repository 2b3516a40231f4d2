"""One registration with ``os.register_at_fork`` for the whole package.

Objects that own a thread, a lock or a socket register themselves; they are held weakly, so a dropped one can be
collected. Callbacks must not wait: a fork must stay as fast as it was.
"""

from __future__ import annotations

import logging
import os
import weakref

from langfuse_otel import uwsgi

_objects: weakref.WeakSet[object] = weakref.WeakSet()


def register(owner: object) -> None:
    """Call the owner's ``before_fork``, ``after_fork_parent`` and ``after_fork_child``, those that exist."""
    _objects.add(owner)
    uwsgi.at_fork(_in_uwsgi_worker)


def is_heir() -> bool:
    """Whether what the parent had accepted is for this process to deliver: in one worker of uWSGI's."""
    return _heir == os.getpid()


_last_seen = os.getpid()
_heir = 0


def _in_child() -> None:
    global _last_seen, _heir
    _last_seen = os.getpid()
    if uwsgi.claim():
        _heir = os.getpid()
    _call("after_fork_child")


def _in_uwsgi_worker() -> None:
    if _last_seen != os.getpid():  # else it was told (``py-call-osafterfork``), or is the process that began
        _in_child()


def _call(method: str) -> None:
    for owner in tuple(_objects):
        callback = getattr(owner, method, None)
        if callback is None:
            continue
        try:
            callback()
        except Exception as error:  # a fork must succeed whatever happens in us
            logging.getLogger("langfuse_otel").warning("%s of %s failed: %s", method, type(owner).__name__, error)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=lambda: _call("before_fork"),
        after_in_parent=lambda: _call("after_fork_parent"),
        after_in_child=_in_child,
    )
