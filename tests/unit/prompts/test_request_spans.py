"""Spans of the requests for prompts: what they say, and whose children they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

import langfuse_otel
from langfuse_otel.errors import LangfuseError, NotFoundError
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.request import ONE, Request
from langfuse_otel.prompts.request_spans import SCOPE, RequestSpans
from langfuse_otel.server.run import LocalServer
from langfuse_otel.settings import load
from support.clock import FakeClock
from support.langfuse_api import LangfuseApi
from support.loopback import raw, reply
from support.prompt_client import prompts_of, wait_until_landed, wait_until_renewed
from support.prompt_server import PATH, PromptServer
from support.spans import Collector

SECRET = "sk-lf-1"


class Traced:
    """A provider, a client whose requests are traced by it, and what has ended."""

    def __init__(self, server: PromptServer, clock: FakeClock) -> None:
        self.collector = Collector()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.collector)
        self.tracer = self.provider.get_tracer("app")
        spans = RequestSpans(server.url, tracer_provider=self.provider)
        self.prompts = prompts_of(server, clock, spans=spans)

    def requests(self) -> list[ReadableSpan]:
        """The spans of ours, in the order of their end."""
        return [s for s in self.collector.spans if s.instrumentation_scope and s.instrumentation_scope.name == SCOPE]

    def the_request(self) -> ReadableSpan:
        """The only one."""
        (span,) = self.requests()
        return span


@pytest.fixture
def traced(server: PromptServer, clock: FakeClock) -> Traced:
    return Traced(server, clock)


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def id_of(span: ReadableSpan | trace.Span) -> int:
    context = span.context if isinstance(span, ReadableSpan) else span.get_span_context()
    assert context is not None
    return context.span_id


def one_at(base_url: str) -> ReadableSpan:
    """The span of a request to a server there."""
    collector, provider = Collector(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    request = Request("GET", ONE, "p", 2, {"version": "2"})
    RequestSpans(base_url, tracer_provider=provider).around(request, lambda: Answer(200, b"", {}))
    (span,) = collector.spans
    return span


class TestWhatTheySay:
    def test_a_read_by_the_conventions_for_http_clients(self, server: PromptServer, traced: Traced) -> None:
        server.publish("support/answer", "x")
        traced.prompts.get("support/answer")
        span = traced.the_request()
        assert (span.name, span.kind) == (f"GET {PATH}/{{name}}", SpanKind.CLIENT)
        assert attributes_of(span) == {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "server.address": "127.0.0.1",
            "server.port": int(server.url.rpartition(":")[2]),
            "url.full": f"{server.url}{PATH}/support%2Fanswer?label=production",
            "url.template": f"{PATH}/{{name}}",
            "langfuse.prompt.request.name": "support/answer",
            "langfuse.prompt.request.label": "production",
        }
        assert span.status.status_code is StatusCode.UNSET

    def test_all_that_authors_do_as_well(self, server: PromptServer, traced: Traced) -> None:
        prompts = traced.prompts
        prompts.create("p", "one")
        prompts.update_labels("p", 1, ["beta"])
        list(prompts.versions("p"))
        prompts.delete("p")
        said = [(span.name, attributes_of(span).get("langfuse.prompt.request.version")) for span in traced.requests()]
        assert said == [
            (f"POST {PATH}", None),
            (f"PATCH {PATH}/{{name}}/versions/{{version}}", 1),
            (f"GET {PATH}", None),
            (f"GET {PATH}/{{name}}", 1),
            (f"DELETE {PATH}/{{name}}", None),
        ]
        assert all(attributes_of(span)["langfuse.prompt.request.name"] == "p" for span in traced.requests())

    def test_each_attempt_is_a_span(self, server: PromptServer, traced: Traced) -> None:
        server.trouble = reply(503)
        with pytest.raises(LangfuseError):
            traced.prompts.get("p")
        said = [attributes_of(span) for span in traced.requests()]
        assert [one.get("http.request.resend_count") for one in said] == [None, 1]
        assert [(one["http.response.status_code"], one["error.type"]) for one in said] == [(503, "503")] * 2
        assert {span.status.status_code for span in traced.requests()} == {StatusCode.ERROR}

    def test_no_answer_is_an_error_without_status(self, server: PromptServer, traced: Traced) -> None:
        server.trouble = raw()
        with pytest.raises(LangfuseError) as caught:
            traced.prompts.get("p")
        said = attributes_of(traced.requests()[0])
        assert said["error.type"] == caught.value.code == "connection_failed"
        assert "http.response.status_code" not in said

    def test_a_prompt_that_does_not_exist_is_no_error(self, traced: Traced) -> None:
        with pytest.raises(NotFoundError):
            traced.prompts.get("absent")
        span = traced.the_request()
        assert attributes_of(span)["http.response.status_code"] == 404
        assert (span.status.status_code, attributes_of(span).get("error.type")) == (StatusCode.UNSET, None)

    @pytest.mark.parametrize(
        ("base_url", "shown", "port"),
        [
            ("https://langfuse.example", "https://langfuse.example", 443),
            ("http://user:password@langfuse.example:3000", "http://langfuse.example:3000", 3000),
        ],
    )
    def test_the_address_has_a_port_and_no_password(self, base_url: str, shown: str, port: int) -> None:
        span = one_at(base_url)
        said = attributes_of(span)
        assert (said["server.address"], said["server.port"]) == ("langfuse.example", port)
        assert said["url.full"] == f"{shown}{PATH}/p?version=2"
        assert said["langfuse.prompt.request.version"] == 2
        assert "password" not in span.to_json()

    def test_a_server_in_a_folder_is_shown_there(self) -> None:
        span = one_at("https://example/langfuse/")
        assert span.name == f"GET /langfuse{PATH}/{{name}}"
        assert attributes_of(span)["url.full"] == f"https://example/langfuse{PATH}/p?version=2"

    def test_no_key_and_no_text_of_a_prompt_is_in_them(self, server: PromptServer, traced: Traced) -> None:
        server.publish("p", "the text of the prompt")
        traced.prompts.get("p")
        server.trouble = reply(500, b'{"message": "secret of the server"}')
        with pytest.raises(LangfuseError):
            traced.prompts.create("q", "the text of the prompt")
        told = "".join(span.to_json() for span in traced.requests())
        assert len(traced.requests()) == 2
        assert not any(word in told for word in (SECRET, "pk-lf-1", "Basic", "the text", "secret of the server"))


class TestWhoseTheyAre:
    def test_who_waits_is_the_parent(self, server: PromptServer, traced: Traced) -> None:
        server.publish("p", "x")
        with traced.tracer.start_as_current_span("handler") as handler:
            traced.prompts.get("p")
        span = traced.the_request()
        assert span.parent is not None
        assert span.parent.span_id == id_of(handler)
        assert not span.links

    def test_also_a_task(self, server: PromptServer, traced: Traced) -> None:
        async def handle(name: str) -> tuple[str, int]:
            with traced.tracer.start_as_current_span(name) as handler:
                await traced.prompts.aget(name)
                await traced.prompts.asource(name)
                return name, id_of(handler)

        async def main() -> dict[str, int]:
            return dict(await asyncio.gather(*map(handle, "ab")))

        for name in "ab":
            server.publish(name, "x")
        handlers = asyncio.run(main())
        found = [(attributes_of(s)["langfuse.prompt.request.name"], s.parent) for s in traced.requests()]
        assert sorted((name, parent.span_id) for name, parent in found if parent) == sorted([*handlers.items()] * 2)

    def test_who_is_served_at_once_is_linked(self, server: PromptServer, traced: Traced, clock: FakeClock) -> None:
        server.publish("p", "x")
        traced.prompts.get("p")
        clock.sleep(61.0)
        with traced.tracer.start_as_current_span("handler") as handler:
            traced.prompts.get("p")
        wait_until_renewed(traced.prompts)
        _, renewal = traced.requests()
        assert renewal.parent is None
        assert [link.context.span_id for link in renewal.links] == [id_of(handler)]

    def test_who_gets_a_fallback_while_langfuse_is_asked_again_is_linked(
        self, server: PromptServer, traced: Traced, clock: FakeClock
    ) -> None:
        server.trouble = reply(500)
        traced.prompts.get("p", fallback="mine")
        clock.sleep(5.0)
        with traced.tracer.start_as_current_span("handler") as handler:
            traced.prompts.get("p", fallback="mine")
        wait_until_landed(traced.prompts)
        attempt = traced.requests()[-1]
        assert attempt.parent is None
        assert [link.context.span_id for link in attempt.links] == [id_of(handler)]

    def test_a_webhook_is_linked(self, server: PromptServer, traced: Traced) -> None:
        server.publish("p", "x")
        traced.prompts.get("p")
        with traced.tracer.start_as_current_span("POST /hook") as hook:
            traced.prompts.renew("p")
        wait_until_renewed(traced.prompts)
        assert [link.context.span_id for link in traced.requests()[-1].links] == [id_of(hook)]

    def test_without_a_span_there_is_neither_parent_nor_link(
        self, server: PromptServer, traced: Traced, clock: FakeClock
    ) -> None:
        server.publish("p", "x")
        traced.prompts.get("p")
        clock.sleep(61.0)
        traced.prompts.get("p")
        wait_until_renewed(traced.prompts)
        assert [(span.parent, len(span.links)) for span in traced.requests()] == [(None, 0)] * 2


class TestInNobodysWay:
    def test_a_hit_makes_none(self, server: PromptServer, traced: Traced) -> None:
        server.publish("p", "x")
        for _ in range(10):
            traced.prompts.get("p")
        assert len(traced.requests()) == 1

    def test_who_wants_no_http_spans_gets_none(self, server: PromptServer, traced: Traced) -> None:
        server.publish("p", "x")
        with suppress_http_instrumentation():
            assert traced.prompts.get("p").version == 1
        assert traced.requests() == []

    @pytest.mark.parametrize(("when", "kind"), [("on_start", RuntimeError), ("on_end", LookupError)])
    def test_a_processor_that_fails_costs_the_span_and_not_the_prompt(
        self, server: PromptServer, traced: Traced, caplog: pytest.LogCaptureFixture, when: str, kind: type
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise kind("a bug of the application's")

        broken = SpanProcessor()
        setattr(broken, when, fail)
        traced.provider.add_span_processor(broken)
        server.publish("p", "x")
        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            assert traced.prompts.get("p").version == 1
        assert f"a request for a prompt is not traced: {kind.__name__}" in caplog.text


@pytest.mark.parametrize("is_on", [True, False])
def test_there_are_some_only_when_asked_for(server: PromptServer, is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    collector, provider = Collector(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    server.publish("p", "x")
    env = {"LANGFUSE_PROMPT_SPANS": "true"} if is_on else {}
    prompts = Prompts.from_settings(load(env, public_key="pk-lf-1", secret_key=SECRET, base_url=server.url))
    prompts.get("p")
    prompts.close()
    assert len(collector.spans) == is_on


class TestInLangfuse:
    """They are spans like those of any HTTP client; ``spans`` and ``left_out_scopes`` are the choice."""

    @pytest.fixture
    def langfuse(self) -> Iterator[LocalServer]:
        with LocalServer() as server:
            yield server

    def sent(self, langfuse: LocalServer, **options: Any) -> list[dict[str, Any]]:
        """What arrives of a read that belongs to no trace, of one in a handler, and of one in an agent in there."""
        keys = {"base_url": langfuse.base_url, "public_key": langfuse.public_key, "secret_key": langfuse.secret_key}
        exporter = LangfuseSpanExporter(**keys, **options)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(LangfuseSpanProcessor(exporter))
        http = HttpClient(keys["base_url"], keys["public_key"], keys["secret_key"])
        api = PromptApi(http, spans=RequestSpans(http.base_url, tracer_provider=provider))
        prompts, tracer = Prompts(api), provider.get_tracer("app")
        prompts.get("nobody's", fallback="")
        with langfuse_otel.propagate_attributes(user_id="ada"), tracer.start_as_current_span("handler"):
            prompts.get("p", fallback="")
            with tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent"}):
                prompts.get("within", fallback="")
        assert exporter.force_flush()
        exporter.shutdown()
        return LangfuseApi(**keys).observations()

    def test_all_are_there_unless_said_otherwise(self, langfuse: LocalServer) -> None:
        rows = self.sent(langfuse)
        name = f"GET {PATH}/{{name}}"
        assert sorted(row["name"] for row in rows) == [name, name, name, "agent", "handler"]
        children = [row for row in rows if row["name"] == name and row["parentObservationId"]]
        assert [(child["type"], child["userId"]) for child in children] == [("SPAN", "ada")] * 2

    def test_none_is_taken_for_a_use_of_the_prompt(self, langfuse: LocalServer) -> None:
        assert not any(row.get("promptName") or row.get("promptId") for row in self.sent(langfuse))

    @pytest.mark.parametrize(("options", "count"), [({"spans": "llm"}, 1), ({"left_out_scopes": SCOPE}, 0)])
    def test_only_those_that_are_chosen_are_there(
        self, langfuse: LocalServer, options: dict[str, Any], count: int
    ) -> None:
        rows = self.sent(langfuse, **options)
        agent = next(row for row in rows if row["name"] == "agent")
        others = [row for row in rows if row["name"] not in ("agent", "handler")]
        assert [row["parentObservationId"] for row in others] == [agent["id"]] * count
