"""Putting wrappers on and taking them off."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation import Hook
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.foreign import foreign_wrapper
from langfuse_otel.instrumentation.wrap import find


def test_a_target_that_the_client_lacks_is_skipped(client: Any, instrumentor: Any) -> None:
    assert find("echo_client:Client.not_in_this_version") is None
    assert find("no_such_client:Client.say") is None
    with Recording().of(instrumentor) as recording:
        client.say("hello")
    assert len(recording.spans) == 1


def test_an_inherited_method_is_given_back_to_its_parent(monkeypatch: Any, client: Any, instrumentor: Any) -> None:
    import echo_client  # type: ignore[import-not-found]

    class Child(type(client)):  # type: ignore[misc]
        pass

    monkeypatch.setattr(echo_client, "Client", Child)
    with Recording().of(instrumentor) as recording:
        Child().say("hello")
        client.say("hello")
    assert len(recording.spans) == 1
    assert "say" not in vars(Child)


def test_a_wrapper_of_the_application_over_ours_keeps_both(client: Any, instrumentor: Any) -> None:
    owner = type(client)
    before = owner.say
    seen: list[str] = []

    def applications_own(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        seen.append("called")
        return wrapped(*args, **kwargs)

    try:
        with Recording().of(instrumentor) as recording:
            wrap_function_wrapper(owner, "say", applications_own)
            client.say("hello")
        client.say("hello")
    finally:
        owner.say = before
    assert len(recording.spans) == 1
    assert seen == ["called", "called"]


def test_stepping_aside_is_said_once(client: Any, instrumentor: Any, caplog: Any) -> None:
    owner = type(client)
    before = owner.say

    def foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    foreign.__module__ = "opentelemetry.instrumentation.echo"
    try:
        wrap_function_wrapper(owner, "say", foreign)
        with caplog.at_level(logging.WARNING), Recording().of(instrumentor) as recording:
            client.say("hello")
            client.say("hello")
    finally:
        owner.say = before
    assert recording.spans == ()
    assert sum("steps aside" in record.message for record in caplog.records) == 1


def test_a_wrapper_that_reports_elsewhere_is_no_reason_to_step_aside(client: Any, instrumentor: Any) -> None:
    owner = type(client)
    before = owner.say

    def foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    foreign.__module__ = "sentry_sdk.integrations.openai"
    try:
        wrap_function_wrapper(owner, "say", foreign)
        with Recording().of(instrumentor) as recording:
            client.say("hello")
    finally:
        owner.say = before
    assert len(recording.spans) == 1


def test_a_wrapper_that_cannot_be_looked_into_does_not_stop_calls(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opaque:
        def __init__(self, method: Any) -> None:
            self._method = method

        def __get__(self, instance: Any, owner: Any) -> Any:
            return self._method.__get__(instance, owner)

        @property
        def __wrapped__(self) -> Any:
            raise RuntimeError

    owner = type(client)
    with Recording().of(instrumentor) as recording:
        monkeypatch.setattr(owner, "say", Opaque(vars(owner)["say"]))
        assert client.say("hello")["said"] == "hello"
        monkeypatch.undo()
    assert len(recording.spans) == 1


def test_a_target_that_cannot_be_patched_does_not_stop_the_others(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = (Hook("builtins:str.upper", instrumentor.hooks[0].endpoint), *instrumentor.hooks)
    monkeypatch.setattr(type(instrumentor), "hooks", hooks)
    with Recording().of(instrumentor) as recording:
        client.say("hello")
    assert len(recording.spans) == 1


def test_no_wrapper_is_foreign_by_itself() -> None:
    assert foreign_wrapper(find) is None
    assert foreign_wrapper(None) is None
