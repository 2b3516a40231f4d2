"""Functions that run in a context of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextvars import copy_context
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel.instrumentation.within import (
    bracket,
    enter,
    enter_after,
    run_all_within,
    run_within,
    without_bracket,
)

KEY = "colour"


def _colour() -> Any:
    return otel_context.get_value(KEY)


class Framework:
    """Looks at the context, and changes it as a callback would."""

    def function(self, seen: list[Any]) -> None:
        seen.append(_colour())
        enter(otel_context.set_value(KEY, "entered"))
        seen.append(_colour())

    async def coroutine(self, seen: list[Any]) -> None:
        self.function(seen)

    def generator(self, seen: list[Any]) -> Iterator[int]:
        try:
            self.function(seen)
            yield 1
            seen.append(_colour())
            yield 2
        finally:
            seen.append(_colour())

    async def async_generator(self, seen: list[Any]) -> AsyncIterator[int]:
        for item in self.generator(seen):
            yield item

    async def wait(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch) -> Framework:
    module = ModuleType("framework")
    module.Framework = Framework  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "framework", module)
    return Framework()


@pytest.fixture(params=["function", "coroutine", "generator", "async_generator"])
def call(request: pytest.FixtureRequest, framework: Framework) -> Any:
    """Calls one method to its end, and looks at the context outside after each step."""

    def run(seen: list[Any]) -> list[Any]:
        outside = []
        started = getattr(framework, request.param)(seen)
        if request.param == "coroutine":
            asyncio.run(started)
        elif request.param == "generator":
            outside += [_colour() for _ in started]
        elif request.param == "async_generator":

            async def drain() -> None:
                async for _ in started:
                    outside.append(_colour())

            asyncio.run(drain())
        return [*outside, _colour()]

    run.target = f"framework:Framework.{request.param}"  # type: ignore[attr-defined]
    return run


def _red(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context:
    return otel_context.set_value(KEY, "red", bracket())


def test_inside_is_the_given_context_and_outside_the_callers(call: Any) -> None:
    replacement = run_within(call.target, _red)
    assert replacement is not None
    seen: list[Any] = []
    assert set(call(seen)) == {None}
    replacement.remove()
    assert seen[:2] == ["red", "entered"]
    assert set(seen[2:]) <= {"entered"}  # what was entered lasts from one read to the next


def test_without_a_bracket_nothing_is_entered(call: Any) -> None:
    seen: list[Any] = []
    call(seen)
    assert set(seen) == {None}


def test_removed_it_leaves_no_trace(call: Any) -> None:
    name = call.target.rpartition(".")[2]
    before = vars(Framework)[name]
    replacement = run_within(call.target, _red)
    assert replacement is not None
    assert vars(Framework)[name] is not before
    replacement.remove()
    assert vars(Framework)[name] is before


def test_a_context_that_cannot_be_found_changes_nothing(call: Any) -> None:
    def fail(args: Any, kwargs: Any) -> Context:
        raise LookupError

    replacement = run_within(call.target, fail)
    assert replacement is not None
    seen: list[Any] = []
    call(seen)
    replacement.remove()
    assert set(seen) == {None}


def test_a_generator_that_is_left_is_closed_in_its_context(framework: Framework) -> None:
    replacement = run_within("framework:Framework.generator", _red)
    assert replacement is not None
    seen: list[Any] = []
    for _ in framework.generator(seen):
        break
    replacement.remove()
    assert seen == ["red", "entered", "entered"]


def test_a_cancellation_is_told(framework: Framework) -> None:
    told: list[BaseException] = []
    replacement = run_within("framework:Framework.wait", _red, cancelled=lambda args, kwargs, error: told.append(error))
    assert replacement is not None

    async def cancel() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(framework.wait(), 0.01)

    asyncio.run(cancel())
    replacement.remove()
    assert [type(error) for error in told] == [asyncio.CancelledError]


def test_a_target_that_is_not_there_is_skipped(framework: Framework) -> None:
    assert run_within("framework:Framework.nothing", _red) is None


def test_of_several_targets_those_that_are_not_there_are_skipped(framework: Framework) -> None:
    targets = ("framework:Framework.nothing", "framework:Framework.function")
    (replacement,) = run_all_within(targets, _red)
    seen: list[Any] = []
    framework.function(seen)
    replacement.remove()
    assert seen == ["red", "entered"]


@pytest.mark.parametrize("found", ["blue", None])
def test_a_context_is_entered_after_what_prepares_it(framework: Framework, found: str | None) -> None:
    def context(framework: Any, seen: list[Any]) -> Context | None:
        return otel_context.set_value(KEY, found) if found else None

    (replacement,) = enter_after(["framework:Framework.function"], lambda *args: context(framework, *args))
    prepared = copy_context()
    prepared.run(framework.function, [])
    replacement.remove()
    assert prepared.run(_colour) == found
    assert _colour() is None


def test_a_context_after_that_cannot_be_found_changes_nothing(framework: Framework) -> None:
    (replacement,) = enter_after(["framework:Framework.function"], lambda: Context())
    seen: list[Any] = []
    framework.function(seen)
    replacement.remove()
    assert seen == [None, None]


def test_a_span_does_not_inherit_the_bracket() -> None:
    token = otel_context.attach(without_bracket(bracket()))
    try:
        enter(otel_context.set_value(KEY, "entered"))
        assert _colour() is None
    finally:
        otel_context.detach(token)
