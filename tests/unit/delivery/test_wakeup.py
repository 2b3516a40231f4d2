"""A flag to wait for, safe in signal handlers."""

from __future__ import annotations

import signal
import threading

from langfuse_otel.delivery.wakeup import Waiters, Wakeup


def test_waiting_ends_when_the_flag_is_raised_and_takes_it_down() -> None:
    wakeup = Wakeup()
    threading.Thread(target=wakeup.set).start()

    assert wakeup.wait(10)
    assert not wakeup.wait(0)


def test_raising_it_twice_is_raising_it_once() -> None:
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()

    assert wakeup.wait(0)
    assert not wakeup.wait(0)


def test_a_negative_or_endless_timeout_is_a_timeout() -> None:
    wakeup = Wakeup()

    assert not wakeup.wait(-1)
    wakeup.set()
    assert wakeup.wait(float("inf"))


def test_a_signal_handler_of_the_waiting_thread_can_raise_it() -> None:
    wakeup = Wakeup()
    before = signal.signal(signal.SIGALRM, lambda *_: wakeup.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert wakeup.wait(10)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_news_reaches_all_who_wait_for_it_and_nobody_else() -> None:
    waiters = Waiters()
    waiters.notify()
    assert not waiters
    with waiters.one() as first, waiters.one() as second:
        assert waiters
        waiters.notify()

        assert first.wait(0) and second.wait(0)
        assert not first.wait(0)
    assert not waiters
