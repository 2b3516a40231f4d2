"""What a shared tier has to do: keep bytes for all processes that reach it, and let one of them at a time fetch.

Three rules make a store; ``tests/contract/stores`` checks them for any:

* ``put`` succeeds only while its caller holds the prompt's lock. A lock ends by ``put``, ``unlock``, its expiry and
  ``forget``: so what was asked for before an invalidation, or by a process that was given up, never replaces a newer
  answer.
* A value comes back as it was put, or not at all.
* Nothing takes long: a store that does not answer within about 50 ms raises, and is then left alone for a while.

Anything may be raised; whoever uses a store goes on without it. What the bytes mean is none of its business: they are
checked when they are read, so a store need not be trusted with more than keeping them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from langfuse_otel.json_encoding import to_json
from langfuse_otel.prompts.models import Selector


class StoreKey(NamedTuple):
    """Where a store keeps a value.

    Attributes:
        prompt: The prompt of a project, all versions and labels: 32 hex digits.
        which: ``version:3`` or ``label:production``: one of them.
    """

    prompt: str
    which: str


class Store(Protocol):
    """Shared by processes and threads; the methods are called from any thread, never from an event loop's.

    Attributes:
        name: For details and metrics: ``disk``, ``redis``, or a word of your own.
        max_bytes: Largest value that it takes.
    """

    name: str
    max_bytes: int

    def get(self, key: StoreKey) -> bytes | None:
        """What was put last, or None."""
        ...

    def claim(self, key: StoreKey, *, owner: str, expiry_s: float) -> bytes | bool:
        """What was put last; if nothing was, ``lock``. In one step, as this is what a cold start consists of."""
        ...

    def put(self, key: StoreKey, value: bytes, *, owner: str) -> bool:
        """Replace the value and unlock, if ``owner`` holds the prompt's lock; False, and nothing is done, when not."""
        ...

    def forget(self, prompt: str) -> None:
        """Remove all values of a prompt, and its lock, whoever holds it."""
        ...

    def lock(self, prompt: str, *, owner: str, expiry_s: float) -> bool:
        """Take the prompt's lock for so many seconds, if it is free or ours. ``owner`` is unique to one read."""
        ...

    def unlock(self, prompt: str, *, owner: str) -> None:
        """Free the lock, if ``owner`` still holds it."""
        ...

    def announce(self, message: bytes) -> None:
        """Send a message to all other users of the store; it may arrive late, twice or never."""
        ...

    def messages(self, timeout_s: float) -> Sequence[bytes]:
        """Messages of others since the last call, after at most so many seconds. One thread at a time asks."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def prompt_id(scope: str, name: str) -> str:
    """The prompt ``name`` of a project as stores know it: a digest, as names may hold anything and have any length."""
    return hashlib.sha256(to_json([scope, name])).hexdigest()[:32]


def store_key(scope: str, selector: Selector) -> StoreKey:
    """Where the selected version of a prompt is kept."""
    which = f"label:{selector.label}" if selector.version is None else f"version:{selector.version}"
    return StoreKey(prompt_id(scope, selector.name), which)
