"""One worker in the background: in order, each key once, and in nobody's way."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

import pytest

from langfuse_otel.prompts.refresh import Refresher

PATIENCE_S = 20.0


def test_jobs_run_in_order_on_one_daemon_thread() -> None:
    refresher, done = Refresher(), threading.Event()
    ran: list[tuple[int, threading.Thread]] = []
    for number in range(5):
        refresher.submit(number, lambda number=number: ran.append((number, threading.current_thread())))  # type: ignore[misc]
    refresher.submit("last", done.set)
    assert done.wait(PATIENCE_S)
    assert [number for number, _ in ran] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in ran}) == 1
    assert ran[0][1].daemon


def test_a_key_waits_in_the_queue_only_once() -> None:
    refresher, busy, go, done = Refresher(), threading.Event(), threading.Event(), threading.Event()
    ran: list[str] = []
    refresher.submit("first", lambda: (busy.set(), go.wait(PATIENCE_S)))
    assert busy.wait(PATIENCE_S)
    for _ in range(10):
        refresher.submit("k", lambda: ran.append("k"))
    refresher.submit("last", done.set)
    go.set()
    assert done.wait(PATIENCE_S)
    assert ran == ["k"]


def test_a_job_that_fails_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    refresher, done = Refresher(), threading.Event()

    def fail() -> None:
        raise LookupError("the job's error")

    with caplog.at_level(logging.WARNING, "langfuse_otel"):
        refresher.submit("bad", fail)
        refresher.submit("good", done.set)
        assert done.wait(PATIENCE_S)
    assert "the job's error" in caplog.text


def test_there_is_no_thread_before_the_first_job() -> None:
    before = threading.active_count()
    Refresher()
    assert threading.active_count() == before


def test_without_a_new_thread_the_job_is_left_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_threads(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    refresher, done = Refresher(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more_threads)
        refresher.submit("k", done.set)
    assert not done.is_set()
    refresher.submit("k", done.set)  # and the next one finds the queue usable
    assert done.wait(PATIENCE_S)


def test_a_forked_child_has_a_worker_of_its_own() -> None:
    refresher, done = Refresher(), threading.Event()
    refresher.submit("k", done.set)
    assert done.wait(PATIENCE_S)
    child = os.fork()
    if child == 0:
        in_child = threading.Event()
        refresher.submit("k", in_child.set)
        os._exit(0 if in_child.wait(PATIENCE_S) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_job_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    program = """
import threading
from langfuse_otel.prompts.refresh import Refresher
busy = threading.Event()
Refresher().submit("k", lambda: (busy.set(), threading.Event().wait()))
busy.wait()
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_S).returncode == 0
