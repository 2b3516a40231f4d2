"""A store of one's own, as small as one can be: what processes would share, in this process's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from langfuse_otel.prompts.stores.base import StoreKey


class World:
    """What several stores share."""

    def __init__(self) -> None:
        self.values: dict[StoreKey, bytes] = {}
        self.locks: dict[str, tuple[str, float]] = {}
        self.users: list[MemoryStore] = []
        self.changed = threading.Condition()  # re-entrant


class MemoryStore:
    """One process's view of a ``World``."""

    name = "memory_store"
    max_bytes = 1_000_000

    def __init__(self, world: World | None = None) -> None:
        self._world = world or World()
        self._inbox: list[bytes] = []
        self._world.users.append(self)

    def get(self, key: StoreKey) -> bytes | None:
        return self._world.values.get(key)

    def claim(self, key: StoreKey, *, owner: str, expiry_s: float) -> bytes | bool:
        with self._world.changed:
            return self._world.values.get(key) or self.lock(key.prompt, owner=owner, expiry_s=expiry_s)

    def put(self, key: StoreKey, value: bytes, *, owner: str) -> bool:
        with self._world.changed:
            if self._owner(key.prompt) != owner:
                return False
            self._world.values[key] = value
            del self._world.locks[key.prompt]
            return True

    def forget(self, prompt: str) -> None:
        with self._world.changed:
            self._world.locks.pop(prompt, None)
            for key in [key for key in self._world.values if key.prompt == prompt]:
                del self._world.values[key]

    def lock(self, prompt: str, *, owner: str, expiry_s: float) -> bool:
        with self._world.changed:
            if self._owner(prompt) not in (None, owner):
                return False
            self._world.locks[prompt] = (owner, time.monotonic() + expiry_s)
            return True

    def unlock(self, prompt: str, *, owner: str) -> None:
        with self._world.changed:
            if self._owner(prompt) == owner:
                del self._world.locks[prompt]

    def announce(self, message: bytes) -> None:
        with self._world.changed:
            for user in self._world.users:
                if user is not self:
                    user._inbox.append(message)
            self._world.changed.notify_all()

    def messages(self, timeout_s: float) -> Sequence[bytes]:
        with self._world.changed:
            self._world.changed.wait_for(lambda: self._inbox, timeout_s)
            messages, self._inbox = self._inbox, []
            return messages

    def close(self) -> None:
        self._world.users.remove(self)

    def _owner(self, prompt: str) -> str | None:
        owner, until = self._world.locks.get(prompt, ("", 0.0))
        return owner if time.monotonic() < until else None
