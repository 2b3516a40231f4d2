"""The way to a store: shut at the first failure, opened by a look that nobody waits for."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

import pytest

from langfuse_otel import log
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.gate import StoreGate, StoreShutError
from langfuse_otel.prompts.stores.base import StoreKey
from langfuse_otel.resilience.breaker import BreakerState
from support.memory_store import MemoryStore

PATIENCE_S = 20.0


class Store(MemoryStore):
    """One whose failures the test decides on."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.looks = threading.Semaphore(0)

    def get(self, key: StoreKey) -> bytes | None:
        self.looks.release()
        if self.error is not None:
            raise self.error
        return None

    def ask(self) -> str:
        if self.error is not None:
            raise self.error
        return "answer"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def counters() -> PromptCounters:
    return PromptCounters()


@pytest.fixture
def gate(store: Store, counters: PromptCounters, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreGate]:
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))
    made = StoreGate(store, counters=counters)
    yield made
    made.close()


def test_what_the_store_answers_comes_through(gate: StoreGate, store: Store) -> None:
    assert gate.call(store.ask) == "answer"


def test_after_one_failure_it_is_not_asked_and_that_is_said_once(
    gate: StoreGate, store: Store, counters: PromptCounters, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = ConnectionError("refused, for pk-lf-1:sk-lf-0123456789abcdef")
    asked = []
    for _ in range(3):
        with pytest.raises(StoreShutError):
            gate.call(lambda: asked.append(1) or store.ask())
    assert asked == [1]
    assert counters.store_failures == {"memory_store": 1}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "0123456789abcdef" not in record.getMessage()


@pytest.mark.parametrize(("error", "is_late"), [(TimeoutError(), True), (ConnectionError(), False)], ids=repr)
def test_slow_is_told_from_gone_also_while_it_is_shut(
    gate: StoreGate, store: Store, error: Exception, is_late: bool
) -> None:
    store.error = error
    for _ in range(2):
        with pytest.raises(StoreShutError) as shut:
            gate.call(store.ask)
        assert shut.value.is_late is is_late


def test_a_look_opens_it_when_the_store_answers_again(gate: StoreGate, store: Store) -> None:
    store.error = ConnectionError()
    with pytest.raises(StoreShutError):
        gate.call(store.ask)
    assert gate.breaker.state is BreakerState.OPEN
    assert store.looks.acquire(timeout=PATIENCE_S)
    store.error = None
    while gate.breaker.state is BreakerState.OPEN:
        assert store.looks.acquire(timeout=PATIENCE_S)
    assert gate.call(store.ask) == "answer"


def test_a_forked_child_asks_for_itself(gate: StoreGate, store: Store) -> None:
    store.error = ConnectionError()
    with pytest.raises(StoreShutError):
        gate.call(store.ask)
    if (child := os.fork()) == 0:
        store.error = None
        os._exit(0 if gate.call(store.ask) == "answer" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_without_a_thread_to_look_the_next_caller_finds_out(
    gate: StoreGate, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    store.error = ConnectionError()
    with pytest.raises(StoreShutError):
        gate.call(store.ask)
    store.error = None
    assert gate.call(store.ask) == "answer"
