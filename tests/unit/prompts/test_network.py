"""Langfuse as the last tier: asked once a read, not at all while it keeps failing."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.clock import SYSTEM_CLOCK
from langfuse_otel.errors import (
    AuthenticationError,
    LangfuseError,
    MalformedResponseError,
    NotFoundError,
    ServerError,
    TimedOutError,
)
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.models import Selector, TextPrompt
from langfuse_otel.prompts.network import CircuitOpenError, Network, Want
from langfuse_otel.resilience.breaker import CircuitBreaker
from support.clock import FakeClock

PATIENCE_S = 20.0


class Api:
    """Fails as it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls: list[dict[str, Any]] = []

    def get(self, selector: Selector, **options: Any) -> TextPrompt:
        self.calls.append(options)
        if self.error is not None:
            raise self.error
        return TextPrompt(name=selector.name, version=1, prompt="x")


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def network(api: Api, clock: FakeClock) -> Network:
    breaker = CircuitBreaker(failures=2, open_s=10.0, successes=1, clock=clock, rng=lambda: 0.0)
    return Network(api, breaker=breaker, counters=PromptCounters(), clock=clock)  # type: ignore[arg-type]


def read(network: Network, **options: Any) -> Any:
    return network.read(Selector("p"), Want(SYSTEM_CLOCK.monotonic() + options.pop("left_s", PATIENCE_S), **options))


def test_the_time_that_counts_is_that_of_the_question(network: Network, clock: FakeClock) -> None:
    record = read(network)
    assert (record.asked_at, record.source) == (clock.wall(), "network")


def test_the_reader_decides_on_deadline_and_retry(network: Network, api: Api) -> None:
    read(network, left_s=3.0, may_retry=False)
    assert 0 < api.calls[0]["deadline_s"] <= 3.0
    assert api.calls[0]["retry"] is False


def test_without_time_nothing_is_asked(network: Network, api: Api) -> None:
    with pytest.raises(TimedOutError):
        read(network, left_s=0.0)
    assert api.calls == []


@pytest.mark.parametrize(
    "error", [ServerError("down", status=503), TimedOutError("late"), MalformedResponseError("<html>")]
)
def test_what_speaks_against_langfuse_opens_the_breaker(
    network: Network, api: Api, clock: FakeClock, error: LangfuseError
) -> None:
    api.error = error
    for _ in range(2):
        with pytest.raises(type(error)):
            read(network)
    with pytest.raises(CircuitOpenError, match=error.message) as caught:
        read(network)
    assert (caught.value.code, caught.value.retry_after_s) == ("circuit_open", 10.0)
    assert len(api.calls) == 2
    api.error = None
    clock.sleep(10.0)
    assert read(network).prompt.version == 1


@pytest.mark.parametrize(
    "error", [NotFoundError("gone", status=404), AuthenticationError("no", status=401), ValueError("a bug of ours")]
)
def test_what_does_not_leaves_it_closed(network: Network, api: Api, error: Exception) -> None:
    api.error = error
    for _ in range(5):
        with pytest.raises(type(error)):
            read(network)
    assert len(api.calls) == 5


def test_a_prompt_that_does_not_exist_is_an_answer(network: Network, api: Api) -> None:
    api.error = ServerError("down", status=503)
    with pytest.raises(ServerError):
        read(network)
    api.error = NotFoundError("gone", status=404)
    with pytest.raises(NotFoundError):
        read(network)
    api.error = ServerError("down", status=503)
    with pytest.raises(ServerError):
        read(network)
    api.error = None
    assert read(network).prompt.version == 1  # not two failures in a row


def test_requests_are_counted(network: Network, api: Api) -> None:
    read(network)
    api.error = NotFoundError("gone", status=404)
    with pytest.raises(NotFoundError):
        read(network)
    api.error = ServerError("down", status=503)
    with pytest.raises(ServerError):
        read(network)
    assert (network._counters.requests, network._counters.request_failures) == (3, 1)
