"""Putting the instrumentation on and off, beside others, and what it says of the server."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from google.genai import Client
from google.genai.models import Models
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.wrap import find
from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel_google_genai import GoogleGenAIInstrumentor
from langfuse_otel_google_genai.hooks import HOOKS
from langfuse_otel_google_genai.package import SUPPORTED
from langfuse_otel_google_genai.server import server_of

HELLO: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": "Hi"}


def test_importing_the_package_imports_no_client() -> None:
    code = "import sys, langfuse_otel_google_genai; print('google.genai' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "False"


def test_uninstrumenting_leaves_no_trace() -> None:
    targets = {hook.target for hook in HOOKS}
    places = [place for target in targets if (place := find(target))]
    assert len(places) >= 12
    for _ in range(3):
        with Recording().of(GoogleGenAIInstrumentor()):
            assert all(vars(place.owner)[place.name] is not place.found for place in places)
        assert all(vars(place.owner)[place.name] is place.found for place in places)


def test_a_client_that_is_too_old_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GoogleGenAIInstrumentor, "supported", ("google-genai >= 1000",))
    with pytest.raises(DependencyConflictError):
        GoogleGenAIInstrumentor().instrument(skip_dep_check=True)
    assert not GoogleGenAIInstrumentor().is_instrumented_by_opentelemetry


def test_the_distribution_asks_for_the_versions_that_the_instrumentor_supports() -> None:
    declared = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f"instruments-any = [{', '.join(map(json.dumps, SUPPORTED))}]" in declared


def test_opentelemetry_finds_it_by_a_name_of_its_own() -> None:
    found = entry_points(group="opentelemetry_instrumentor", name="langfuse_google_genai")
    if not found:
        pytest.skip("the distribution is not installed, only on the path")
    assert next(iter(found)).load() is GoogleGenAIInstrumentor


def _foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


_foreign.__module__ = "openinference.instrumentation.google_genai._wrappers"


@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper_of_the_public_method(client: Client, first: str) -> None:
    before = Models.generate_content
    try:
        if first == "foreign":
            wrap_function_wrapper(Models, "generate_content", _foreign)
        with Recording().of(GoogleGenAIInstrumentor()) as recording:
            if first == "ours":
                wrap_function_wrapper(Models, "generate_content", _foreign)
            client.models.generate_content(**HELLO)
    finally:
        Models.generate_content = before  # type: ignore[method-assign]
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
