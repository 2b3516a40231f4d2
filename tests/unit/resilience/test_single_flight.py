"""One request for all who ask meanwhile, each with a deadline of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from langfuse_otel.errors import TimedOutError
from langfuse_otel.resilience.single_flight import SingleFlight, wait, wait_async

PATIENCE_S = 20.0


class Fetch:
    """A request that lands when told to, and counts how often it was made."""

    def __init__(self, land: Callable[[], str] = lambda: "answer") -> None:
        self.count = 0
        self.may_land = threading.Event()
        self._land = land

    def __call__(self) -> str:
        self.count += 1
        assert self.may_land.wait(PATIENCE_S)
        return self._land()


@pytest.fixture
def flights() -> SingleFlight[str, str]:
    return SingleFlight()


def test_two_hundred_threads_make_one_request_and_get_its_answer(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()
    all_there = threading.Barrier(201)

    def ask() -> str:
        flight = flights.start("k", fetch)
        all_there.wait(PATIENCE_S)
        return wait(flight, PATIENCE_S)

    with ThreadPoolExecutor(200) as pool:
        answers = [pool.submit(ask) for _ in range(200)]
        all_there.wait(PATIENCE_S)
        fetch.may_land.set()
        assert {answer.result() for answer in answers} == {"answer"}
    assert fetch.count == 1


def test_a_thousand_tasks_make_one_request_and_get_its_answer(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()

    async def main() -> list[str]:
        waiting = [asyncio.ensure_future(wait_async(flights.start("k", fetch), PATIENCE_S)) for _ in range(1_000)]
        await asyncio.sleep(0)
        fetch.may_land.set()
        return await asyncio.gather(*waiting)

    assert set(asyncio.run(main())) == {"answer"}
    assert fetch.count == 1


def test_all_who_wait_get_the_same_error(flights: SingleFlight[str, str]) -> None:
    def fail() -> str:
        raise LookupError("gone")

    fetch = Fetch(fail)
    first, second = flights.start("k", fetch), flights.start("k", fetch)
    fetch.may_land.set()
    for flight in (first, second):
        with pytest.raises(LookupError, match="gone"):
            wait(flight, PATIENCE_S)
    assert fetch.count == 1


def test_different_keys_fly_at_the_same_time(flights: SingleFlight[str, str]) -> None:
    a, b = Fetch(lambda: "a"), Fetch(lambda: "b")
    flight_a, flight_b = flights.start("a", a), flights.start("b", b)
    b.may_land.set()
    assert wait(flight_b, PATIENCE_S) == "b"
    assert not flight_a.done()
    a.may_land.set()
    assert wait(flight_a, PATIENCE_S) == "a"


def test_one_who_leaves_at_his_deadline_does_not_stop_the_flight(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()
    flight = flights.start("k", fetch)
    with pytest.raises(TimedOutError):
        wait(flight, 0.01)
    assert flights.start("k", fetch) is flight
    fetch.may_land.set()
    assert wait(flight, PATIENCE_S) == "answer"


def test_a_task_that_leaves_or_is_cancelled_does_not_stop_the_flight(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()

    async def main() -> str:
        flight = flights.start("k", fetch)
        with pytest.raises(TimedOutError):
            await wait_async(flight, 0.01)
        cancelled = asyncio.ensure_future(wait_async(flight, PATIENCE_S))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert cancelled.cancelled()
        fetch.may_land.set()
        return await wait_async(flight, PATIENCE_S)

    assert asyncio.run(main()) == "answer"


def test_the_flights_own_timeout_is_not_mistaken_for_the_callers(flights: SingleFlight[str, str]) -> None:
    def fail() -> str:
        raise TimeoutError("the server's")

    with pytest.raises(TimeoutError, match="the server's"):
        wait(flights.start("k", fail), PATIENCE_S)
    with pytest.raises(TimeoutError, match="the server's"):
        asyncio.run(wait_async(flights.start("k", fail), PATIENCE_S))


def test_after_landing_the_next_caller_begins_a_new_flight(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()
    fetch.may_land.set()
    for _ in range(3):
        assert wait(flights.start("k", fetch), PATIENCE_S) == "answer"
    assert fetch.count == 3


def test_run_flies_on_the_calling_thread_and_others_join_it(flights: SingleFlight[str, str]) -> None:
    joined: list[Future[str]] = []
    threads: list[threading.Thread] = []

    def fetch() -> str:
        threads.append(threading.current_thread())
        joined.append(flights.start("k", fetch))
        return "answer"

    flights.run("k", fetch)
    assert threads == [threading.current_thread()]
    assert wait(joined[0], 0) == "answer"


def test_run_leaves_a_flight_in_the_air_alone(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()
    flight = flights.start("k", fetch)
    flights.run("k", fetch)  # returns at once
    fetch.may_land.set()
    wait(flight, PATIENCE_S)
    assert fetch.count == 1


def test_a_forgotten_flight_lands_for_those_who_wait_and_not_for_those_who_come(
    flights: SingleFlight[str, str],
) -> None:
    old, new = Fetch(lambda: "old"), Fetch(lambda: "new")
    old_flight = flights.start("k", old)
    flights.forget(lambda key: key == "k")
    new_flight = flights.start("k", new)
    old.may_land.set()
    assert wait(old_flight, PATIENCE_S) == "old"
    assert flights.start("k", new) is new_flight  # the old one's landing did not remove it
    new.may_land.set()
    assert wait(new_flight, PATIENCE_S) == "new"


def test_without_a_new_thread_the_flight_is_made_on_the_callers(
    flights: SingleFlight[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more_threads(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", no_more_threads)
    assert wait(flights.start("k", lambda: "answer"), 0) == "answer"


def test_a_forked_child_does_not_wait_for_the_parents_flight(flights: SingleFlight[str, str]) -> None:
    fetch = Fetch()
    flight = flights.start("k", fetch)
    child = os.fork()
    if child == 0:
        os._exit(0 if wait(flights.start("k", lambda: "child's"), PATIENCE_S) == "child's" else 1)
    assert os.waitpid(child, 0)[1] == 0
    fetch.may_land.set()
    assert wait(flight, PATIENCE_S) == "answer"
