"""Which spans are sent, and under which parent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Tracer

from langfuse_otel import hook
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi

CHAT = {"gen_ai.operation.name": "chat"}


class Sent:
    """What comes out of an exporter, at a local Langfuse."""

    def __init__(self, langfuse: LangfuseApi, exporter: LangfuseSpanExporter, provider: TracerProvider) -> None:
        self._langfuse, self.exporter, self.provider = langfuse, exporter, provider
        self.tracer = provider.get_tracer("app")

    def parents(self) -> dict[str, str | None]:
        """By span's name the name of its parent, of everything that arrived."""
        assert self.exporter.force_flush()
        rows = self._langfuse.observations()
        names = {None: None, **{row["id"]: row["name"] for row in rows}}
        return {row["name"]: names.get(row["parentObservationId"], "missing") for row in rows}


@contextmanager
def sending(**options: Any) -> Iterator[Sent]:
    with LocalServer() as server:
        keys = {"base_url": server.base_url, "public_key": server.public_key, "secret_key": server.secret_key}
        exporter = LangfuseSpanExporter(**keys, **options)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(LangfuseSpanProcessor(exporter))
        yield Sent(LangfuseApi(**keys), exporter, provider)
        exporter.shutdown()


def web_request(tracer: Tracer, http: Tracer) -> None:
    """A request whose handler asks a model, over HTTP, and a database."""
    with http.start_as_current_span("GET /ask"), tracer.start_as_current_span("handler"):
        with http.start_as_current_span("select rows"):
            pass
        with tracer.start_as_current_span("chat", attributes=CHAT), http.start_as_current_span("POST /v1/chat"):
            pass
    with http.start_as_current_span("GET /health"):
        pass


def test_everything_is_sent_unless_said_otherwise() -> None:
    with sending() as it:
        web_request(it.tracer, it.provider.get_tracer("http"))
        assert len(it.parents()) == 6


def test_llm_spans_come_with_what_contains_them_and_what_they_contain() -> None:
    with sending(spans="llm") as it:
        web_request(it.tracer, it.provider.get_tracer("http"))
        assert it.parents() == {"GET /ask": None, "handler": "GET /ask", "chat": "handler", "POST /v1/chat": "chat"}
        assert it.exporter.status().counts["left_out"] == 2


def test_a_span_that_turns_out_to_be_an_llm_s_counts_as_one() -> None:
    with sending(spans="llm") as it:
        with it.tracer.start_as_current_span("root"), it.tracer.start_as_current_span("call") as call:
            call.set_attributes(CHAT)
        assert it.parents() == {"root": None, "call": "root"}


def test_children_of_a_scope_that_is_left_out_hang_from_the_nearest_that_is_not() -> None:
    with sending(left_out_scopes="ht*") as it:
        http = it.provider.get_tracer("http")
        with it.tracer.start_as_current_span("root"), http.start_as_current_span("a"), http.start_as_current_span("b"):
            it.tracer.start_span("leaf").end()
        with http.start_as_current_span("c"):
            it.tracer.start_span("new root").end()
        assert it.parents() == {"root": None, "leaf": "root", "new root": None}


def test_a_child_that_outlives_its_parent_still_finds_its_place() -> None:
    with sending(left_out_scopes="http") as it:
        with it.tracer.start_as_current_span("root"):
            with it.provider.get_tracer("http").start_as_current_span("left out"):
                late = it.tracer.start_span("late")
            late.end()
        assert it.parents() == {"root": None, "late": "root"}


def test_a_function_of_the_users_chooses_by_what_is_known_at_the_start() -> None:
    def select(span: ReadableSpan) -> bool:
        return "secret" not in span.name

    with sending(select=select) as it:
        with it.tracer.start_as_current_span("root"), it.tracer.start_as_current_span("secret step"):
            it.tracer.start_span("leaf").end()
        assert it.parents() == {"root": None, "leaf": "root"}


def test_a_function_that_fails_keeps_the_span(caplog: pytest.LogCaptureFixture) -> None:
    def select(span: ReadableSpan) -> bool:
        raise KeyError("oops")

    with sending(select=select) as it:
        it.tracer.start_span("kept").end()
        assert it.parents() == {"kept": None}
    assert "KeyError" in caplog.text


def test_a_function_that_takes_too_long_time_and_again_is_not_asked_and_the_spans_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hook, "SLOW_S", -1.0)
    monkeypatch.setattr(hook, "TOO_SLOW_S", -1.0)
    asked: list[str] = []
    with sending(select=lambda span: asked.append(span.name) or False) as it:  # type: ignore[func-returns-value]
        for n in range(hook.TOO_SLOW_CALLS + 2):
            it.tracer.start_span(str(n)).end()
        assert it.parents() == {"5": None, "6": None}
    assert asked == ["0", "1", "2", "3", "4"]


def test_spans_whose_start_was_not_seen_are_judged_by_themselves() -> None:
    with sending(spans="llm", left_out_scopes="http") as it:
        unseen = TracerProvider(shutdown_on_exit=False)
        chat = unseen.get_tracer("app").start_span("chat", attributes=CHAT)
        other = unseen.get_tracer("app").start_span("other")
        left_out = unseen.get_tracer("http").start_span("post", attributes=CHAT)
        for span in (chat, other, left_out):
            span.end()
            it.exporter.accept(span)  # type: ignore[arg-type]
        assert it.parents() == {"chat": None}
