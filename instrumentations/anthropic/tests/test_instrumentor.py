"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.resources.messages import Messages
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.wrap import find
from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel_anthropic import AnthropicInstrumentor
from langfuse_otel_anthropic.hooks import HOOKS, REQUESTS, SELF_TRACED
from langfuse_otel_anthropic.package import SUPPORTED
from langfuse_otel_anthropic.server import server_of

HELLO: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


def test_importing_the_package_imports_no_client() -> None:
    code = "import sys, langfuse_otel_anthropic; print('anthropic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "False"


def test_uninstrumenting_leaves_no_trace() -> None:
    targets = (*(hook.target for hook in HOOKS), *REQUESTS, *SELF_TRACED)
    places = [place for target in targets if (place := find(target))]
    assert len(places) >= 12
    for _ in range(3):
        with Recording().of(AnthropicInstrumentor()):
            assert all(vars(place.owner)[place.name] is not place.found for place in places)
        assert all(vars(place.owner)[place.name] is place.found for place in places)


def test_a_wrapper_cached_by_the_client_passes_through_afterwards(client: Anthropic) -> None:
    with Recording().of(AnthropicInstrumentor()) as recording:
        create = client.messages.with_raw_response.create
        stream = client.messages.stream
    assert create(**HELLO).parse().id == "msg_1"
    with stream(**HELLO) as events:
        assert events.get_final_message().id == "msg_1"
    assert recording.spans == ()


def test_a_client_that_is_too_old_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnthropicInstrumentor, "supported", ("anthropic >= 1000",))
    with pytest.raises(DependencyConflictError):
        AnthropicInstrumentor().instrument(skip_dep_check=True)
    assert not AnthropicInstrumentor().is_instrumented_by_opentelemetry


def test_the_distribution_asks_for_the_versions_that_the_instrumentor_supports() -> None:
    declared = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f"instruments-any = [{', '.join(map(json.dumps, SUPPORTED))}]" in declared


def test_opentelemetry_finds_it_by_a_name_of_its_own() -> None:
    found = entry_points(group="opentelemetry_instrumentor", name="langfuse_anthropic")
    if not found:
        pytest.skip("the distribution is not installed, only on the path")
    assert next(iter(found)).load() is AnthropicInstrumentor


def _foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


_foreign.__module__ = "opentelemetry.instrumentation.genai.anthropic.patch"


@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper(client: Anthropic, first: str) -> None:
    before = Messages.create
    try:
        if first == "foreign":
            wrap_function_wrapper(Messages, "create", _foreign)
        with Recording().of(AnthropicInstrumentor()) as recording:
            if first == "ours":
                wrap_function_wrapper(Messages, "create", _foreign)
            client.messages.create(**HELLO)
    finally:
        Messages.create = before  # type: ignore[method-assign]
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
