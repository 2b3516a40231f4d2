"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.resources.messages import Messages

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel_anthropic import AnthropicInstrumentor
from langfuse_otel_anthropic.server import server_of
from support.instrumentor import InstrumentorContract, beside_foreign

HELLO: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


class TestInstrumentor(InstrumentorContract):
    instrumentor = AnthropicInstrumentor
    least = 12


def test_a_wrapper_cached_by_the_client_passes_through_afterwards(client: Anthropic) -> None:
    with Recording().of(AnthropicInstrumentor()) as recording:
        create = client.messages.with_raw_response.create
        stream = client.messages.stream
    assert create(**HELLO).parse().id == "msg_1"
    with stream(**HELLO) as events:
        assert events.get_final_message().id == "msg_1"
    assert recording.spans == ()


@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper(client: Anthropic, first: str) -> None:
    theirs = "opentelemetry.instrumentation.genai.anthropic.patch"
    with beside_foreign((Messages, "create"), theirs, AnthropicInstrumentor, first) as recording:
        client.messages.create(**HELLO)
    assert recording.spans == ()


def test_a_compiled_prompt_is_found_again_in_the_instructions(recording: Any, client: Anthropic) -> None:
    remember("You are a helpful parrot", PromptRef("parrot", 3))
    client.messages.create(**HELLO, system=[{"type": "text", "text": "You are a helpful parrot"}])
    assert recording.attributes["gen_ai.prompt.name"] == "parrot"
    assert recording.attributes["gen_ai.prompt.version"] == "3"


@pytest.mark.parametrize(
    ("client", "provider", "address"),
    [
        (lambda: Anthropic(api_key="k"), "anthropic", "api.anthropic.com"),
        (
            lambda: anthropic.AnthropicBedrock(aws_region="eu-west-1", aws_access_key="k", aws_secret_key="s"),
            "aws.bedrock",
            "bedrock-runtime.eu-west-1.amazonaws.com",
        ),
        (
            lambda: anthropic.AnthropicVertex(region="europe-west1", project_id="p", access_token="t"),
            "gcp.vertex_ai",
            "europe-west1-aiplatform.googleapis.com",
        ),
    ],
)
def test_the_provider_is_known_by_the_client(client: Any, provider: str, address: str) -> None:
    server = server_of(client().messages)
    assert (server.provider, server.address, server.port) == (provider, address, 443)
