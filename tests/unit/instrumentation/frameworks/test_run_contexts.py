"""Code that runs inside a run of a framework."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel.instrumentation.frameworks.run_contexts import Places, run_in_their_spans
from langfuse_otel.instrumentation.runs import Runs, Unseen
from langfuse_otel.instrumentation.within import enter

KEY = "run"
PLACES = Places(
    run_ids=lambda args, _: [args[0]],
    of_a_run=("framework:work", "framework:wait", "framework:gone"),
    beginning=("framework:begin",),
    prepared_id=lambda run_id: run_id,
    preparing=("framework:prepare",),
)


class Open(Unseen):
    """A run that tells how it ended."""

    error: BaseException | None = None

    def end(self, result: Any, error: BaseException | None) -> None:
        self.error = error


def _context(run_id: str) -> Context:
    return otel_context.set_value(KEY, run_id)


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("framework")

    def work(run_id: str) -> Any:
        return otel_context.get_value(KEY)

    async def wait(run_id: str) -> None:
        await asyncio.Event().wait()

    def begin(run_id: str) -> Any:
        enter(_context(run_id))
        return otel_context.get_value(KEY)

    def prepare(run_id: str) -> None:
        """Does it in a copy of the context."""

    vars(module).update(work=work, wait=wait, begin=begin, prepare=prepare)
    monkeypatch.setitem(sys.modules, "framework", module)
    return module


@pytest.fixture
def runs() -> Runs[Any]:
    open_runs: Runs[Any] = Runs()
    open_runs.add("a", Open(_context("a")))
    return open_runs


@pytest.fixture(autouse=True)
def patched(framework: ModuleType, runs: Runs[Any]) -> Any:
    before = dict(vars(framework))
    replacements = run_in_their_spans(runs, PLACES)
    yield
    for replacement in reversed(replacements):
        replacement.remove()
    assert vars(framework) == before


def test_the_code_of_a_run_runs_in_its_span(framework: ModuleType) -> None:
    assert framework.work("a") == "a"
    assert framework.work("unknown") is None
    assert otel_context.get_value(KEY) is None


def test_what_begins_a_run_itself_has_it_entered_until_it_returns(framework: ModuleType) -> None:
    assert framework.begin("b") == "b"
    assert otel_context.get_value(KEY) is None


def test_what_is_prepared_for_a_run_is_in_its_span(framework: ModuleType) -> None:
    def seen(run_id: str) -> Any:
        framework.prepare(run_id)
        return otel_context.get_value(KEY)

    async def in_a_copy(run_id: str) -> Any:
        return await asyncio.create_task(asyncio.to_thread(seen, run_id))

    assert asyncio.run(in_a_copy("a")) == "a"
    assert asyncio.run(in_a_copy("unknown")) is None


def test_a_cancelled_run_is_ended(framework: ModuleType, runs: Runs[Any]) -> None:
    run: Any = runs.get("a")

    async def cancel() -> None:
        waiting = asyncio.create_task(framework.wait("a"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())
    assert isinstance(run.error, asyncio.CancelledError)
    assert len(runs) == 0
