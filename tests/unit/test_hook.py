"""How long a function of the application's may take, and what becomes of one that takes longer."""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections.abc import Callable

import pytest

from langfuse_otel.hook import PAUSE_S, SLOW_S, TOO_SLOW_CALLS, TOO_SLOW_S, Hook, HookPausedError, stuck
from support.clock import FakeClock


def taking(seconds: float, clock: FakeClock) -> Callable[[str], str]:
    def redact(value: str) -> str:
        clock.sleep(seconds)
        return value.upper()

    return redact


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_function_that_answers_in_time_is_called_and_nothing_is_said(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    hook = Hook("mask", taking(SLOW_S, clock), clock=clock)
    assert [hook("a") for _ in range(100)] == ["A"] * 100
    assert caplog.records == []


def test_a_slow_call_is_said_with_the_function_s_name(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook("mask", taking(1.5, clock), clock=clock)
    assert [hook("a") for _ in range(100)] == ["A"] * 100, "it goes on being called"
    (record,) = caplog.records
    assert record.getMessage() == f"{hook.name} took 1.5 s"
    assert hook.name.startswith(f"the mask function {__name__}.taking")


def test_a_function_too_slow_several_times_in_a_row_is_not_called_for_a_while(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    hook = Hook("mask", taking(TOO_SLOW_S + 1, clock), clock=clock)
    for _ in range(TOO_SLOW_CALLS):
        hook("a")
    calls = len(clock.slept_s)
    with pytest.raises(HookPausedError, match="redact is not called"):
        hook("a")
    assert len(clock.slept_s) == calls
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1

    clock.now_s += PAUSE_S
    assert hook("a") == "A"
    with pytest.raises(HookPausedError):
        hook("a")


def test_one_call_in_time_ends_the_row(clock: FakeClock) -> None:
    seconds = TOO_SLOW_S + 1
    hook = Hook("mask", lambda value: clock.sleep(seconds), clock=clock)
    for _ in range(3):
        seconds = TOO_SLOW_S + 1
        for _ in range(TOO_SLOW_CALLS - 1):
            hook("a")
        seconds = 0
        hook("a")


def test_a_call_that_raises_slowly_counts(clock: FakeClock) -> None:
    def fail(value: str) -> None:
        clock.sleep(TOO_SLOW_S + 1)
        raise KeyError(value)

    hook = Hook("mask", fail, clock=clock)
    for _ in range(TOO_SLOW_CALLS):
        with pytest.raises(KeyError):
            hook("a")
    with pytest.raises(HookPausedError):
        hook("a")


def test_while_a_call_does_not_return_the_function_is_not_called_again_and_can_be_named(clock: FakeClock) -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait_for_ever(value: str) -> str:
        entered.set()
        leave.wait(60)
        return value

    hook = Hook("mask", wait_for_ever, clock=clock)
    thread = threading.Thread(target=hook, args=("a",))
    thread.start()
    assert entered.wait(20)
    assert stuck() is None
    clock.now_s += TOO_SLOW_S + 7
    assert hook.running_s == TOO_SLOW_S + 7
    with pytest.raises(HookPausedError):
        hook("b")
    assert "wait_for_ever was called 12 s ago and has not returned" in (stuck() or "")
    leave.set()
    thread.join(20)
    assert stuck() is None
    assert hook("b") == "b"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_wait_for_its_parent_s_call(clock: FakeClock) -> None:
    def in_a_fork(value: str) -> int:
        clock.now_s += TOO_SLOW_S + 1
        return os.fork() if value == "parent" else -1

    hook = Hook("mask", in_a_fork, clock=clock)
    child = hook("parent")
    if not child:
        os._exit(0 if hook("child") == -1 and not stuck() else 1)
    _, wait_status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(wait_status) == 0


@pytest.mark.parametrize(
    ("function", "name"),
    [(functools.partial(print), "functools.partial"), ([].append, "builtins.list.append"), (len, "builtins.len")],
)
def test_whatever_can_be_called_has_a_name(function: Callable[..., object], name: str) -> None:
    assert Hook("price", function).name == f"the price function {name}"
