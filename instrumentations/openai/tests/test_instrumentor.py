"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI
from openai.resources.chat.completions import Completions

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.provenance import PromptRef, remember, using
from langfuse_otel_openai import OpenAIInstrumentor
from langfuse_otel_openai.server import server_of
from support.instrumentor import InstrumentorContract, beside_foreign

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


class TestInstrumentor(InstrumentorContract):
    instrumentor = OpenAIInstrumentor
    least = 6


def test_a_wrapper_cached_by_the_client_passes_through_afterwards(client: OpenAI) -> None:
    with Recording().of(OpenAIInstrumentor()) as recording:
        create = client.chat.completions.with_raw_response.create
    assert create(**HELLO).parse().id == "chatcmpl-1"
    assert client.chat.completions.with_raw_response.create(**HELLO).parse().id == "chatcmpl-1"
    assert recording.spans == ()


def test_instrumenting_again_works(client: OpenAI) -> None:
    for _ in range(2):
        with Recording().of(OpenAIInstrumentor()) as recording:
            client.chat.completions.create(**HELLO)
        assert len(recording.spans) == 1


# Beside others


@pytest.fixture
def official() -> Any:
    instrumentors = pytest.importorskip("opentelemetry.instrumentation.genai.openai")
    instrumentor = instrumentors.OpenAIInstrumentor()
    recording = Recording()
    yield instrumentor, recording
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


@pytest.mark.parametrize("first", ["official", "ours"])
def test_with_the_official_instrumentation_a_call_is_one_span(client: OpenAI, official: Any, first: str) -> None:
    instrumentor, theirs = official
    ours = Recording()
    if first == "official":
        instrumentor.instrument(tracer_provider=theirs.tracer_provider)
    with ours.of(OpenAIInstrumentor()):
        if first == "ours":
            instrumentor.instrument(tracer_provider=theirs.tracer_provider)
        client.chat.completions.create(**HELLO)
        client.embeddings.create(model="text-embedding-3-small", input="Hi", encoding_format="float")
        if first == "ours":  # wrapt cannot take out the middle one
            instrumentor.uninstrument()
    assert len(theirs.spans) == 2
    assert ours.spans == ()


def test_below_the_official_instrumentation_what_we_know_goes_to_its_span(client: OpenAI, official: Any) -> None:
    instrumentor, theirs = official
    remember("Answer like a cook of the official kitchen", PromptRef("cook", 7))
    messages = [{"role": "system", "content": "Answer like a cook of the official kitchen"}, *HELLO["messages"]]
    with Recording().of(OpenAIInstrumentor(), instrument_over_foreign=True) as ours:
        instrumentor.instrument(tracer_provider=theirs.tracer_provider)
        client.chat.completions.create(model="gpt-4o-mini", messages=messages)
        instrumentor.uninstrument()
    assert ours.spans == ()
    assert theirs.attributes["gen_ai.prompt.name"] == "cook"
    assert theirs.attributes["gen_ai.usage.cache_read.input_tokens"] == 4


def test_above_the_official_instrumentation_the_call_is_ours(client: OpenAI, official: Any) -> None:
    instrumentor, theirs = official
    instrumentor.instrument(tracer_provider=theirs.tracer_provider)
    with Recording().of(OpenAIInstrumentor(), instrument_over_foreign=True) as ours:
        client.chat.completions.create(**HELLO)
        list(client.chat.completions.create(**HELLO, stream=True))
    assert len(ours.spans) == 2
    assert theirs.spans == ()


def test_the_langfuse_drop_in_client_traces_alone(server: Any) -> None:
    code = f"""
import langfuse.openai, openai
from langfuse_otel_openai import OpenAIInstrumentor
from langfuse_otel.instrumentation.contract import Recording
recording = Recording()
client = openai.OpenAI(base_url={server.url!r}, api_key="k")
with recording.of(OpenAIInstrumentor()):
    client.chat.completions.create(model="m", messages=[])
print(len(recording.spans))
"""
    pytest.importorskip("langfuse")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "0", ran.stderr
    assert "steps aside" in ran.stderr


FOREIGN = "openinference.instrumentation.openai._request"


@pytest.mark.parametrize("target", [(Completions, "create"), (OpenAI, "request")])
@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper(client: OpenAI, target: tuple[type, str], first: str) -> None:
    with beside_foreign(target, FOREIGN, OpenAIInstrumentor, first) as recording:
        client.chat.completions.create(**HELLO)
    assert recording.spans == ()


def test_it_can_be_told_to_trace_nevertheless(client: OpenAI) -> None:
    over = {"instrument_over_foreign": True}
    with beside_foreign((Completions, "create"), FOREIGN, OpenAIInstrumentor, **over) as recording:
        client.chat.completions.create(**HELLO)
    assert len(recording.spans) == 1


# Prompts


def test_a_compiled_prompt_is_found_again_in_the_messages(recording: Any, client: OpenAI) -> None:
    remember("You are a helpful pirate", PromptRef("pirate", 3))
    messages = [{"role": "system", "content": "You are a helpful pirate"}, *HELLO["messages"]]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert recording.attributes["gen_ai.prompt.name"] == "pirate"
    assert recording.attributes["gen_ai.prompt.version"] == "3"


@pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")
def test_a_compiled_prompt_is_found_in_instructions_with_content_off(client: OpenAI) -> None:
    remember("You are a helpful sailor", PromptRef("sailor", 1))
    with Recording().of(OpenAIInstrumentor(), capture_content="NO_CONTENT") as recording:
        client.responses.create(model="gpt-4o-mini", input="Hi", instructions="You are a helpful sailor")
    assert recording.attributes["gen_ai.prompt.name"] == "sailor"


def test_using_links_text_that_was_changed(recording: Any, client: OpenAI) -> None:
    with using(PromptRef("pirate", 4)):
        list(client.chat.completions.create(**HELLO, stream=True))
    assert recording.attributes["gen_ai.prompt.version"] == "4"


# Servers


@pytest.mark.parametrize(
    ("url", "provider", "port"),
    [
        ("https://api.openai.com/v1", "openai", 443),
        ("https://my.openai.azure.com/openai/v1", "azure.ai.openai", 443),
        ("https://api.deepseek.com", "deepseek", 443),
        ("https://api.groq.com/openai/v1", "groq", 443),
        ("https://openrouter.ai/api/v1", "openrouter", 443),
        ("http://localhost:8000/v1", "openai", 8000),
        ("https://evilapi.openai.com.example.org/v1", "openai", 443),
    ],
)
def test_the_provider_is_known_by_the_host(url: str, provider: str, port: int) -> None:
    server = server_of(openai.OpenAI(base_url=url, api_key="k").chat.completions)
    assert (server.provider, server.port) == (provider, port)


def test_azure_behind_a_gateway_is_known_by_the_client() -> None:
    client = AzureOpenAI(azure_endpoint="https://gateway.example.org", api_key="k", api_version="2024-06-01")
    server = server_of(client.chat.completions)
    assert (server.provider, server.address) == ("azure.ai.openai", "gateway.example.org")
