"""What ends a span waits for room, where the setting says so: in a real buffer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.delivery import pressure
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.pressure import Block
from langfuse_otel.tally import Cause
from support.spans import finished

MB = 1_000_000
LONG_S = 30.0  # that a test waits for what comes at once


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


class Blocked:
    """A full buffer whose strategy is to block, and a thread whose span waits for room in it."""

    def __init__(self, timeout_s: float = LONG_S) -> None:
        self.waits = threading.Event()
        self.block = Block(timeout_s, self.waits.set)
        self.buffer = Buffer(2, MB, strategy=self.block)
        for span in finished(2):
            self.buffer.put(span)
        self.causes: list[Cause] = []

    def caller(self) -> threading.Thread:
        thread = in_thread(lambda: self.causes.append(self.buffer.put(finished()[0])))
        assert self.waits.wait(LONG_S)  # whoever takes is woken before
        return thread


def test_a_caller_waits_until_a_batch_is_taken() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    assert blocked.causes == []
    blocked.buffer.take(1, MB)
    caller.join(LONG_S)

    assert blocked.causes == [Cause.ACCEPTED]
    assert blocked.block.waiting == 0


def test_a_caller_waits_no_longer_than_the_limit() -> None:
    blocked = Blocked(timeout_s=0.01)
    blocked.caller().join(LONG_S)

    assert blocked.causes == [Cause.QUEUE_FULL]
    assert blocked.block.waiting == 0


def test_others_put_and_take_while_a_caller_waits() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    assert blocked.buffer._put_lock.acquire(timeout=LONG_S)
    blocked.buffer._put_lock.release()
    assert len(blocked.buffer.take(10, MB)) == 2
    caller.join(LONG_S)


def test_shutdown_ends_every_wait_and_begins_none() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    blocked.buffer.close()
    caller.join(LONG_S)

    assert blocked.causes == [Cause.SHUTDOWN]
    assert blocked.buffer.put(finished()[0]) is Cause.SHUTDOWN


def test_an_event_loop_is_never_blocked() -> None:
    blocked = Blocked()

    async def end_a_span() -> Cause:
        return blocked.buffer.put(finished()[0])

    assert asyncio.run(end_a_span()) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_a_thread_that_loaded_asyncio_but_runs_no_loop_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pressure._in_event_loop()
    monkeypatch.delitem(pressure.sys.modules, "asyncio")
    assert not pressure._in_event_loop()


def test_a_span_that_ends_while_this_thread_is_in_put_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a ``__del__`` or a signal handler: the thread holds the lock that other putters need."""
    full = Blocked()
    nested: list[Cause] = []

    def press() -> None:  # called inside put
        if not nested:
            nested.append(Cause.ACCEPTED)
            nested.append(full.buffer.put(finished()[0]))

    monkeypatch.setattr(full.buffer, "_press", press)
    outer = in_thread(lambda: full.buffer.put(finished()[0]))
    assert full.waits.wait(LONG_S)
    full.buffer.take(10, MB)
    outer.join(LONG_S)

    assert nested[1:] == [Cause.QUEUE_FULL]


def test_a_span_that_ends_while_this_thread_waits_does_not_wait_too() -> None:
    """As from a signal handler."""
    nested: list[Cause] = []

    def interrupt() -> None:
        nested.append(buffer.put(finished()[0]))

    buffer = Buffer(1, MB, strategy=Block(0.01, interrupt))
    buffer.put(finished()[0])

    assert buffer.put(finished()[0]) is Cause.QUEUE_FULL
    assert nested == [Cause.QUEUE_FULL]


def test_the_thread_that_takes_does_not_wait_for_itself() -> None:
    blocked = Blocked()
    blocked.buffer.take(1, MB)
    blocked.buffer.put(finished()[0])

    assert blocked.buffer.put(finished()[0]) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_no_one_waits_for_room_that_can_never_be() -> None:
    blocked = Blocked()

    assert blocked.buffer.put(finished(1, input="x" * 2 * MB)[0]) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_many_callers_all_find_room_when_it_is_made() -> None:
    buffer = Buffer(5, MB, strategy=Block(LONG_S, lambda: None))
    causes: list[Cause] = []
    taken: list[ReadableSpan] = []
    threads = [in_thread(lambda: causes.extend([buffer.put(span) for span in finished(50)])) for _ in range(8)]
    while any(thread.is_alive() for thread in threads) or buffer.waiting_spans:
        taken.extend(buffer.take(3, MB))

    assert causes == [Cause.ACCEPTED] * 400
    assert len(taken) == 400


def test_a_forked_child_waits_for_nobody() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    callers = blocked.block._waiting
    blocked.buffer.reset()

    assert blocked.block.waiting == 0
    for made_room in callers.values():  # the parent's caller, which this one process must let go
        made_room.set()
    caller.join(LONG_S)
