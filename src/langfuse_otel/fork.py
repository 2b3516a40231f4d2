"""One registration with ``os.register_at_fork`` for the whole package.

Objects that own a thread, a lock or a socket register themselves; they are held weakly, so a dropped one can be
collected. Callbacks must not wait: a fork must stay as fast as it was.
"""

from __future__ import annotations

import logging
import os
import weakref

_objects: weakref.WeakSet[object] = weakref.WeakSet()


def register(owner: object) -> None:
    """Call the owner's ``before_fork``, ``after_fork_parent`` and ``after_fork_child``, those that exist."""
    _objects.add(owner)


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
        after_in_child=lambda: _call("after_fork_child"),
    )
