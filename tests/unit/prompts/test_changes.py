"""News of changed prompts: heard by those whom they concern, and in nobody's way."""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from langfuse_otel.prompts import changes
from langfuse_otel.prompts.changes import Listener, News
from support.memory_store import MemoryStore, World

PATIENCE_S = 20.0


class Owner:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.heard = threading.Semaphore(0)

    def on_news(self, name: str) -> None:
        self.names.append(name)
        self.heard.release()


def test_names_of_the_own_project_are_passed_on_and_the_rest_is_not() -> None:
    world, owner = World(), Owner()
    listener = Listener(MemoryStore(world), scope="here", on_news=owner.on_news)
    listener.start()
    sender = MemoryStore(world)
    for message in (b"junk", b"[1]", News("there", "p").encode(), News("here", "a/b").encode()):
        sender.announce(message)
    assert owner.heard.acquire(timeout=PATIENCE_S)
    assert owner.names == ["a/b"]
    listener.close()


def test_there_is_one_thread_a_daemon_and_only_after_the_start() -> None:
    before = threading.active_count()
    owner = Owner()
    listener = Listener(MemoryStore(), scope="here", on_news=owner.on_news)
    assert threading.active_count() == before
    for _ in range(3):
        listener.start()
    assert threading.active_count() == before + 1
    assert listener._thread
    assert listener._thread.daemon
    listener.close()
    listener._thread.join(PATIENCE_S)
    assert not listener._thread.is_alive()


def test_it_ends_when_its_owner_is_gone() -> None:
    owner = Owner()
    listener = Listener(MemoryStore(), scope="here", on_news=owner.on_news)
    listener.start()
    thread = listener._thread
    assert thread
    del owner
    gc.collect()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_store_that_fails_is_asked_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    world, owner = World(), Owner()
    store = MemoryStore(world)
    real, failures = store.messages, iter([OSError("gone"), OSError("still")])

    def messages(timeout_s: float) -> Sequence[bytes]:
        error = next(failures, None)
        if error is not None:
            raise error
        return real(timeout_s)

    monkeypatch.setattr(store, "messages", messages)
    pauses: list[Any] = []
    monkeypatch.setattr(changes, "_BACKOFF", _Backoff(pauses))
    listener = Listener(store, scope="here", on_news=owner.on_news)
    MemoryStore(world).announce(News("here", "p").encode())
    listener.start()
    assert owner.heard.acquire(timeout=PATIENCE_S)
    assert pauses == [0, 1]
    listener.close()


class _Backoff:
    def __init__(self, pauses: list[Any]) -> None:
        self._pauses = pauses

    def pause_s(self, attempt: int) -> float:
        self._pauses.append(attempt)
        return 0.0
