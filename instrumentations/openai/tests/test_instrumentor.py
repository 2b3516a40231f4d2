"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI
from openai.resources.chat.completions import Completions
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.wrap import find
from langfuse_otel.provenance import PromptRef, remember, using
from langfuse_otel_openai import OpenAIInstrumentor
from langfuse_otel_openai.hooks import HOOKS
from langfuse_otel_openai.package import SUPPORTED
from langfuse_otel_openai.server import server_of

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


def test_importing_the_package_imports_no_client() -> None:
    code = "import sys, langfuse_otel_openai; print('openai' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "False"


def test_uninstrumenting_leaves_no_trace(client: OpenAI) -> None:
    places = [place for hook in HOOKS if (place := find(hook.target))]
    assert len(places) >= 6
    with Recording().of(OpenAIInstrumentor()):
        assert all(vars(place.owner)[place.name] is not place.found for place in places)
    assert all(vars(place.owner)[place.name] is place.found for place in places)


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


def test_a_client_that_is_too_old_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIInstrumentor, "supported", ("openai >= 1000",))
    with pytest.raises(DependencyConflictError):
        OpenAIInstrumentor().instrument(skip_dep_check=True)
    assert not OpenAIInstrumentor().is_instrumented_by_opentelemetry


def test_the_distribution_asks_for_the_versions_that_the_instrumentor_supports() -> None:
    declared = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f"instruments-any = [{', '.join(map(json.dumps, SUPPORTED))}]" in declared


def test_opentelemetry_finds_it_by_a_name_of_its_own() -> None:
    found = entry_points(group="opentelemetry_instrumentor", name="langfuse_openai")
    if not found:
        pytest.skip("the distribution is not installed, only on the path")
    assert next(iter(found)).load() is OpenAIInstrumentor


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


def _foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


_foreign.__module__ = "openinference.instrumentation.openai._request"


@pytest.mark.parametrize("target", [(Completions, "create"), (OpenAI, "request")])
@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper(
    client: OpenAI, monkeypatch: pytest.MonkeyPatch, target: Any, first: str
) -> None:
    owner, name = target
    had = name in vars(owner)
    before = getattr(owner, name)

    def wrap() -> None:
        wrap_function_wrapper(owner, name, _foreign)

    try:
        if first == "foreign":
            wrap()
        with Recording().of(OpenAIInstrumentor()) as recording:
            if first == "ours":
                wrap()
            client.chat.completions.create(**HELLO)
    finally:
        setattr(owner, name, before) if had else delattr(owner, name)
    assert recording.spans == ()


def test_it_can_be_told_to_trace_nevertheless(client: OpenAI) -> None:
    before = Completions.create
    try:
        wrap_function_wrapper(Completions, "create", _foreign)
        with Recording().of(OpenAIInstrumentor(), instrument_over_foreign=True) as recording:
            client.chat.completions.create(**HELLO)
    finally:
        Completions.create = before  # type: ignore[method-assign]
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
