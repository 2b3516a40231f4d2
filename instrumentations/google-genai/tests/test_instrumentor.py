"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import Client
from google.genai.models import Models

from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel_google_genai import GoogleGenAIInstrumentor
from langfuse_otel_google_genai.server import server_of
from support.instrumentor import InstrumentorContract, beside_foreign

HELLO: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": "Hi"}


class TestInstrumentor(InstrumentorContract):
    instrumentor = GoogleGenAIInstrumentor
    least = 12


@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper_of_the_public_method(client: Client, first: str) -> None:
    theirs = "openinference.instrumentation.google_genai._wrappers"
    with beside_foreign((Models, "generate_content"), theirs, GoogleGenAIInstrumentor, first) as recording:
        client.models.generate_content(**HELLO)
    assert recording.spans == ()


def test_a_compiled_prompt_is_found_again_in_the_instructions(recording: Any, client: Client) -> None:
    remember("You are a helpful gull", PromptRef("gull", 3))
    client.models.generate_content(**HELLO, config={"system_instruction": "You are a helpful gull"})
    assert recording.attributes["gen_ai.prompt.name"] == "gull"


def test_the_server_is_the_clients(vertex: Client) -> None:
    gemini = server_of(Client(api_key="k").models)
    assert (gemini.provider, gemini.address, gemini.port) == (
        "gcp.gemini",
        "generativelanguage.googleapis.com",
        443,
    )
    assert server_of(vertex.models).provider == "gcp.vertex_ai"
