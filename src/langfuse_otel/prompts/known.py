"""The prompt clients of this process, by project: the exporter looks into the memory of those that there are.

It makes none, so it does not matter who made the exporter: ``configure``, ``OTEL_TRACES_EXPORTER=langfuse``, or a
declarative file.
"""

from __future__ import annotations

import json
import threading
import weakref
from typing import Protocol

from langfuse_otel import fork
from langfuse_otel.prompts.models import Prompt, Selector


class Peeks(Protocol):
    """A client, as far as it is looked into."""

    def peek(self, selector: Selector) -> Prompt | None:
        """The prompt if it is in memory. No I/O."""
        ...


class _Known:
    """Held weakly. Looking takes no lock, as ``clients`` is replaced and not changed."""

    def __init__(self) -> None:
        self.clients: tuple[tuple[str, weakref.ref[Peeks]], ...] = ()
        self._lock = threading.RLock()
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own: the inherited one may be held by a thread that is not here."""
        self._lock = threading.RLock()

    def add(self, scope: str, client: Peeks) -> None:
        with self._lock:
            alive = (known for known in self.clients if known[1]() is not None)
            self.clients = (*alive, (scope, weakref.ref(client)))


_known = _Known()


def scope_of(base_url: str, public_key: str) -> str:
    """What tells the prompts of one project from those of all others: the server's address and the public key.

    As JSON, for whatever stood between the two could be part of either.
    """
    return json.dumps([base_url.rstrip("/"), public_key])


def make_known(scope: str, client: Peeks) -> None:
    """Let ``in_memory`` find this client, for as long as somebody else holds it."""
    _known.add(scope, client)


def in_memory(scope: str, selector: Selector) -> Prompt | None:
    """The prompt if a client of this project has it in memory, fresh or stale. No I/O, no lock; makes no client."""
    for known, reference in _known.clients:
        client = reference() if known == scope else None
        prompt = None if client is None else client.peek(selector)
        if prompt is not None:
            return prompt
    return None
