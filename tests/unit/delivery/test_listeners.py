"""Callbacks of the application's: told in order, by a thread of their own, and harmless whatever they do."""

from __future__ import annotations

import os
import threading

import pytest

from langfuse_otel.delivery.listeners import MAX_NEWS, Listeners
from langfuse_otel.errors import LangfuseError, SpansLostError
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Cause, Tally


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "langfuse-otel-listeners"]


def test_news_is_told_in_order_on_one_thread_that_is_not_the_callers_and_that_ends() -> None:
    told: list[object] = []
    listeners = Listeners(
        on_error=lambda error: told.append((str(error), threading.get_ident())),
        on_pressure=lambda begins, share: told.append((begins, share)),
        on_breaker=lambda before, now, error: told.append((before, now, error)),
    )
    errors = [str(n) for n in range(50)]
    for error in errors:
        listeners.error(LangfuseError(error))
    listeners.pressure(True, 0.8)
    listeners.breaker(BreakerState.CLOSED, BreakerState.OPEN, "503")
    assert listeners.settle(20)

    *of_errors, pressure, breaker = told
    assert [text for text, _ in of_errors] == errors  # type: ignore[misc]
    assert threading.get_ident() not in {thread for _, thread in of_errors}  # type: ignore[misc]
    assert pressure == (True, 0.8)
    assert breaker == (BreakerState.CLOSED, BreakerState.OPEN, "503")
    for thread in threading.enumerate():
        if thread.name == "langfuse-otel-listeners":
            thread.join(20)
    assert threads() == []


def test_without_callbacks_there_is_no_thread() -> None:
    listeners = Listeners()
    listeners.error(LangfuseError("no"))
    assert threads() == []
    assert listeners.settle(0)


def test_losses_are_told_once_by_what_was_lost_since() -> None:
    told: list[LangfuseError] = []
    listeners, tally = Listeners(on_error=told.append), Tally()
    for _ in range(2):
        tally.count(Cause.QUEUE_FULL, 3)
        listeners.losses(tally)
        listeners.losses(tally)
    assert listeners.settle(20)
    assert [error.lost for error in told if isinstance(error, SpansLostError)] == [{"queue_full": 3}] * 2


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_a_callback_that_raises_harms_nobody(error: BaseException) -> None:
    told: list[str] = []

    def fail(news: LangfuseError) -> None:
        told.append(str(news))
        raise error

    listeners = Listeners(on_error=fail)
    for n in range(3):
        listeners.error(LangfuseError(str(n)))
        assert listeners.settle(20)
    assert told == ["0", "1", "2"]


def test_a_callback_that_never_returns_holds_nobody_up_and_costs_old_news(caplog: pytest.LogCaptureFixture) -> None:
    entered, leave = threading.Event(), threading.Event()
    told: list[str] = []

    def wait(news: LangfuseError) -> None:
        told.append(str(news))
        entered.set()
        leave.wait(60)

    listeners = Listeners(on_error=wait)
    listeners.error(LangfuseError("first"))
    assert entered.wait(20)
    for n in range(MAX_NEWS + 10):
        listeners.error(LangfuseError(str(n)))
    assert not listeners.settle(0.01)
    assert len(threads()) == 1
    (record,) = caplog.records
    assert "wait takes so long that it is not told all" in record.getMessage()

    leave.set()
    assert listeners.settle(20)
    assert told == ["first", *(str(n) for n in range(10, MAX_NEWS + 10))]


def test_a_callback_that_waits_for_all_to_be_told_does_not_wait_for_itself() -> None:
    settled: list[bool] = []
    listeners = Listeners(on_error=lambda error: settled.append(listeners.settle(3_600)))
    listeners.error(LangfuseError("no"))
    assert listeners.settle(20)
    assert settled == [False]


def test_where_no_thread_can_be_started_it_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told: list[LangfuseError] = []
    listeners = Listeners(on_error=told.append)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    listeners.error(LangfuseError("no"))
    assert len(told) == 1
    assert listeners.settle(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_tells_its_own_news_while_its_parent_waits_for_a_callback() -> None:
    entered, leave, told = threading.Event(), threading.Event(), []

    def wait(news: LangfuseError) -> None:
        told.append(str(news))
        if os.getpid() == parent:
            entered.set()
            leave.wait(60)

    parent = os.getpid()
    listeners = Listeners(on_error=wait)
    listeners.error(LangfuseError("of the parent"))
    assert entered.wait(20)
    listeners.error(LangfuseError("of the parent, later"))
    child = os.fork()
    if not child:
        listeners.error(LangfuseError("of the child"))
        os._exit(0 if listeners.settle(20) and told == ["of the parent", "of the child"] else 1)
    _, wait_status = os.waitpid(child, 0)
    leave.set()
    assert os.waitstatus_to_exitcode(wait_status) == 0
    assert listeners.settle(20)
    assert told == ["of the parent", "of the parent, later"]
