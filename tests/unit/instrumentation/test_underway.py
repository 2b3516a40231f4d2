"""What code below a call does to it: requests counted, spans of the client taken over, tools and models nested."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.trace import StatusCode, get_current_span

from langfuse_otel.instrumentation import Endpoint, Hook, Instrumentor, Server, tool_endpoint
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.suppress import LANGUAGE_MODEL_KEY

ASK = Endpoint(
    operation="chat",
    server=lambda _: Server.at("library", "http://localhost:8000/v1"),
    request=lambda given: {"asked": given["text"]},
    positional=("text", "model"),
)


class Answers:
    """The accumulator of an agent of which only the time is of interest."""

    def add(self, chunk: Any) -> bool:
        return True

    def response(self) -> None:
        return None


AGENT = Endpoint(operation="invoke_agent", is_model_call=False, accumulator=Answers)
TOOL = tool_endpoint(
    name=lambda given: given["tool"].__name__,
    arguments=lambda given: given["arguments"],
    positional=("arguments", "tool"),
)


class LibraryInstrumentor(Instrumentor):
    scope = "library_instrumentation"
    supported = ()
    hooks = (
        Hook("library:Client.ask", ASK),
        Hook("library:Client.prepare", ASK, sends_with="send"),
        Hook("library:Client.loop", AGENT),
        Hook("library:run_tool", TOOL),
    )
    requests = ("library:build_request",)
    self_traced = ("library:start_own_span",)


@pytest.fixture
def recording(library: ModuleType) -> Iterator[Recording]:
    recorded = Recording()
    library.tracer = recorded.tracer_provider.get_tracer("library")  # type: ignore[attr-defined]
    with recorded.of(LibraryInstrumentor()):
        yield recorded


def weather(city: str) -> str:
    return f"Rain in {city}"


def test_a_server_is_read_from_a_url() -> None:
    assert Server.at("p", "https://example.org/v1") == Server("p", "example.org", 443)
    assert Server.at("p", "http://localhost:8000") == Server("p", "localhost", 8000)
    assert Server.at("p", "") == Server("p")


# Requests


def test_requests_after_the_first_are_retries(recording: Recording, library: Any) -> None:
    library.failures = 2
    library.Client().ask("hi")
    assert recording.attributes[names.RESEND_COUNT] == 2


def test_a_single_request_is_no_retry(recording: Recording, library: Any) -> None:
    library.Client().ask("hi")
    library.build_request()  # of no call
    assert names.RESEND_COUNT not in recording.attributes


# Clients that trace themselves


def test_the_clients_span_is_ours(recording: Recording, library: Any) -> None:
    assert library.Client().ask("hi") == "HI"
    assert recording.span.name == "chat"
    assert recording.attributes["library.route"] == "/v1"
    assert recording.attributes["library.request.id"] == "req_1"
    assert recording.attributes["asked"] == "hi"


def test_content_and_outcome_are_not_the_clients_to_say(recording: Recording, library: Any) -> None:
    library.Client().ask("hi")
    assert names.INPUT_MESSAGES not in recording.attributes
    assert names.ERROR_TYPE not in recording.attributes
    assert recording.span.status.status_code is StatusCode.UNSET


def test_further_spans_inside_a_call_are_part_of_it_and_those_outside_are_the_clients_own(
    recording: Recording, library: Any
) -> None:
    def send(client: Any, text: str) -> None:
        for _ in range(2):
            library.start_own_span(library.tracer, "library.call").end()

    library.Client.send = send
    library.Client().ask("hi")
    library.start_own_span(library.tracer, "library.other").end()
    assert [span.name for span in recording.spans] == ["chat", "library.other"]


def test_suppressed_calls_are_silent_in_the_client_too(recording: Recording, library: Any) -> None:
    token = otel_context.attach(otel_context.set_value(LANGUAGE_MODEL_KEY, True))
    try:
        library.Client().ask("hi")
    finally:
        otel_context.detach(token)
    assert recording.spans == ()


def test_uninstrumented_the_client_traces_itself_again(recording: Recording, library: Any) -> None:
    LibraryInstrumentor().uninstrument()
    library.Client().ask("hi")
    assert recording.span.name == "library.call"


# Calls that are prepared


def test_a_prepared_call_begins_when_it_is_sent(recording: Recording, library: Any) -> None:
    prepared = library.Client().prepare("hi", model="echo")
    assert recording.spans == ()
    with prepared as answer:
        assert answer == "HI"
    assert recording.span.name == "chat echo"
    assert recording.attributes["asked"] == "hi"
    assert recording.attributes["library.request.id"] == "req_1"


# Agents and tools


def test_what_a_generator_does_while_it_is_read_is_below_its_span(recording: Recording, library: Any) -> None:
    outside = get_current_span()
    for _ in library.Client().loop(weather):
        assert get_current_span() is outside
    first, tool, second, agent = recording.spans
    assert [span.name for span in recording.spans] == ["chat", "execute_tool weather", "chat", "invoke_agent"]
    assert {span.parent.span_id for span in (first, tool, second) if span.parent} == {agent.context.span_id}  # type: ignore[union-attr]
    assert "gen_ai.request.stream" not in (agent.attributes or {})


def test_a_tool_tells_arguments_and_result(recording: Recording, library: Any) -> None:
    assert library.run_tool({"city": "Ulm"}, weather) == "Rain in Ulm"
    assert recording.span.kind.name == "INTERNAL"
    assert recording.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": '{"city":"Ulm"}',
        "gen_ai.tool.call.result": '"Rain in Ulm"',
    }


class Undecided:
    """As an array: neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


@pytest.mark.parametrize("result", [Undecided(), 0, iter("ab"), float("nan")])
def test_a_tool_may_return_anything(recording: Recording, library: Any, result: Any) -> None:
    assert library.run_tool({}, lambda: result) is result
    json.loads(recording.attributes["gen_ai.tool.call.result"])
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_cyclic_result_is_noted(recording: Recording, library: Any) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert library.run_tool({}, lambda: cycle) is cycle
    assert "not recorded" in recording.attributes["gen_ai.tool.call.result"]
